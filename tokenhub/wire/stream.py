"""What the events of a stream are, read beside forwarding them."""

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, ClassVar, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.sse import data_of
from tokenhub.wire.tokens import estimate_output
from tokenhub.wire.usage import anthropic_usage, openai_usage


class Part(Enum):
    """What an event is to the one who relays it."""

    OPENING = "opening"
    """Comes before content and has none: `message_start`, `ping`, a role, a comment."""
    CONTENT = "content"
    """Text, thinking, a tool call (its start too), a refusal."""
    USAGE = "usage"
    """Usage and nothing else: the `choices: []` event of chat completions and completions."""
    ERROR = "error"
    """The provider failed in the middle; its data is the reader's `error`."""
    END = "end"
    """The protocol's own end."""
    OTHER = "other"
    """Neither content nor end: a block's end, a stop reason, what a later version may bring."""


class StreamReader(ABC):
    """Reads one stream's events in their order."""

    _end_data: ClassVar = b"[DONE]"

    def __init__(self) -> None:
        self.usage: Usage | None = None
        """The last usage that was reported."""
        self.finished = False
        """Whether some choice has given its finish or stop reason, and all did that began."""
        self.error = b""
        """The data of the error event."""
        self._tokens_seen = 0.0
        self._begun = False

    @property
    def output_tokens_seen(self) -> int:
        """Our estimate of the output that came, for streams that end before they report usage."""
        return round(self._tokens_seen)

    def read(self, event: bytes) -> Part:
        """Say what `event` (one of `EventSplitter`'s) is; raises NotOfProtocol."""
        name, data = data_of(event)
        if name == b"error":
            self.error = data
            return Part.ERROR
        if not data:
            return Part.OPENING
        if data == self._end_data:
            return self._end()
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise NotOfProtocol("an event whose data is not JSON") from None
        if not isinstance(value, dict):
            raise NotOfProtocol("an event whose data is not a JSON object")
        part = self._part(value)
        if part is Part.ERROR:
            self.error = data
        return part

    def _end(self) -> Part:
        """Part.END of a stream that had a beginning; raises NotOfProtocol for any other."""
        if not self._begun:
            raise NotOfProtocol("a stream that ends before it has begun")
        return Part.END

    @abstractmethod
    def _part(self, value: dict[str, Any]) -> Part:
        """Say what an event with the data `value` is, and take its facts."""

    def _saw(self, value: object) -> None:
        self._tokens_seen += estimate_output(value)


class _ChoicesReader(StreamReader):
    """What chat completions and completions have in common.

    Source: OpenAI API reference, "The chat completion chunk object". An error comes as data with
    an `error` member, from some providers (OpenRouter) beside `choices`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: set[int] = set()
        self._done: set[int] = set()

    def _part(self, value: dict[str, Any]) -> Part:
        if value.get("error"):
            return Part.ERROR
        report = value.get("usage")
        if isinstance(report, dict):
            self.usage = openai_usage(report)
        choices = value.get("choices")
        if not choices or not isinstance(choices, list):
            return Part.USAGE if choices == [] and isinstance(report, dict) else Part.OTHER
        self._begun = True
        part = Part.OPENING
        for choice in choices:
            if not isinstance(choice, dict):
                raise NotOfProtocol("a choice that is not an object")
            if self._has_content(choice):
                part = Part.CONTENT
            if choice.get("finish_reason"):
                part = Part.OTHER if part is Part.OPENING else part
            self._follow(choice)
        return part

    def _follow(self, choice: dict[str, Any]) -> None:
        """Note whether `choice` goes on; one that has finished does not begin again."""
        index = choice.get("index")
        index = index if isinstance(index, int) else 0
        if choice.get("finish_reason"):
            self._open.discard(index)
            self._done.add(index)
        elif index not in self._done:
            self._open.add(index)
        self.finished = bool(self._done) and not self._open

    @abstractmethod
    def _has_content(self, choice: dict[str, Any]) -> bool:
        """Count the content of `choice`; tell whether there is any."""


class ChatReader(_ChoicesReader):
    """Reads chat completions."""

    def _has_content(self, choice: dict[str, Any]) -> bool:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        found = False
        for name, value in delta.items():
            # Names beyond `content` and `tool_calls` are as various as providers: any value
            # counts that is not empty (`reasoning_content`, `reasoning`, `refusal`, `audio`).
            if value and name != "role":
                found = True
                self._saw(value)
        return found


class CompletionsReader(_ChoicesReader):
    """Reads legacy completions."""

    def _has_content(self, choice: dict[str, Any]) -> bool:
        if text := choice.get("text"):
            self._saw(text)
            return True
        return False


class MessagesReader(StreamReader):
    """Reads Anthropic messages. Source: Anthropic API reference, "Streaming messages"."""

    _end_data: ClassVar = b""

    def __init__(self) -> None:
        super().__init__()
        self._report: dict[str, Any] = {}

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
        return self._end() if kind == "message_stop" else _BY_TYPE.get(kind, Part.OTHER)

    def _delta(self, delta: object) -> Part:
        if not isinstance(delta, dict):
            raise NotOfProtocol("a content_block_delta without a delta")
        found = any(value for name, value in delta.items() if name != "type")
        self._saw(delta)
        return Part.CONTENT if found else Part.OTHER

    def _block_start(self, block: object) -> Part:
        if not isinstance(block, dict):
            raise NotOfProtocol("a content_block_start without a content_block")
        if block.get("type") == "text" and not block.get("text"):
            return Part.OPENING
        self._saw(block)
        return Part.CONTENT

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


_BEGIN: Final = frozenset({"message_start", "content_block_start", "content_block_delta"})
_BY_TYPE: Final = {"ping": Part.OPENING, "error": Part.ERROR}
_READERS: Final[dict[Api, type[StreamReader]]] = {
    Api.CHAT: ChatReader,
    Api.COMPLETIONS: CompletionsReader,
    Api.MESSAGES: MessagesReader,
}


def reader_for(api: Api) -> StreamReader:
    """A reader for one stream of `api`: chat, completions or messages."""
    return _READERS[api]()
