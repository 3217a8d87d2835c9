"""What servers do wrong, and where an answer may be cut in two."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.asking import CHUNKED, CUT_OFF, OK, ask, post, refused, saying, saying_once
from tests.providers.raw import Line, scripted
from tokenhub.errors import UpstreamError
from tokenhub.providers.direct import HttpUpstream


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
    async with scripted(saying_once(answer)) as server, asyncio.timeout(10):
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
