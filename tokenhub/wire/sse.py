"""Framing of Server-Sent Events.

Source: WHATWG HTML, "Server-sent events": lines end in LF, CR LF or CR, an empty line ends an
event, a line that starts with a colon is a comment.
"""

import re
from typing import Final

from tokenhub.errors import NotOfProtocol

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
"""No event may be longer: what is not complete yet is kept in memory."""

# Atomic, so that CR LF is never taken for two line ends.
_end_of_event: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)").search


class EventTooLong(NotOfProtocol):
    """An event of more than `MAX_EVENT_BYTES`."""


class EventSplitter:
    """Cuts a stream of bytes into events, however the bytes were cut before.

    An event is given as its raw bytes, the empty line that ends it included: all events and then
    `rest`, put together, are the bytes that were fed.
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._searched = 0

    @property
    def rest(self) -> bytes:
        """The bytes of the event that is not complete."""
        return bytes(self._tail)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that `chunk` completes; raises EventTooLong.

        A CR at the end of the chunk does not complete an event: it may be half of a CR LF.
        """
        data = self._with_tail(chunk) if self._tail else chunk
        if not data:
            return []
        if b"\r" in data:
            events, rest = _split_any(data)
        else:
            pieces = data.split(b"\n\n")
            rest = pieces.pop()
            events = [piece + b"\n\n" for piece in pieces]
        if rest:
            self._keep(rest)
        return events

    def _with_tail(self, chunk: bytes) -> bytes:
        """The tail and `chunk`, b"" (and `chunk` kept) while no event ends in them.

        Searches only what was not searched before, so that an event that drips in byte by byte
        costs no more than its length.
        """
        tail = self._tail
        tail += chunk
        end = _end_of_event(tail, self._searched)
        if end is None or (end.end() == len(tail) and tail[-1] == 13):
            self._keep(b"")
            return b""
        data = bytes(tail)
        tail.clear()
        self._searched = 0
        return data

    def _keep(self, rest: bytes) -> None:
        self._tail += rest
        if len(self._tail) > MAX_EVENT_BYTES:
            raise EventTooLong(f"an event of more than {MAX_EVENT_BYTES} bytes")
        # The longest end of an event has four bytes, of which three may be here.
        self._searched = max(0, len(self._tail) - 3)


def _split_any(data: bytes) -> tuple[list[bytes], bytes]:
    """Split `data`, which holds a CR, into events and the rest."""
    events, start = [], 0
    while (end := _end_of_event(data, start)) is not None:
        if end.end() == len(data) and data[-1] == 13:
            break
        events.append(data[start : end.end()])
        start = end.end()
    return events, data[start:]


def data_of(event: bytes) -> tuple[bytes | None, bytes]:
    """The event's name (None where it has none) and its data: b"" for a comment or no data."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return None, event[6:-2]
    name: bytes | None = None
    data: list[bytes] = []
    for line in event.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return name, b"\n".join(data)
