"""The client's end of a stream, as aiohttp has it."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from multidict import CIMultiDict

STALL_S = 300.0
"""A client that reads nothing for so long is taken for gone."""


class WebStream:
    """Starts the response to `request` with the first byte, and not before."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None

    @property
    def started(self) -> bool:
        """Whether the headers went out."""
        return self._response is not None

    @property
    def connected(self) -> bool:
        """Whether the client is still there."""
        transport = self._request.transport
        return transport is not None and not transport.is_closing()

    async def start(self, headers: Sequence[tuple[str, str]]) -> None:
        """Send status 200 and `headers`."""
        response = web.StreamResponse(headers=CIMultiDict(headers))
        response.headers.setdefault("Content-Type", "text/event-stream; charset=utf-8")
        response.headers.setdefault("Cache-Control", "no-cache")
        self._response = response
        await response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send `data`; ConnectionError when the client has gone away or has stopped reading."""
        if self._response is None:
            raise RuntimeError("a stream is started before it is written")
        try:
            async with asyncio.timeout(STALL_S):
                await self._response.write(data)
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()  # a close would wait for what is not read
            raise ConnectionAbortedError("the client has stopped reading") from None

    async def finish(self) -> None:
        """End the response; a second time changes nothing."""
        if self._response is not None:
            await self._response.write_eof()

    @property
    def response(self) -> web.StreamResponse:
        """What was sent; the stream must have been started."""
        if self._response is None:
            raise RuntimeError("the stream was not started")
        return self._response
