import asyncio
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.api.edge import LOOPBACK, Running, hello, serving
from tests.support.certificate import self_signed
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.server import Server, build_app, server_tls
from tokenhub.api.traffic import Traffic
from tokenhub.errors import StartError
from tokenhub.types import Listen

ROUTES = [web.get("/", hello)]
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Gate:
    """A handler that waits until it is opened, and tells how it ended."""

    def __init__(self) -> None:
        self.entered, self.open, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(self, _: web.Request) -> web.Response:
        self.entered.set()
        try:
            await self.open.wait()
        finally:
            self.ended.set()
        return web.json_response("done")


def _server() -> Server:
    traffic = Traffic()
    return Server(build_app(ROUTES, Perimeter(LOOPBACK), traffic), traffic)


async def _status(url: str, tls: ssl.SSLContext | bool = True) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, ssl=tls) as answer:
        return answer.status


async def test_the_address_names_the_port_that_was_found() -> None:
    server = _server()
    url = await server.start(Listen("127.0.0.1", 0))
    try:
        assert url.startswith("http://127.0.0.1:")
        assert await _status(url) == 200
    finally:
        await server.stop()


async def test_the_address_of_all_interfaces_is_one_that_can_be_called() -> None:
    server = _server()
    url = await server.start(Listen("", 0))
    try:
        assert url.startswith("http://127.0.0.1:")
    finally:
        await server.stop()


@pytest.mark.skipif(not socket.has_ipv6, reason="the machine has no IPv6")
async def test_the_address_of_ipv6_is_in_brackets() -> None:
    server = _server()
    try:
        url = await server.start(Listen("::1", 0))
    except StartError:
        pytest.skip("the machine has no IPv6 on loopback")
    try:
        assert url.startswith("http://[::1]:")
        assert await _status(url) == 200
    finally:
        await server.stop()


async def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = tmp_path / "hub.sock"
    async with serving(ROUTES, path=path) as hub:
        assert hub.url == f"unix:{path}"
        assert path.stat().st_mode & 0o777 == 0o600
        assert (await hub.ask("GET / HTTP/1.1\nHost: x")).status == 200
    assert not path.exists()


async def test_the_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "hub.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with serving(ROUTES, path=path) as hub:
        assert (await hub.ask("GET / HTTP/1.1\nHost: x")).status == 200


async def test_an_address_in_use_is_one_clear_line() -> None:
    async with serving(ROUTES) as hub:
        port = int(hub.url.rpartition(":")[2])
        with pytest.raises(StartError, match=rf"127.0.0.1:{port} \(it is in use\): set TOKENHUB_"):
            await _server().start(Listen("127.0.0.1", port))


async def test_a_socket_path_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(StartError, match="precious"):
        await _server().start(Listen(path=path))
    assert path.read_text() == "data"


async def test_an_address_of_another_machine_is_one_clear_line() -> None:
    with pytest.raises(StartError, match=r"192\.0\.2\.1:0 "):
        await _server().start(Listen("192.0.2.1", 0))


async def test_tls_is_served(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    server = _server()
    url = await server.start(Listen("127.0.0.1", 0), server_tls(certificate, key))
    trusting = ssl.create_default_context(cafile=str(certificate))
    try:
        assert url.startswith("https://127.0.0.1:")
        assert await _status(url.replace("127.0.0.1", "localhost"), trusting) == 200
    finally:
        await server.stop()


def test_without_a_certificate_there_is_no_tls() -> None:
    assert server_tls(None, None) is None


def test_a_file_that_is_no_certificate_is_one_clear_line(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    certificate.write_text("nonsense")
    with pytest.raises(StartError, match=r"TOKENHUB_TLS_CERT=.*not usable.*PEM") as caught:
        server_tls(certificate, key)
    assert "\n" not in str(caught.value)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    with pytest.raises(StartError, match="KEY_VALUES_MISMATCH"):
        server_tls(self_signed(first)[0], self_signed(second)[1])


async def _gated(hub: Running, gate: Gate) -> asyncio.Task[int]:
    async def ask() -> int:
        return (await hub.get("/gate")).status

    asking = asyncio.ensure_future(ask())
    await gate.entered.wait()
    return asking


async def test_draining_lets_running_requests_finish_and_refuses_new_ones() -> None:
    gate = Gate()
    async with serving([web.get("/gate", gate.serve), *ROUTES]) as hub:
        running = await _gated(hub, gate)
        draining = asyncio.ensure_future(hub.server.drain(10))
        await asyncio.sleep(0)
        refused = await hub.get("/")
        assert refused.status == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.headers["x-should-retry"] == "true"
        assert refused.headers["connection"] == "close"
        assert not draining.done()
        gate.open.set()
        assert await running == 200
        assert await draining


async def test_draining_refuses_on_connections_that_were_kept_open() -> None:
    async with serving(ROUTES) as hub, hub.wire() as wire:
        await wire.send(REQUEST)
        assert (await wire.reply()).status == 200
        assert await hub.server.drain(1)
        await wire.send(REQUEST)
        assert (await wire.reply()).status == 503
        assert await wire.rest() == b""


async def test_draining_gives_up_after_its_grace() -> None:
    gate = Gate()
    async with serving([web.get("/gate", gate.serve)]) as hub:
        running = await _gated(hub, gate)
        assert not await hub.server.drain(0.01)
        gate.open.set()
        assert await running == 200


async def test_draining_does_not_wait_for_watchers() -> None:
    gate = Gate()
    async with serving([web.get("/admin/v1/events", gate.serve)]) as hub, hub.wire() as wire:
        await wire.send(b"GET /admin/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await gate.entered.wait()
        assert await hub.server.drain(10)
        assert not gate.ended.is_set()
        await hub.server.stop()
        assert gate.ended.is_set()


async def test_stopping_cancels_what_still_runs_and_waits_for_its_end() -> None:
    entered, settled = asyncio.Event(), asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            settled.set()
        raise AssertionError

    async with serving([web.get("/", handler)]) as hub, hub.wire() as wire:
        await wire.send(REQUEST)
        await entered.wait()
        await hub.server.stop()
        assert settled.is_set()
        assert await wire.rest() == b""


async def test_stopping_closes_idle_connections_and_the_address() -> None:
    async with serving(ROUTES) as hub, hub.wire() as wire:
        await wire.send(REQUEST)
        await wire.reply()
        await hub.server.stop()
        assert await wire.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            async with hub.wire():
                pass


async def test_a_server_that_never_started_can_be_stopped() -> None:
    await _server().stop()
