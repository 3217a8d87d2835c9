"""What servers may do though few do it, and what ends a connection."""

import asyncio

import pytest

from tests.providers.asking import CHUNKED, OK, WHOLE, ask, saying, saying_once
from tests.providers.raw import Line, scripted
from tokenhub.providers.direct import HttpUpstream


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
    async with scripted(saying_once(answer)) as server, asyncio.timeout(10):
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
