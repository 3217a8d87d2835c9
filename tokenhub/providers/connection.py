"""One HTTP/1.1 connection to a provider: one request at a time, its answer parsed by llhttp.

A connection is used again only after an answer that was whole in every respect: framed by a length
or chunks, nothing behind it, the request written to its end. A server that says anything while it
was not asked is not believed again: the connection is closed.
"""

import asyncio
from typing import Final, Protocol

from httptools import HttpParserError, HttpResponseParser
from multidict import CIMultiDict

from tokenhub.errors import UpstreamError
from tokenhub.providers.answer import CLOSED_EARLY, Answer
from tokenhub.providers.target import Place
from tokenhub.types import ErrorClass

MAX_HEAD_BYTES: Final = 64 << 10
"""What may come without a byte of a body: status line, headers, 1xx answers, trailers."""
_SLICE_BYTES: Final = 256 << 10  # written in one go: encrypting it takes a fraction of 1 ms
_NOT_HTTP: Final = "the answer is not HTTP"


class Owner(Protocol):
    """The pool that a connection belongs to."""

    read_buffer: memoryview

    def opened(self, connection: "Connection") -> None:
        """Note that `connection` is open."""
        ...

    def idle(self, connection: "Connection") -> None:
        """Keep `connection` for the next request, or close it."""
        ...

    def lost(self, connection: "Connection") -> None:
        """Note that `connection` is closed."""
        ...


