"""What every reader of a stream has: the facts it gathers, and what its events are."""

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, ClassVar, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire import errors
from tokenhub.wire.repetition import Repetition
from tokenhub.wire.sse import data_of
from tokenhub.wire.tokens import estimate_json, estimate_output

MAX_SEAL_CHARS: Final = 4 * 1024 * 1024
"""The seals of one stream are kept up to this length, all together."""


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

    api: ClassVar[Api]
    _end_data: ClassVar = b"[DONE]"

    def __init__(self) -> None:
        self.skims = True
        """Whether events that repeat the one before but for a text are known by that."""
        self.value: dict[str, Any] | None = None
        """The data of the last event; None where that was no JSON object, or was skimmed."""
        self.usage: Usage | None = None
        """The last usage that was reported."""
        self.finished = False
        """Whether some choice has given its finish or stop reason, and all did that began."""
        self.error = b""
        """The data of the error event, in a form that tells of the `error`."""
        self.seals: list[str] = []
        """The complete seals of thinking that came: signatures, redacted or encrypted thinking."""
        self._seal_room = MAX_SEAL_CHARS
        self._tokens_seen = 0.0
        self._begun = False
        self._repetition = Repetition()
        self._text: Any = None

    @property
    def output_tokens_seen(self) -> int:
        """Our estimate of the output that came, for streams that end before they report usage."""
        return round(self._tokens_seen)

    def read(self, event: bytes) -> Part:
        """Say what `event` (one of `EventSplitter`'s) is; raises NotOfProtocol."""
        if self.skims and (text := self._repetition.text_of(event)):
            self._tokens_seen += estimate_json(text)
            self.value = None
            return Part.CONTENT
        name, data = data_of(event)
        if name == b"error":
            self.value = None
            self.error = data
            return Part.ERROR
        if not data:
            self.value = None
            return Part.OPENING
        if data == self._end_data:
            self.value = None
            return self._end()
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise NotOfProtocol("an event whose data is not JSON") from None
        if not isinstance(value, dict):
            raise NotOfProtocol("an event whose data is not a JSON object")
        self.value, self._text = value, None
        part = self._part(value)
        if part is Part.ERROR:
            self.error = self._error_data(value, data)
        elif part is Part.CONTENT and self.skims and isinstance(self._text, str):
            self._repetition.learn(event, self._text)
        return part

    def error_event(self, code: str, message: str, request_id: str, *, status: int = 502) -> bytes:
        """Our own error, as the last of the stream's events after those that were read."""
        return errors.error_event(self.api, code, message, request_id, status=status)

    def after_error(self, request_id: str) -> bytes:
        """What has to follow the provider's own error event, so that clients take it for the end.

        Empty where nothing has to.
        """
        return b""

    def _end(self) -> Part:
        """Part.END of a stream that had a beginning; raises NotOfProtocol for any other."""
        if not self._begun:
            raise NotOfProtocol("a stream that ends before it has begun")
        return Part.END

    @abstractmethod
    def _part(self, value: dict[str, Any]) -> Part:
        """Say what an event with the data `value` is, and take its facts."""

    def _error_data(self, value: dict[str, Any], data: bytes) -> bytes:
        """What `error` is to be for an error event: `data`, which means `value`."""
        return data

    def _saw(self, value: object) -> None:
        """Count what came; a text that is all that came may be followed by more of its kind."""
        self._text = value if self._text is None else False
        self._tokens_seen += estimate_output(value)

    def _sealed(self, seal: object) -> None:
        """Keep a complete seal, if it is one and there is room."""
        if isinstance(seal, str) and 0 < len(seal) <= self._seal_room:
            self._seal_room -= len(seal)
            self.seals.append(seal)
