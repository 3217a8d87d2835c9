"""What is particular to TLS, and which calls go through a proxy; the rest is in `test_http`."""

import asyncio
from pathlib import Path

import pytest

from tests.providers.asking import MIB, post
from tests.providers.raw import Listening
from tests.providers.servers import Call, certificate, serve
from tokenhub.errors import UpstreamError
from tokenhub.providers.connection import Connection
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.upstream import UpstreamRequest


async def test_large_bodies_go_both_ways_over_tls(upstream: HttpUpstream, tmp_path: Path) -> None:
    tls, ca_file = certificate(tmp_path)
    sent = bytes(range(256)) * (3 * MIB // 256)

    async def echo(call: Call) -> None:
        await call.answer(call.body)

    async with serve(echo, tls) as server, asyncio.timeout(20):
        for _ in range(2):
            url = f"https://127.0.0.1:{server.port}"
            response = await upstream.send(post(url, sent, ca_file=ca_file))
            assert await response.read(4 * MIB) == sent
        assert server.connections == 1


async def test_a_slow_reader_over_tls_gets_all(upstream: HttpUpstream, tmp_path: Path) -> None:
    tls, ca_file = certificate(tmp_path)

    async def handler(call: Call) -> None:
        await call.answer(bytes(8 * MIB))

    async with serve(handler, tls) as server, asyncio.timeout(20):
        response = await upstream.send(post(f"https://127.0.0.1:{server.port}", ca_file=ca_file))
        size = 0
        async for chunk in response.chunks():
            size += len(chunk)
            for _ in range(20):
                await asyncio.sleep(0)
        assert size == 8 * MIB


async def test_an_answer_without_a_length_over_tls_is_whole(
    upstream: HttpUpstream, tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)

    async def handler(call: Call) -> None:
        await call.say(b"HTTP/1.1 200 OK\r\n\r\nab")
        call.writer.close()

    async with serve(handler, tls) as server, asyncio.timeout(10):
        for _ in range(2):
            response = await upstream.send(
                post(f"https://127.0.0.1:{server.port}", ca_file=ca_file)
            )
            assert await response.read(MIB) == b"ab"


async def test_a_server_that_leaves_an_idle_tls_connection_is_asked_on_a_new_one(
    upstream: HttpUpstream, tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)

    async def handler(call: Call) -> None:
        await call.answer(b"{}")
        call.writer.close()

    async with serve(handler, tls) as server, asyncio.timeout(10):
        for _ in range(3):
            response = await upstream.send(
                post(f"https://127.0.0.1:{server.port}", ca_file=ca_file)
            )
            assert await response.read(MIB) == b"{}"
            server.closed.clear()
            await server.closed.wait()
            await asyncio.sleep(0.01)


async def test_a_certificate_for_another_name_is_not_trusted(
    upstream: HttpUpstream, tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)

    async with serve(lambda call: call.answer(b"{}"), tls) as server:
        with pytest.raises(UpstreamError, match="not trusted") as raised:
            await upstream.send(post(f"https://127.1:{server.port}", ca_file=ca_file))
        assert not raised.value.unreachable


async def test_a_server_that_leaves_after_the_tls_greeting_gets_no_request(
    upstream: HttpUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ca_file = certificate(tmp_path)
    asked: list[bytes] = []

    async def left(
        plain: asyncio.Transport, connection: Connection, *_: object, **__: object
    ) -> asyncio.Transport:
        connection.abort()
        return plain

    async def handler(call: Call) -> None:
        asked.append(call.head)

    monkeypatch.setattr(asyncio.get_running_loop(), "start_tls", left)
    async with serve(handler) as server:
        with pytest.raises(UpstreamError, match="Connection reset"):
            await upstream.send(post(f"https://127.0.0.1:{server.port}", ca_file=ca_file))
    assert not asked


async def test_a_server_without_tls_cannot_be_agreed_with(
    upstream: HttpUpstream, tmp_path: Path
) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = Listening()
    async with server.on_loopback(plain):
        with pytest.raises(UpstreamError, match="TLS could not be agreed"):
            await upstream.send(post(f"https://127.0.0.1:{server.port}"))


async def test_a_call_through_a_proxy_and_one_without_do_not_meet(upstream: HttpUpstream) -> None:
    heads: list[bytes] = []

    async def handler(call: Call) -> None:
        heads.append(call.head.split(b"\r\n")[0])
        await call.answer(b"{}")

    async with serve(handler) as server:
        for proxy in (None, server.url):
            request = UpstreamRequest("POST", f"{server.url}/v1", [], b"{}", proxy=proxy)
            assert await (await upstream.send(request)).read(MIB) == b"{}"
    assert heads == [
        b"POST /v1 HTTP/1.1",
        f"POST {server.url}/v1 HTTP/1.1".encode(),
    ]
