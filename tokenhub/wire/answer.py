"""Reading a provider's whole answer beside forwarding it."""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage, per_request
from tokenhub.wire.tokens import estimate_output
from tokenhub.wire.usage import anthropic_usage, embeddings_usage, openai_usage, responses_usage

_CONTENT: Final = {
    Api.CHAT: "choices",
    Api.COMPLETIONS: "choices",
    Api.MESSAGES: "content",
    Api.EMBEDDINGS: "data",
    Api.RESPONSES: "output",
}
"""The list that a 2xx answer of each API has."""
_USAGE: Final = {
    Api.CHAT: openai_usage,
    Api.COMPLETIONS: openai_usage,
    Api.MESSAGES: anthropic_usage,
    Api.EMBEDDINGS: embeddings_usage,
    Api.RESPONSES: responses_usage,
}
_SEALED: Final = {
    "thinking": "signature",
    "redacted_thinking": "data",
    "reasoning": "encrypted_content",
}
"""By the type of a block or item of thinking: where its seal stands."""

_LONG_BYTES: Final = 1024 * 1024
_END_BYTES: Final = 4096
_DATA: Final = re.compile(rb'"data"\s*:\s*\[')
# What precedes the name tells that its first quote is none inside a string, where it is escaped.
_USAGE_NAME: Final = re.compile(rb'(?<=[,\s])"usage"\s*:')


@per_request
class AnswerFacts:
    """What we need to know of an answer.

    `usage` is None where the provider reports none; then `output_tokens` is our own estimate.
    `seals` are those of its thinking: signatures, redacted or encrypted thinking. `value` is the
    answer itself, empty where it is a long list of embeddings.
    """

    usage: Usage | None
    output_tokens: int = 0
    seals: tuple[str, ...] = ()
    value: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def read_answer(api: Api, body: bytes) -> AnswerFacts:
    """Read the body of a 2xx answer of `api`.

    Raises NotOfProtocol, with `error_body` where the answer is an error for all its status. Of a
    long list of embeddings only the ends are read: all of it would hold the event loop for long.
    """
    if api is Api.EMBEDDINGS and len(body) > _LONG_BYTES and (report := _report_of_long(body)):
        return AnswerFacts(embeddings_usage(report))
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotOfProtocol("the answer is not JSON") from None
    if api is Api.COUNT_TOKENS:
        _check_count(value, body)
        return AnswerFacts(None, value=value)
    content = _content(api, value, body)
    seals = () if api is Api.EMBEDDINGS else _seals(content)
    report = value.get("usage")
    if not isinstance(report, dict):
        tokens = 0 if api is Api.EMBEDDINGS else round(estimate_output(content))
        return AnswerFacts(None, tokens, seals, value)
    return AnswerFacts(_USAGE[api](report), 0, seals, value)


def _check_count(value: object, body: bytes) -> None:
    """Raise NotOfProtocol unless `value` tells a number of input tokens."""
    if not isinstance(value, dict) or type(value.get("input_tokens")) is not int:
        raise NotOfProtocol("the answer has no input_tokens", error_body=_error_body(value, body))


def _error_body(value: object, body: bytes) -> bytes:
    """`body` if it is an error, else nothing."""
    return body if isinstance(value, dict) and value.get("error") else b""


def _seals(content: list[Any]) -> tuple[str, ...]:
    """The seals of the thinking among blocks of a message or items of a response."""
    found = []
    for block in content:
        name = _SEALED.get(kind) if isinstance(kind := _type_of(block), str) else None
        if name is not None and isinstance(seal := block.get(name), str) and seal:
            found.append(seal)
    return tuple(found)


def _type_of(block: object) -> object:
    return block.get("type") if isinstance(block, dict) else None


def _content(api: Api, value: object, body: bytes) -> list[Any]:
    """The list that `api` answers with; raises NotOfProtocol.

    A response that has failed is an error whatever it had said before.
    """
    name = _CONTENT[api]
    content = value.get(name) if isinstance(value, dict) else None
    failed = api is Api.RESPONSES and isinstance(value, dict) and value.get("status") == "failed"
    if failed or (not content and _error_body(value, body)):
        raise NotOfProtocol("the answer is an error", error_body=_error_body(value, body))
    if not isinstance(content, list):
        raise NotOfProtocol(f"the answer is not an object with a list {name!r}")
    return content


def _report_of_long(body: bytes) -> dict[str, Any] | None:
    """The `usage` of a long list of embeddings; None where only parsing all of it would tell.

    It is looked for behind the list, then before it. Either end is parsed as an object of its own,
    which succeeds only for members of the outermost one.
    """
    begin, end = body[:_END_BYTES], body[-_END_BYTES:]
    heads = (_object(begin[: at.start()] + b'"data":[]}') for at in _DATA.finditer(begin))
    head = next((found for found in heads if found and found.get("data") == []), None)
    if head is None or not end.rstrip().endswith(b"}"):
        return None
    tails = (_object(b"{" + end[at.start() :]) for at in _USAGE_NAME.finditer(end))
    report = next(filter(None, tails), head).get("usage")
    return report if isinstance(report, dict) else None


def _object(text: bytes) -> dict[str, Any] | None:
    """What `text` means if it is a JSON object, which begins with its first byte or a space."""
    try:
        value: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value
