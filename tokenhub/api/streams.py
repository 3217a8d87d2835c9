"""The client's end of a stream, as aiohttp has it."""

from collections.abc import Sequence

from aiohttp import web
from multidict import CIMultiDict


class WebStream:
    """Starts the response to `request` with the first byte, and not before."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None

    @property
    def started(self) -> bool:
        """Whether the headers went out."""
        return self._response is not None

    async def start(self, headers: Sequence[tuple[str, str]]) -> None:
        """Send status 200 and `headers`."""
        response = web.StreamResponse(headers=CIMultiDict(headers))
        response.headers.setdefault("Content-Type", "text/event-stream; charset=utf-8")
        response.headers.setdefault("Cache-Control", "no-cache")
        self._response = response
        await response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send `data`; ConnectionError when the client has gone away."""
        if self._response is None:
            raise RuntimeError("a stream is started before it is written")
        await self._response.write(data)

    async def finish(self) -> web.StreamResponse:
        """End the response; the stream must have been started."""
        if self._response is None:
            raise RuntimeError("a stream is started before it is finished")
        await self._response.write_eof()
        return self._response
