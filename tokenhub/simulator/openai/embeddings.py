"""`POST /v1/embeddings` as OpenAI and vLLM answer it: unit vectors, the same for the same text."""

import base64
import hashlib
import random
import struct
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer, Json, compact, indented
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.tokens import count_text
from tokenhub.simulator.openai import checks as check

MAX_INPUTS = 2048

_INPUT_TYPES = "Invalid type for 'input': expected a string or an array of strings or tokens."


def answer(exchange: Exchange) -> Answer:
    """The vectors of the input texts, as floats or as base64 of little-endian 32-bit floats."""
    body = exchange.body
    model = check.model_of(exchange)
    if not model.dimensions:
        raise ApiError(
            403 if exchange.kind == "openai" else 400,
            f"You are not allowed to generate embeddings from this model: {model.id}"
            if not exchange.vllm
            else "The model does not support Embeddings API",
        )
    inputs = _inputs(body)
    size = check.integer(body, "dimensions", 1, model.dimensions) or model.dimensions
    encoding = check.optional(body, "encoding_format", "a string") or "float"
    if encoding not in ("float", "base64"):
        raise check.invalid(
            "encoding_format",
            f"Invalid value: '{encoding}'. Supported values are: 'float' and 'base64'.",
        )
    counts = [_count(model, one) for one in inputs]
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(one, size, encoding)}
        for index, one in enumerate(inputs)
    ]
    usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
    return Answer(body=_body(exchange, model, data, usage))


def _body(exchange: Exchange, model: Model, data: list[Json], usage: Json) -> bytes:
    if exchange.vllm:
        head = {"id": exchange.ids.hex("embd-", 32), "object": "list", "created": exchange.now_s}
        usage |= {"completion_tokens": 0, "prompt_tokens_details": None}
        return compact({**head, "model": model.id, "data": data, "usage": usage})
    return indented({"object": "list", "data": data, "model": model.snapshot, "usage": usage})


def _inputs(body: Json) -> list[Any]:
    value = body.get("input")
    match value:
        case None:
            raise check.missing("input")
        case str():
            inputs: list[Any] = [value]
        case []:
            raise check.invalid("input", "'input' cannot be an empty array.", "empty_array")
        case [int(), *_]:
            inputs = [value]
        case [str() | list(), *_]:
            inputs = value
        case _:
            raise check.invalid("input", _INPUT_TYPES, "invalid_type")
    if len(inputs) > MAX_INPUTS:
        raise check.invalid(
            "input",
            "Invalid 'input': array too long. Expected an array with maximum length "
            f"{MAX_INPUTS}, but got an array with length {len(inputs)} instead.",
            "array_above_max_length",
        )
    for one in inputs:
        if not isinstance(one, str | list):
            raise check.invalid("input", _INPUT_TYPES, "invalid_type")
        if not one:
            raise check.invalid("input", "'input' cannot be an empty string.")
    return inputs


def _count(model: Model, one: Any) -> int:
    tokens = count_text(one) if isinstance(one, str) else len(one)
    if tokens > model.context_tokens:
        raise ApiError(
            400,
            f"This model's maximum context length is {model.context_tokens} tokens, however you "
            f"requested {tokens} tokens ({tokens} in your prompt; 0 for the completion). Please "
            "reduce your prompt; or completion length.",
            code="context_length_exceeded",
        )
    return tokens


def _encoded(one: Any, size: int, encoding: str) -> list[float] | str:
    digest = hashlib.sha256(repr(one).encode()).digest()
    rng = random.Random(digest)  # noqa: S311 -- made to repeat itself
    vector = [rng.random() - 0.5 for _ in range(size)]
    length = sum(value * value for value in vector) ** 0.5
    packed = struct.pack(f"<{size}f", *(value / length for value in vector))
    if encoding == "base64":
        return base64.b64encode(packed).decode()
    return [round(value, 9) for value in struct.unpack(f"<{size}f", packed)]
