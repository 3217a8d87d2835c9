"""Calls of our HTTP clients, and answers for the raw server to say."""

import asyncio
from pathlib import Path

import pytest

from tests.providers.raw import Line, Script
from tests.providers.servers import Call
from tokenhub.errors import UpstreamError
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.upstream import UpstreamRequest, UpstreamResponse
from tokenhub.types import ErrorClass

MIB = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\nab"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CUT_OFF = "closed before the end of the answer"

Client = AiohttpUpstream | HttpUpstream


def post(
    url: str, body: bytes = b"{}", *, ca_file: Path | None = None, proxy: str | None = None
) -> UpstreamRequest:
    headers = [("Content-Type", "application/json")]
    trusted = None if ca_file is None else str(ca_file)
    return UpstreamRequest("POST", url, headers, body, ca_file=trusted, proxy=proxy)


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


def saying_once(data: bytes) -> Script:
    """Answer the first request of a connection, and leave it to the client to close."""

    async def script(line: Line) -> None:
        await line.asked()
        await line.say(data)
        await line.until_closed()

    return script


async def answer(call: Call) -> None:
    """Answer each request with an empty object."""
    await call.answer(b"{}")


async def ask(client: Client, url: str) -> tuple[UpstreamResponse, bytes]:
    async with asyncio.timeout(10):
        response = await client.send(post(url))
        try:
            return response, await response.read(MIB)
        finally:
            response.close()


async def refused(client: Client, url: str) -> str:
    """Ask, expect a failure in the head or the body, return what it says."""
    with pytest.raises(UpstreamError) as raised:
        await ask(client, url)
    assert raised.value.error_class is ErrorClass.TRANSIENT
    assert str(raised.value).startswith("127.0.0.1: ")
    return str(raised.value)


async def fails(client: Client, request: UpstreamRequest) -> UpstreamError:
    """Send, expect that no head of an answer comes, return the error."""
    with pytest.raises(UpstreamError) as raised:
        await client.send(request)
    assert raised.value.error_class is ErrorClass.TRANSIENT
    assert raised.value.status is None
    return raised.value
