"""Reading a provider's whole answer beside forwarding it."""

from dataclasses import dataclass
from typing import Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.tokens import estimate_output
from tokenhub.wire.usage import anthropic_usage, openai_usage

_CONTENT: Final = {
    Api.CHAT: "choices",
    Api.COMPLETIONS: "choices",
    Api.MESSAGES: "content",
    Api.EMBEDDINGS: "data",
}
"""The list that a 2xx answer of each API has."""


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What we need to know of an answer.

    `usage` is None where the provider reports none; then `output_tokens` is our own estimate.
    """

    usage: Usage | None
    output_tokens: int = 0


def read_answer(api: Api, body: bytes) -> AnswerFacts:
    """Read the body of a 2xx answer of `api`; raises NotOfProtocol."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotOfProtocol("the answer is not JSON") from None
    name = _CONTENT[api]
    if not isinstance(value, dict) or not isinstance(value.get(name), list):
        raise NotOfProtocol(f"the answer is not an object with a list {name!r}")
    report = value.get("usage")
    if not isinstance(report, dict):
        written = 0.0 if api is Api.EMBEDDINGS else estimate_output(value[name])
        return AnswerFacts(None, round(written))
    return AnswerFacts(anthropic_usage(report) if api is Api.MESSAGES else openai_usage(report))
