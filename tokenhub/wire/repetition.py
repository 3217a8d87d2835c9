"""Events that differ from the one before in a single text, known without parsing them.

In a stream of text nearly all events do: reading one of those takes a tenth of the time. An event
is taken for a repetition only where parsing it would give the same but for that text.
"""

from typing import Final

import orjson

_LEAST_CHARS: Final = 2
"""A shorter text is too likely to stand elsewhere in its event as well."""
_MOST_MISSES: Final = 16
"""After so many events in a row that were no repetitions the stream is taken to have none."""


class Repetition:
    """Remembers where the text of the last event lay."""

    __slots__ = ("_after", "_before", "_from", "_least", "_misses", "_to")

    def __init__(self) -> None:
        self._before = self._after = b"\0"  # nothing begins so
        self._from = self._to = self._least = self._misses = 0

    def text_of(self, event: bytes) -> bytes:
        """The text (JSON, not empty, without its quotes) of a repetition, b"" for another event."""
        if not event.startswith(self._before) or not event.endswith(self._after):
            return b""
        text = event[self._from : self._to]
        # Without a quote in it, and none made one by a backslash before it, the text ends where
        # the last one did.
        if b'"' in text or text.endswith(b"\\") or len(event) < self._least:
            return b""
        self._misses = 0
        return text

    def learn(self, event: bytes, text: str) -> None:
        """`event` was parsed, and `text` is the one thing in which the next may differ."""
        if self._misses > _MOST_MISSES or len(text) < _LEAST_CHARS:
            return
        self._misses += 1
        quoted = orjson.dumps(text)
        if event.count(quoted) == 1:
            before, _, after = event.partition(quoted)
            self._before, self._after = before + b'"', b'"' + after
            self._from, self._to = len(self._before), -len(self._after)
            self._least = self._from - self._to
