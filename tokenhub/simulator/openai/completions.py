"""`POST /v1/completions`, the legacy API, as OpenAI and vLLM answer it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import DONE, Answer, Frame, Json, compact, data_event, indented
from tokenhub.simulator.model.brain import think
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.logprobs import alternatives, logprob
from tokenhub.simulator.model.prompt import Prompt
from tokenhub.simulator.model.reply import Reply
from tokenhub.simulator.model.tokens import count_text
from tokenhub.simulator.openai import checks as check
from tokenhub.simulator.openai.parts import FINISH, chat_usage

DEFAULT_MAX_TOKENS = 16
"""What the legacy API takes for `max_tokens` (API reference, completions)."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request, read: its prompts and the choices' number for each."""

    model: Model
    prompts: tuple[str | list[int], ...]
    input_tokens: int
    max_tokens: int
    n: int
    echo: bool
    logprobs: int | None
    stops: tuple[str, ...]


def answer(exchange: Exchange) -> Answer:
    """The completions of each prompt, streamed when asked for."""
    request = _read(exchange)
    usage_event = check.wants_usage(exchange)
    replies = [
        think(_prompt(request, prompt), exchange.profile, request.model.id, exchange.seed, choice)
        for prompt in request.prompts
        for choice in range(request.n)
    ]
    usage = chat_usage(exchange, request.input_tokens, 0, replies)
    id_ = exchange.ids.hex("cmpl-", 32) if exchange.vllm else exchange.ids.alnum("cmpl-", 29)
    head: Json = {"id": id_, "object": "text_completion", "created": exchange.now_s}
    if check.optional(exchange.body, "stream", "a boolean"):
        frames = _frames(request, replies, head, usage if usage_event else None)
        return Answer(frames=frames, content_type="text/event-stream")
    choices = [_choice(request, index, reply) for index, reply in enumerate(replies)]
    body = head | {"model": request.model.snapshot, "choices": choices}
    if exchange.profile.usage:
        body["usage"] = usage
    write = compact if exchange.vllm else indented
    return Answer(body=write(body), tokens=max(reply.output_tokens for reply in replies))


def _read(exchange: Exchange) -> _Request:
    body = exchange.body
    model = check.model_of(exchange)
    if not model.completions:
        raise ApiError(
            404,
            "This is a chat model and not supported in the v1/completions endpoint. Did you mean "
            "to use v1/chat/completions?",
            param="model",
        )
    prompts = _prompts(body.get("prompt"))
    tokens = sum(count_text(p) if isinstance(p, str) else len(p) for p in prompts)
    limit = check.integer(body, "max_tokens", 0)
    max_tokens = DEFAULT_MAX_TOKENS if limit is None else limit
    if tokens + max_tokens > model.context_tokens:
        raise ApiError(
            400,
            f"This model's maximum context length is {model.context_tokens} tokens, however you "
            f"requested {tokens + max_tokens} tokens ({tokens} in your prompt; {max_tokens} for "
            "the completion). Please reduce your prompt; or completion length.",
            code="context_length_exceeded",
        )
    check.decimal(body, "temperature", 0, 2)
    return _Request(
        model=model,
        prompts=prompts,
        input_tokens=tokens,
        max_tokens=max_tokens,
        n=check.integer(body, "n", 1, 128) or 1,
        echo=bool(check.optional(body, "echo", "a boolean")),
        logprobs=check.integer(body, "logprobs", 0, 5),
        stops=check.stops(body),
    )


def _prompts(value: Any) -> tuple[str | list[int], ...]:
    match value:
        case None:
            return ("<|endoftext|>",)
        case str():
            return (value,)
        case [int(), *_]:
            return (value,)
        case [str() | list(), *_] if all(isinstance(one, str | list) for one in value):
            return tuple(value)
        case _:
            raise check.invalid("prompt", "Invalid value for 'prompt'.", "invalid_type")


def _prompt(request: _Request, prompt: str | list[int]) -> Prompt:
    return Prompt(
        text=prompt if isinstance(prompt, str) else str(prompt),
        turns=1,
        input_tokens=request.input_tokens,
        max_tokens=request.max_tokens,
        stops=request.stops,
    )


def _echoed(request: _Request, index: int) -> str:
    prompt = request.prompts[index // request.n]
    return prompt if request.echo and isinstance(prompt, str) else ""


def _choice(request: _Request, index: int, reply: Reply) -> Json:
    return {
        "text": _echoed(request, index) + reply.text,
        "index": index,
        "logprobs": _logprobs(request, reply.words, 0),
        "finish_reason": FINISH[reply.finish],
    }


def _logprobs(request: _Request, tokens: tuple[str, ...], offset: int) -> Json | None:
    if request.logprobs is None:
        return None
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token)
    return {
        "tokens": list(tokens),
        "token_logprobs": [logprob(token) for token in tokens],
        "top_logprobs": [dict(alternatives(token, request.logprobs)) for token in tokens],
        "text_offset": offsets,
    }


def _frames(
    request: _Request, replies: list[Reply], head: Json, usage: Json | None
) -> Iterator[Frame]:
    def event(choices: list[Json], tokens: int = 0, used: Json | None = None) -> Frame:
        value = head | {"choices": choices, "model": request.model.snapshot}
        return data_event(value if usage is None else value | {"usage": used}, tokens)

    for index, reply in enumerate(replies):
        offset = 0
        if _echoed(request, index):
            yield event([_part(index, _echoed(request, index))])
        for piece in reply.words:
            logprobs = _logprobs(request, (piece,), offset)
            offset += len(piece)
            yield event([_part(index, piece) | {"logprobs": logprobs}], 1)
        yield event([_part(index, "") | {"finish_reason": FINISH[reply.finish]}])
    if usage is not None:
        yield event([], used=usage)
    yield DONE


def _part(index: int, text: str) -> Json:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": None}
