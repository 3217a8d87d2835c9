"""What servers do wrong, and what they may do though few do it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.raw import Line, Script, scripted
from tokenhub.errors import UpstreamError
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.upstream import UpstreamRequest, UpstreamResponse
from tokenhub.types import ErrorClass

MIB = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\nab"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CUT_OFF = "closed before the end of the answer"


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    client = HttpUpstream({})
    yield client
    await client.close()


def post(url: str, body: bytes = b"{}") -> UpstreamRequest:
    return UpstreamRequest("POST", url, [], body)


def saying(*pieces: bytes, then_close: bool = False) -> Script:
    """Answer each request of a connection with all of `pieces`."""

    async def script(line: Line) -> None:
        while True:
            await line.asked()
            for piece in pieces:
                await line.say(piece)
            if then_close:
                return

    return script


async def ask(client: HttpUpstream, url: str) -> tuple[UpstreamResponse, bytes]:
    async with asyncio.timeout(10):
        response = await client.send(post(url))
        try:
            return response, await response.read(MIB)
        finally:
            response.close()


async def refused(client: HttpUpstream, url: str) -> str:
    """Ask, expect a failure in the head or the body, return what it says."""
    with pytest.raises(UpstreamError) as raised:
        await ask(client, url)
    assert raised.value.error_class is ErrorClass.TRANSIENT
    assert str(raised.value).startswith("127.0.0.1: ")
    return str(raised.value)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (WHOLE, 200, b"ab"),
        (OK + b"Content-Length: 0\r\n\r\n", 200, b""),
        (CHUNKED + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: 1\r\n\r\n", 200, b"abc"),
        (CHUNKED + b"0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 529\r\nContent-Length: 2\r\n\r\nab", 529, b"ab"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\n" + WHOLE, 200, b"ab"),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", 200, b"ab"),
    ],
)
async def test_an_answer_in_order_leaves_its_connection_for_the_next(
    upstream: HttpUpstream, answer: bytes, status: int, body: bytes
) -> None:
    async with scripted(saying(answer)) as server:
        for _ in range(2):
            response, read = await ask(upstream, server.url)
            assert (response.status, read) == (status, body)
            assert "Link" not in response.headers
            assert "Trailer" not in response.headers
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
        WHOLE + b"X",
        WHOLE + WHOLE,
        WHOLE + b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nabX",
        CHUNKED + b"2\r\nab\r\n0\r\n\r\n" + WHOLE,
    ],
)
async def test_after_an_answer_with_an_end_to_it_the_connection_is_closed(
    upstream: HttpUpstream, answer: bytes
) -> None:
    async def script(line: Line) -> None:
        await line.asked()
        await line.say(answer)
        await line.until_closed()

    async with scripted(script) as server, asyncio.timeout(10):
        for number in range(2):
            assert (await ask(upstream, server.url))[1] == b"ab"
            await server.closed(number)
        assert server.connections == 2


async def test_what_a_server_says_unasked_closes_the_connection(upstream: HttpUpstream) -> None:
    answered = asyncio.Event()

    async def smuggling(line: Line) -> None:
        await line.asked()
        await line.say(WHOLE)
        await answered.wait()
        await line.say(OK + b"Content-Length: 4\r\n\r\nevil")
        await line.until_closed()

    async with scripted(smuggling, saying(WHOLE)) as server, asyncio.timeout(10):
        await ask(upstream, server.url)
        answered.set()
        await server.closed(0)
        assert (await ask(upstream, server.url))[1] == b"ab"
        assert server.connections == 2


async def test_an_answer_without_a_length_ends_with_its_connection(upstream: HttpUpstream) -> None:
    script = saying(OK + b"\r\na", b"b", b"c", then_close=True)
    async with scripted(script) as server:
        for _ in range(2):
            assert (await ask(upstream, server.url))[1] == b"abc"
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nab",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        OK + b"Content-Length: -2\r\n\r\nab",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\nab",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nab",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"X : a\r\nContent-Length: 2\r\n\r\nab",
        OK + b"X: a\r\n folded\r\nContent-Length: 2\r\n\r\nab",
        OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\nab",
        CHUNKED + b"zz\r\nab\r\n",
        CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nab\r\n",
    ],
)
async def test_what_is_not_http_is_an_error_and_ends_the_connection(
    upstream: HttpUpstream, answer: bytes
) -> None:
    async def script(line: Line) -> None:
        await line.asked()
        await line.say(answer)
        await line.until_closed()

    async with scripted(script) as server, asyncio.timeout(10):
        assert "the answer is not HTTP" in await refused(upstream, server.url)
        await server.closed(0)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK",
        OK + b"X: ",
        OK + b"X",
        b"HTTP/1.1 103 Early\r\nX: ",
        CHUNKED + b"1;ext=",
        CHUNKED + b"0\r\nTrailer: ",
        CHUNKED + b"0\r\nTrailer",
    ],
)
async def test_headers_without_end_are_an_error(upstream: HttpUpstream, start: bytes) -> None:
    async def endless(line: Line) -> None:
        await line.asked()
        await line.say(start or b"HTTP/1.1 200 ")
        while True:
            await line.say(b"a" * 8192)

    async with scripted(endless) as server:
        assert "64 KiB of headers" in await refused(upstream, server.url)


async def test_interim_answers_without_end_are_an_error(upstream: HttpUpstream) -> None:
    async def endless(line: Line) -> None:
        await line.asked()
        while True:
            await line.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    async with scripted(endless) as server:
        assert "64 KiB of headers" in await refused(upstream, server.url)


async def test_a_head_that_is_too_long_though_it_ends_is_an_error(upstream: HttpUpstream) -> None:
    head = (
        OK + b"X: " + b"a" * 40_000 + b"\r\nY: " + b"a" * 40_000 + b"\r\nContent-Length: 2\r\n\r\n"
    )
    async with scripted(saying(head + b"ab", then_close=True)) as server:
        assert "127.0.0.1" in await refused(upstream, server.url)


async def test_a_long_head_is_taken(upstream: HttpUpstream) -> None:
    value = b"a" * 50_000
    async with scripted(saying(OK + b"X: " + value + b"\r\n" + WHOLE[len(OK) :])) as server:
        response, body = await ask(upstream, server.url)
    assert response.headers["x"] == value.decode()
    assert body == b"ab"


async def test_interim_answers_do_not_use_up_a_long_body(upstream: HttpUpstream) -> None:
    piece = b"%x\r\n%s\r\n" % (1000, b"a" * 1000)
    async with scripted(saying(CHUNKED, *[piece] * 200, b"0\r\n\r\n")) as server:
        assert len((await ask(upstream, server.url))[1]) == 200_000


async def test_header_values_come_without_the_blanks_around_them(upstream: HttpUpstream) -> None:
    answer = OK + b"X:  a b \t\r\nEmpty:\r\nLatin: \xe9\r\n" + WHOLE[len(OK) :]
    async with scripted(saying(answer)) as server:
        headers = (await ask(upstream, server.url))[0].headers
    assert (headers["X"], headers["Empty"]) == ("a b", "")
    assert headers["Latin"].encode("utf-8", "surrogateescape") == b"\xe9"


PARTS = CHUNKED + b"5\r\ndata:\r\n4\r\n 1\n\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("length", range(len(PARTS)))
async def test_a_connection_lost_at_any_point_is_an_error(
    upstream: HttpUpstream, length: int
) -> None:
    async with scripted(saying(PARTS[:length], then_close=True)) as server:
        assert CUT_OFF in await refused(upstream, server.url)


@pytest.mark.parametrize("length", range(0, len(PARTS), 5))
async def test_a_reset_at_any_point_is_an_error(upstream: HttpUpstream, length: int) -> None:
    async def script(line: Line) -> None:
        await line.asked()
        await line.say(PARTS[:length])
        line.reset()

    async with scripted(script) as server:
        await refused(upstream, server.url)


async def test_a_body_that_is_shorter_than_its_length_is_an_error(upstream: HttpUpstream) -> None:
    script = saying(OK + b"Content-Length: 3\r\n\r\nab", then_close=True)
    async with scripted(script) as server:
        assert CUT_OFF in await refused(upstream, server.url)


async def test_what_came_before_a_failure_is_handed_out_first(upstream: HttpUpstream) -> None:
    async with scripted(saying(CHUNKED + b"2\r\nab\r\nzz\r\n", then_close=True)) as server:
        chunks = (await upstream.send(post(server.url))).chunks()
        assert await anext(chunks) == b"ab"
        for _ in range(2):
            with pytest.raises(UpstreamError, match="not HTTP"):
                await anext(chunks)


async def test_an_answer_that_comes_byte_by_byte_is_whole(upstream: HttpUpstream) -> None:
    async def script(line: Line) -> None:
        while True:
            await line.asked()
            await line.say_slowly(PARTS)

    async with scripted(script) as server:
        for _ in range(2):
            assert (await ask(upstream, server.url))[1] == b"data: 1\n\n"
        assert server.connections == 1


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, len(PARTS) - 1), max_size=6))
def test_however_an_answer_is_cut_into_packets_it_reads_alike(cuts: list[int]) -> None:
    bounds = [0, *sorted(set(cuts)), len(PARTS)]
    pieces = [PARTS[a:b] for a, b in pairwise(bounds)]

    async def run() -> bytes:
        client = HttpUpstream({})
        async with scripted(saying(*pieces)) as server:
            try:
                return (await ask(client, server.url))[1]
            finally:
                await client.close()

    assert asyncio.run(run()) == b"data: 1\n\n"


@settings(max_examples=60, deadline=None)
@given(
    junk=st.binary(max_size=60),
    at=st.integers(0, len(PARTS)),
    replaced=st.integers(0, 5),
)
def test_no_bytes_of_a_server_lead_to_anything_but_an_answer_or_our_error(
    junk: bytes, at: int, replaced: int
) -> None:
    answer = PARTS[:at] + junk + PARTS[at + replaced :]

    async def run() -> None:
        client = HttpUpstream({})
        async with scripted(saying(answer, then_close=True)) as server:
            with suppress(UpstreamError):
                await ask(client, server.url)
            await client.close()

    asyncio.run(run())


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
