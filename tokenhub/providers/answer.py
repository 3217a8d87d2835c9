"""An answer whose body a connection is still filling in."""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from tokenhub.errors import UpstreamError
from tokenhub.providers.bodies import InflatedBody, read_all
from tokenhub.providers.inflate import Inflater
from tokenhub.types import ErrorClass

HELD_BYTES: Final = 256 << 10
"""Reading from the network pauses while more than this waits to be taken."""
CLOSED_EARLY: Final = "the connection was closed before the end of the answer"


class Source(Protocol):
    """The connection that an answer comes from, as long as it is coming."""

    def pause(self) -> None:
        """Stop reading from the network."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Answer:
    """An `UpstreamResponse`, and the iterator over its own body.

    What came before a failure is handed out before the failure is raised.
    """

    __slots__ = (
        "_failure", "_held", "_host", "_paused", "_pieces", "_source", "_waiter",
        "headers", "status",
    )  # fmt: skip

    def __init__(self, status: int, headers: Mapping[str, str], host: str, source: Source) -> None:
        self.status = status
        self.headers = headers
        self._host = host
        self._source: Source | None = source
        self._failure: str | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def chunks(self) -> "Answer":
        """Yield the bytes (see `UpstreamResponse.chunks`)."""
        return self

    async def read(self, limit: int) -> bytes:
        """Return the whole body (see `UpstreamResponse.read`)."""
        return await read_all(self, limit)

    def close(self) -> None:
        """Abort the call unless it has ended (see `UpstreamResponse.close`)."""
        if self._source is not None:
            self._source.abort()

    def __aiter__(self) -> "Answer":
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._source is None:
                if self._failure is not None:
                    raise UpstreamError(ErrorClass.TRANSIENT, f"{self._host}: {self._failure}")
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        pieces, self._pieces, self._held = self._pieces, [], 0
        if self._paused and self._source is not None:
            self._paused = False
            self._source.resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # What follows is for the connection.

    def fill(self, piece: bytes) -> None:
        """Add bytes of the body; `wake` follows when all that came together are in."""
        self._pieces.append(piece)
        self._held += len(piece)

    def wake(self) -> None:
        """Let who waits take what there is."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._held > HELD_BYTES and self._source is not None and not self._paused:
            self._paused = True
            self._source.pause()

    def end(self, failure: str | None = None) -> None:
        """Say that nothing more comes: the body is whole, or cut off by `failure`."""
        if self._paused and self._source is not None:
            self._source.resume()
        self._source = None
        self._failure = failure
        self.wake()


class InflatedAnswer:
    """An answer that came compressed."""

    def __init__(self, answer: Answer, inflater: Inflater) -> None:
        self._answer = answer
        self._inflater = inflater
        self.status = answer.status
        self.headers = answer.headers

    def chunks(self) -> InflatedBody:
        """Yield the inflated bytes (see `UpstreamResponse.chunks`)."""
        return InflatedBody(self._answer, self._inflater)

    async def read(self, limit: int) -> bytes:
        """Return the whole body, inflated (see `UpstreamResponse.read`)."""
        return await read_all(self.chunks(), limit)

    def close(self) -> None:
        """Abort the call unless it has ended (see `UpstreamResponse.close`)."""
        self._answer.close()
