"""Many calls at once, large bodies, slow readers, and those who leave early."""

import asyncio

import pytest

from tests.providers.asking import CHUNKED, CUT_OFF, MIB, OK, WHOLE, ask, post, saying
from tests.providers.raw import Line, scripted
from tokenhub.errors import UpstreamError
from tokenhub.providers.direct import HttpUpstream


async def test_a_large_body_goes_out_while_others_are_served(upstream: HttpUpstream) -> None:
    read_on = asyncio.Event()
    got: list[bytes] = []

    async def slow(line: Line) -> None:
        head = await line.reader.readuntil(b"\r\n\r\n")
        await read_on.wait()
        got.append(head + await line.reader.readexactly(8 * MIB))
        await line.say(WHOLE)
        await line.until_closed()

    body = bytes(range(256)) * (8 * MIB // 256)
    async with scripted(slow, saying(WHOLE)) as server, asyncio.timeout(20):
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(upstream.send(post(server.url, body)), name="send")
            await server.came.wait()
            assert (await ask(upstream, server.url))[1] == b"ab"
            read_on.set()
        assert await sending.result().read(MIB) == b"ab"
    assert got[0].endswith(body)


async def test_an_answer_may_come_before_the_request_is_written(upstream: HttpUpstream) -> None:
    async def hasty(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await line.until_closed()

    async with scripted(hasty) as server, asyncio.timeout(10):
        response = await upstream.send(post(server.url, bytes(30 * MIB)))
        assert response.status == 413
        assert await response.read(MIB) == b"no"
        await server.closed(0)
        assert (await upstream.send(post(server.url, bytes(30 * MIB)))).status == 413
        assert server.connections == 2


async def test_a_client_that_does_not_read_slows_the_server_down(upstream: HttpUpstream) -> None:
    said = 0

    async def eager(line: Line) -> None:
        nonlocal said
        await line.asked()
        await line.say(OK + b"Content-Length: %d\r\n\r\n" % (64 * MIB))
        for _ in range(64):
            await line.say(bytes(MIB))
            said += 1
        await line.until_closed()

    async with scripted(eager) as server, asyncio.timeout(20):
        response = await upstream.send(post(server.url))
        before = -1
        while said != before:  # until it is stuck
            before = said
            for _ in range(200):
                await asyncio.sleep(0)
        assert said < 32
        assert len(await response.read(64 * MIB)) == 64 * MIB


async def test_an_answer_may_be_closed_while_the_server_waits(upstream: HttpUpstream) -> None:
    async def eager(line: Line) -> None:
        await line.asked()
        await line.say(CHUNKED)
        while True:
            await line.say(b"%x\r\n%s\r\n" % (MIB, bytes(MIB)))

    async with scripted(eager) as server, asyncio.timeout(10):
        response = await upstream.send(post(server.url))
        for _ in range(100):
            await asyncio.sleep(0)
        response.close()
        await server.closed(0)


async def test_bytes_waiting_when_the_end_comes_are_handed_out(upstream: HttpUpstream) -> None:
    async with scripted(saying(OK + b"\r\n", b"a" * 2 * MIB, then_close=True)) as server:
        response = await upstream.send(post(server.url))
        await server.closed(0)
        assert len(await response.read(4 * MIB)) == 2 * MIB


async def test_a_closed_answer_gives_no_more(upstream: HttpUpstream) -> None:
    async with scripted(saying(CHUNKED)) as server:
        response = await upstream.send(post(server.url))
        waiting = asyncio.ensure_future(anext(response.chunks()))
        await asyncio.sleep(0)
        response.close()
        with pytest.raises(UpstreamError, match=CUT_OFF):
            await waiting


async def test_closing_an_answer_that_ended_leaves_the_connection_to_others(
    upstream: HttpUpstream,
) -> None:
    async with scripted(saying(WHOLE)) as server:
        first = await upstream.send(post(server.url))
        second = await upstream.send(post(server.url))
        first.close()
        assert await second.read(MIB) == b"ab"
        assert await first.read(MIB) == b"ab"
        assert server.connections == 1


async def test_many_calls_at_once_each_get_their_own_answer(upstream: HttpUpstream) -> None:
    async def echo(line: Line) -> None:
        while True:
            body = (await line.asked()).rpartition(b"\r\n\r\n")[2]
            await line.say(OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def caller(number: int, url: str) -> None:
        for turn in range(20):
            body = b"%d/%d" % (number, turn)
            response = await upstream.send(post(url, body))
            assert await response.read(MIB) == body
            response.close()

    async with scripted(echo) as server, asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for number in range(30):
            tasks.create_task(caller(number, server.url), name=f"caller {number}")


@pytest.mark.parametrize("turns", range(1, 12))
async def test_a_call_cancelled_at_any_turn_harms_no_other(
    upstream: HttpUpstream, turns: int
) -> None:
    async with scripted(saying(WHOLE)) as server, asyncio.timeout(10):
        await ask(upstream, server.url)
        cancelled = asyncio.ensure_future(upstream.send(post(server.url)))
        for _ in range(turns):
            await asyncio.sleep(0)
        cancelled.cancel()
        others = [ask(upstream, server.url) for _ in range(3)]
        assert [body for _, body in await asyncio.gather(*others)] == [b"ab"] * 3
        await asyncio.wait({cancelled})
