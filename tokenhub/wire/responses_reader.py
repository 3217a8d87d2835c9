"""Reads the streams of OpenAI responses."""

from typing import Any, ClassVar, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api
from tokenhub.wire.failed_response import failed_events, own_error, told_error
from tokenhub.wire.reader import Part, StreamReader
from tokenhub.wire.usage import responses_usage

_KEPT_BYTES: Final = 256 * 1024
"""Of a longer response only what names it is kept: some repeat all tools and instructions."""
_NAMES: Final = ("id", "object", "created_at", "model")
_TOLD: Final = ("code", "message", "type", "param")
_BROKEN_OFF: Final = "the provider broke off its stream"
_MOST: Final = 2**53
"""A larger number is no sequence number."""


class ResponsesReader(StreamReader):
    """Reads responses. Source: OpenAI API reference, "Responses streaming".

    A stream that breaks off is ended by a `response.failed` of its own: so the response as it began
    is remembered, and the number that the next event has.
    """

    api: ClassVar = Api.RESPONSES

    def __init__(self) -> None:
        super().__init__()
        self._started: dict[str, Any] | None = None
        self._next = 0
        self._failed = False

    def error_event(self, code: str, message: str, request_id: str, *, status: int = 502) -> bytes:
        """A `response.failed` for our own error; `code` becomes one that clients know."""
        error = own_error(code, message, status)
        return failed_events(self._started, self._next, error, request_id)

    def after_error(self, request_id: str) -> bytes:
        """A `response.failed` that repeats an `error` event, by which no response ends."""
        if self._failed:
            return b""
        known = told_error(self.error) or own_error("upstream_error", _BROKEN_OFF, 502)
        # Of an event that its name alone tells to be an error, the number was not read.
        sequence = self._next + (self.value is None)
        return failed_events(self._started, sequence, known, request_id)

    def _part(self, value: dict[str, Any]) -> Part:
        kind = value.get("type")
        if not isinstance(kind, str):
            raise NotOfProtocol("an event without a type")
        self._count(value)
        if kind.endswith(".delta"):
            self._begun = True
            delta = value.get("delta")
            self._saw(delta)
            return Part.CONTENT if delta else Part.OTHER
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                return self._start(value.get("response"))
            case "response.output_item.added":
                return self._item(value.get("item"))
            case "response.content_part.added" | "response.reasoning_summary_part.added":
                part = value.get("part")
                text = part.get("text") if isinstance(part, dict) else None
                return Part.CONTENT if text else Part.OPENING
            case "response.output_item.done":
                item = value.get("item")
                if isinstance(item, dict) and item.get("type") == "reasoning":
                    self._sealed(item.get("encrypted_content"))
                return Part.OTHER
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._last(kind, value.get("response"))
            case _:
                return Part.ERROR if kind == "error" else Part.OTHER

    def _count(self, value: dict[str, Any]) -> None:
        """Note the number of the event after this one; not every provider counts."""
        number = value.get("sequence_number")
        self._next = number + 1 if type(number) is int and 0 <= number < _MOST else self._next + 1

    def _start(self, response: object) -> Part:
        if not isinstance(response, dict):
            raise NotOfProtocol("a response that is not an object")
        self._begun = True
        if self._started is None:
            self._started = response if _is_short(response) else _named(response, _NAMES)
        return Part.OPENING

    def _item(self, item: object) -> Part:
        """An item begins: a message is empty, the call of a tool and reasoning are content."""
        self._begun = True
        if not isinstance(item, dict):
            return Part.OTHER
        if item.get("type") == "message" and not item.get("content"):
            return Part.OPENING
        self._saw([item.get("name"), item.get("arguments"), item.get("content")])
        return Part.CONTENT

    def _last(self, kind: str, response: object) -> Part:
        if not isinstance(response, dict):
            raise NotOfProtocol("a response that is not an object")
        report = response.get("usage")
        if isinstance(report, dict):
            self.usage = responses_usage(report)
        if kind == "response.failed":
            self._failed = True
            return Part.ERROR
        self.finished = True
        return self._end()

    def _error_data(self, value: dict[str, Any], data: bytes) -> bytes:
        """The `error` of a response that failed stands in the response."""
        if not self._failed:
            return data
        error = value["response"].get("error")
        told = _named(error, _TOLD) if isinstance(error, dict) else {}
        return orjson.dumps({"error": told})


def _is_short(response: dict[str, Any]) -> bool:
    """Whether a response can be kept as it is; orjson writes only 254 levels."""
    try:
        return len(orjson.dumps(response)) <= _KEPT_BYTES
    except orjson.JSONEncodeError:
        return False


def _named(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The members of `value` that are called so and are text or numbers."""
    found = ((name, value.get(name)) for name in names)
    return {name: member for name, member in found if isinstance(member, str | int | float)}
