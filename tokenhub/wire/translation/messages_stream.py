"""Streams of the messages API: told to a writer, and written.

Source: Anthropic API reference, "Streaming messages".
"""

from collections.abc import Callable
from typing import Any, Final

from tokenhub.errors import NotOfProtocol
from tokenhub.text import clean
from tokenhub.wire.translation.messages_answer import (
    explanation_of,
    input_in,
    stop_of,
    text_in,
)
from tokenhub.wire.translation.messages_writer import MessagesWriter
from tokenhub.wire.translation.reply import StreamTeller, StreamWriter
from tokenhub.wire.usage import anthropic_usage

__all__ = ["MessagesTeller", "MessagesWriter"]

Json = dict[str, Any]

# Source: Anthropic API reference, "Errors".
_STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class _Call:
    """A call that is being told: its number among the calls, its input if no delta brings it."""

    __slots__ = ("input", "number", "told")

    def __init__(self, number: int, input: str) -> None:
        self.number = number
        self.input = input
        self.told = False


class MessagesTeller(StreamTeller):
    """Reads a messages stream."""

    def __init__(self, writer: StreamWriter) -> None:
        super().__init__(writer)
        self._begun = False
        self._calls: dict[object, _Call] = {}
        self._number = 0
        self._signature = ""
        self._report: Json = {}

    def event(self, value: dict[str, object]) -> None:
        """Tell what the event whose data is `value` says; raises NotOfProtocol."""
        kind = value.get("type")
        if kind == "content_block_delta":
            self._delta(_part(value, "delta"), value.get("index"))
        elif kind == "content_block_start":
            self._block_start(_part(value, "content_block"), value.get("index"))
        elif kind == "content_block_stop":
            self._block_stop(value.get("index"))
        elif kind == "message_start":
            self._message_start(_part(value, "message"))
        elif kind == "message_delta":
            self._message_delta(value)
        elif kind == "error":
            self._error(_part(value, "error"))
        elif not isinstance(kind, str):
            raise NotOfProtocol("an event without a type")

    def end(self) -> None:
        """The provider's stream has ended as its protocol wants: tell the rest."""
        self._begin("")
        self.writer.end()

    def _begin(self, model: str) -> None:
        if not self._begun:
            self._begun = True
            self.writer.begin(model, anthropic_usage(self._report) if self._report else None)

    def _message_start(self, message: Json) -> None:
        self._reported(message.get("usage"))
        self._begin(text_in(message, "model"))

    def _block_start(self, block: Json, index: object) -> None:
        self._begin("")
        match block.get("type"):
            case "text":
                self._told(self.writer.text, block, "text")
            case "thinking":
                self._told(self.writer.thinking, block, "thinking")
                self._signature = text_in(block, "signature")
            case "redacted_thinking":
                self.writer.seal(text_in(block, "data"), redacted=True)
            case "tool_use":
                _check_index(index)
                self._calls[index] = _Call(self._number, input_in(block))
                self.writer.tool(self._number, text_in(block, "id"), text_in(block, "name"))
                self._number += 1
            case _:
                pass  # Of tools that nobody asked for: no client can use it.

    def _delta(self, delta: Json, index: object) -> None:
        self._begin("")
        match delta.get("type"):
            case "text_delta":
                self._told(self.writer.text, delta, "text")
            case "input_json_delta":
                self._arguments(text_in(delta, "partial_json"), index)
            case "thinking_delta":
                self._told(self.writer.thinking, delta, "thinking")
            case "signature_delta":
                self._signature = text_in(delta, "signature")
            case _:
                pass  # Citations, which nobody asked for.

    @staticmethod
    def _told(tell: Callable[[str], None], holder: Json, name: str) -> None:
        if text := text_in(holder, name):
            tell(text)

    def _arguments(self, text: str, index: object) -> None:
        _check_index(index)
        call = self._calls.get(index)
        if call is None:
            raise NotOfProtocol("input of a call that has not begun")
        if text:
            call.told = True
            self.writer.arguments(call.number, text)

    def _block_stop(self, index: object) -> None:
        _check_index(index)
        if self._signature:
            self.writer.seal(self._signature)
            self._signature = ""
        call = self._calls.pop(index, None)
        if call is not None:
            if not call.told:
                self.writer.arguments(call.number, call.input)
            self.writer.tool_end(call.number)

    def _message_delta(self, value: Json) -> None:
        """Tell usage, which is cumulative (counters left out stay), and the reason for the end."""
        self._begin("")
        if self._reported(value.get("usage")):
            self.writer.usage(anthropic_usage(self._report))
        delta = value.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason"):
            if explained := explanation_of(delta.get("stop_details")):
                self.writer.refusal(explained)
            sequence = delta.get("stop_sequence")
            self.writer.stop(
                stop_of(delta["stop_reason"]), sequence if isinstance(sequence, str) else None
            )

    def _reported(self, report: object) -> bool:
        if not isinstance(report, dict):
            return False
        self._report |= {name: value for name, value in report.items() if value is not None}
        return True

    def _error(self, error: Json) -> None:
        kind = clean(text_in(error, "type"), 80) or "api_error"
        message = clean(text_in(error, "message")) or "the provider failed"
        self.writer.failed(kind, message, _STATUSES.get(kind, 502))


def _part(value: Json, name: str) -> Json:
    part = value.get(name)
    if not isinstance(part, dict):
        raise NotOfProtocol(f"a {value['type']} without an object {name!r}")
    return part


def _check_index(index: object) -> None:
    if not isinstance(index, int):
        raise NotOfProtocol("an event of a content block without its index")