class Connection(asyncio.BufferedProtocol):
    """Carries requests to `place`; `unheard` tells that it was lost before a byte of an answer.

    Bytes are received into the owner's one buffer: parsing copies what is to be kept, and nothing
    else runs between the two (a fresh buffer of asyncio's size for each receive costs 8 µs).
    """

    def __init__(self, place: Place, owner: Owner) -> None:
        self.place = place
        self.unheard = False
        self.idle_since = 0.0
        self.closing = False
        self._owner = owner
        self._buffer = owner.read_buffer
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer | UpstreamError] | None = None
        self._answer: Answer | None = None
        self._pairs: list[tuple[str, str]] = []
        self._unsent: memoryview | None = None
        self._full = False
        self._asked = self._complete = self._keep = self._until_close = False
        self._without_body = 0

    async def ask(self, head: bytes, body: bytes | None) -> Answer:
        """Send a request and return its answer when the head of it is here.

        Raises UpstreamError. Closes the connection when cancelled.
        """
        waiter: asyncio.Future[Answer | UpstreamError] = self._loop.create_future()
        self._waiter = waiter
        self._asked = True
        self._complete = self._keep = self._until_close = False
        self._without_body = 0
        self._write(head, body)
        try:
            answer = await waiter
        except asyncio.CancelledError:
            if self._waiter is waiter:
                self.abort()
            elif isinstance(told := waiter.result(), Answer):
                told.close()  # which may have ended, and the connection be another's by now
            raise
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    def abort(self) -> None:
        """Close at once; an answer that is still coming is cut off."""
        self._fail(CLOSED_EARLY)

    def use(self, transport: asyncio.Transport) -> None:
        """Send through `transport` from now on: the bare one until TLS is agreed on."""
        self._transport = transport

    def pause(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio promises
        self.use(transport)
        self._owner.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the place for the next bytes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse the next bytes."""
        if not self._asked:
            self.abort()
            return
        self._without_body += nbytes
        sound = True
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except HttpParserError:
            sound = False
        answer = self._answer
        if answer is not None and self._complete:
            self._finish(answer, whole=sound)
        elif not sound:
            self._fail(_NOT_HTTP)
        elif self._without_body > MAX_HEAD_BYTES:
            self._fail(f"more than {MAX_HEAD_BYTES >> 10} KiB of headers")
        elif answer is not None:
            answer.wake()
            self._tell(answer)

    def eof_received(self) -> None:
        """Let the transport close; no request may go out on it any more."""
        if not self._asked:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was going on."""
        self.closing = True
        if self._answer is not None and self._until_close and exc is None:
            self._finish(self._answer, whole=False)
        else:
            self.unheard = self._waiter is not None and not self._without_body
            self._fail(CLOSED_EARLY)
        del self._parser  # it refers to this object
        self._owner.lost(self)

    def pause_writing(self) -> None:
        """Wait with the rest of the body."""
        self._full = True

    def resume_writing(self) -> None:
        """Write the next slice of the body."""
        self._full = False
        self._write_more()

    # What the parser calls. An exception ends the parsing.

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self._answer is not None:
            raise HttpParserError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; those behind the body are of no use."""
        if self._answer is None:
            text = value.decode("utf-8", "surrogateescape").rstrip(" \t")
            self._pairs.append((name.decode("ascii"), text))

    def on_headers_complete(self) -> None:
        """Make the answer, unless its status is an interim one."""
        status = self._parser.get_status_code()
        pairs, self._pairs = self._pairs, []
        if self._without_body > MAX_HEAD_BYTES and _size(pairs) > MAX_HEAD_BYTES:
            raise HttpParserError
        if status < 200:
            if status < 100 or status == 101:
                raise HttpParserError
            return
        headers = CIMultiDict(pairs)
        coding = headers.getall("Transfer-Encoding", ())
        # RFC 9112 6.1: codings other than the last one would have to be undone here.
        if coding and (len(coding) > 1 or coding[0].lower() != "chunked"):
            raise HttpParserError
        self._keep = self._parser.should_keep_alive()
        self._until_close = not (self._keep or coding or "Content-Length" in headers)
        self._answer = Answer(status, headers, self.place.host, self)

    def on_body(self, data: bytes) -> None:
        """Hand on a piece of the body."""
        self._without_body = 0
        assert self._answer is not None  # noqa: S101 - to llhttp an interim answer has no body
        self._answer.fill(data)

    def on_message_complete(self) -> None:
        """Note the end of the answer; that of an interim one means nothing."""
        self._complete = self._answer is not None

    # How a request is written and how it ends.

    def _write(self, head: bytes, body: bytes | None) -> None:
        if body is None or len(body) <= _SLICE_BYTES:
            self._unsent = None
            self._transport.write(head + body if body else head)
        else:
            self._unsent = memoryview(body)
            self._transport.write(head)
            self._write_more()

    def _write_more(self) -> None:
        """Write a slice of the body, and let others run before the next."""
        if self._unsent is None or self._full or not self._asked:
            return
        piece, rest = self._unsent[:_SLICE_BYTES], self._unsent[_SLICE_BYTES:]
        self._unsent = rest or None
        self._transport.write(piece)
        if rest and not self._full:
            self._loop.call_soon(self._write_more)

    def _finish(self, answer: Answer, *, whole: bool) -> None:
        """`answer` came to its end; use the connection again if all of it was in order."""
        self._answer = None
        self._asked = False
        answer.end()
        self._tell(answer)
        written = self._unsent is None and not self._transport.get_write_buffer_size()
        self._unsent = None
        if whole and written and self._keep and self._waiter is None and not self.closing:
            self._owner.idle(self)
        else:
            self.abort()

    def _fail(self, reason: str) -> None:
        """Close at once; whoever waits for the answer gets `reason`."""
        answer, self._answer = self._answer, None
        self._asked = False
        self._unsent = None
        if answer is not None:
            answer.end(reason)
            self._tell(answer)
        else:
            self._tell(UpstreamError(ErrorClass.TRANSIENT, f"{self.place.host}: {reason}"))
        self.closing = True
        self._transport.abort()

    def _tell(self, result: Answer | UpstreamError) -> None:
        # One that was cancelled stays: `ask` will see that the connection is still its own.
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(result)
            self._waiter = None


def _size(pairs: list[tuple[str, str]]) -> int:
    return sum(len(name) + len(value) for name, value in pairs)
