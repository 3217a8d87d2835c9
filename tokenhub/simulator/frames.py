"""What an answer consists of on the wire: JSON bodies and server-sent events."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]


class Frame(NamedTuple):
    """One event of a stream and the output tokens it carries."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: a `body`, or the `frames` of a stream; `tokens` is how long a body takes.

    `failing` is a response (`/v1/responses`) that fails, without its error.
    """

    status: int = 200
    body: bytes = b""
    frames: Iterable[Frame] | None = None
    tokens: int = 0
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    failing: Json | None = None


def compact(value: Any) -> bytes:
    """JSON without white space, as it stands in events and in Anthropic's bodies."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def indented(value: Any) -> bytes:
    """JSON with two spaces of indentation, as OpenAI's bodies are."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def data_event(value: Any, tokens: int = 0) -> Frame:
    """An event without a name, as OpenAI's chat has them."""
    return Frame(b"data: " + compact(value) + b"\n\n", tokens)


def named_event(value: Json, tokens: int = 0) -> Frame:
    """An event named by its `type`, as Anthropic's messages and OpenAI's responses have them."""
    name = str(value["type"]).encode()
    return Frame(b"event: " + name + b"\ndata: " + compact(value) + b"\n\n", tokens)


DONE = Frame(b"data: [DONE]\n\n")
"""The end of an OpenAI stream."""
