"""Reads the streams of Anthropic messages."""

from typing import Any, ClassVar, Final

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api
from tokenhub.wire.reader import MAX_SEAL_CHARS, Part, StreamReader
from tokenhub.wire.usage import anthropic_usage


class MessagesReader(StreamReader):
    """Reads Anthropic messages. Source: Anthropic API reference, "Streaming messages"."""

    api: ClassVar = Api.MESSAGES
    _end_data: ClassVar = b""

    def __init__(self) -> None:
        super().__init__()
        self._report: dict[str, Any] = {}
        self._signature = ""

    def _part(self, value: dict[str, Any]) -> Part:
        kind = value.get("type")
        if not isinstance(kind, str):
            raise NotOfProtocol("an event without a type")
        self._begun = self._begun or kind in _BEGIN
        if kind == "content_block_delta":
            return self._delta(value.get("delta"))
        if kind == "content_block_start":
            return self._block_start(value.get("content_block"))
        if kind == "message_delta":
            return self._message_delta(value)
        if kind == "message_start":
            message = value.get("message")
            self._reported(message.get("usage") if isinstance(message, dict) else None)
            return Part.OPENING
        if kind == "content_block_stop":
            if self._signature:
                self._sealed(self._signature)
                self._signature = ""
            return Part.OTHER
        return self._end() if kind == "message_stop" else _BY_TYPE.get(kind, Part.OTHER)

    def _delta(self, delta: object) -> Part:
        if not isinstance(delta, dict):
            raise NotOfProtocol("a content_block_delta without a delta")
        kind = delta.get("type")
        if kind in _TEXTS:
            text = delta.get(_TEXTS[kind])
            self._saw(text)
            return Part.CONTENT if text else Part.OTHER
        if kind == "signature_delta":
            self._sign(delta.get("signature"))
        found = any(value for name, value in delta.items() if name != "type")
        self._saw(delta)
        return Part.CONTENT if found else Part.OTHER

    def _block_start(self, block: object) -> Part:
        if not isinstance(block, dict):
            raise NotOfProtocol("a content_block_start without a content_block")
        if block.get("type") == "text" and not block.get("text"):
            return Part.OPENING
        if block.get("type") == "redacted_thinking":
            self._sealed(block.get("data"))
        self._signature = ""
        self._sign(block.get("signature"))
        self._saw(block)
        return Part.CONTENT

    def _sign(self, signature: object) -> None:
        """Take more of the open block's signature."""
        if isinstance(signature, str) and len(self._signature) <= MAX_SEAL_CHARS:
            self._signature += signature

    def _message_delta(self, value: dict[str, Any]) -> Part:
        self._reported(value.get("usage"))
        delta = value.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason"):
            self.finished = True
        return Part.OTHER

    def _reported(self, report: object) -> None:
        """Take a usage report: its counters are cumulative, those it leaves out stay."""
        if isinstance(report, dict):
            self._report |= {name: value for name, value in report.items() if value is not None}
            self.usage = anthropic_usage(self._report)


_TEXTS: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}
_BEGIN: Final = frozenset({"message_start", "content_block_start", "content_block_delta"})
_BY_TYPE: Final = {"ping": Part.OPENING, "error": Part.ERROR}
