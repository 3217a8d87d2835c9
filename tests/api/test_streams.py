import asyncio

import pytest
from aiohttp import web

from tests.api.edge import PATIENCE_S, serving
from tokenhub.api import streams
from tokenhub.api.streams import WebStream


async def test_nothing_is_sent_before_the_start() -> None:
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = WebStream(request)
        with pytest.raises(RuntimeError):
            await stream.write(b"x")
        with pytest.raises(RuntimeError):
            _ = stream.response
        await stream.finish()
        seen.append(stream.started)
        await stream.start([("X-Of", "the provider"), ("Content-Type", "text/event-stream")])
        seen.append(stream.started)
        await stream.write(b"data: 1\n\n")
        assert stream.connected
        await stream.finish()
        await stream.finish()
        return stream.response

    async with serving([web.get("/", handler)]) as running, running.wire() as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % running.host.encode())
        await wire.send(b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, rest = (await wire.rest()).partition(b"\r\n\r\n")
    assert seen == [False, True]
    assert head.lower().count(b"content-type:") == 1
    assert b"X-Of: the provider" in head
    assert b"cache-control: no-cache" in head.lower()
    assert rest.startswith(b"9\r\ndata: 1\n\n\r\n0\r\n\r\n")


async def test_a_client_that_stops_reading_is_taken_for_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "STALL_S", 0.05)
    ended: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = WebStream(request)
        await stream.start([])
        try:
            while True:
                await stream.write(b"x" * (1 << 20))
        except ConnectionError as error:
            ended.set_result(error)
            raise

    async with serving([web.get("/", handler)]) as running, running.wire() as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % running.host.encode())
        async with asyncio.timeout(PATIENCE_S):
            assert isinstance(await ended, ConnectionAbortedError)
