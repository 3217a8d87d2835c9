"""A hub's edge for tests: a real server around given routes, and a client that sends raw bytes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tokenhub.api.middleware import Aside, nobody
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.server import Server, build_app
from tokenhub.api.traffic import Traffic
from tokenhub.types import Listen

PATIENCE_S = 10.0
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Reply:
    """One HTTP answer as it came; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Wire:
    """A connection to the server on which a test writes what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self) -> Reply:
        """Read one answer."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").strip().split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(first.split(" ")[1]), headers, body)

    async def rest(self) -> bytes:
        """Read until the server closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read()

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


@dataclass(frozen=True)
class Running:
    """A server that runs, and its traffic."""

    server: Server
    traffic: Traffic
    url: str

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    async def busy(self) -> None:
        """Wait until a request is being served."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.traffic.running:  # noqa: ASYNC110 - the product needs no such event
                await asyncio.sleep(0)

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        if self.url.startswith("unix:"):
            opened = await asyncio.open_unix_connection(self.url.removeprefix("unix:"))
        else:
            host, _, port = self.host.rpartition(":")
            opened = await asyncio.open_connection(host.strip("[]"), int(port))
        wire = Wire(*opened)
        try:
            yield wire
        finally:
            await wire.close()

    async def ask(self, head: str, body: bytes = b"") -> Reply:
        """Send `head` (lines, without the last empty one) and `body`; `{host}` is our own."""
        text = head.replace("{host}", self.host).strip().replace("\n", "\r\n")
        async with self.wire() as wire:
            await wire.send(text.encode("latin-1") + b"\r\n\r\n" + body)
            return await wire.reply()

    async def get(self, path: str = "/", *headers: str) -> Reply:
        return await self.ask("\n".join((f"GET {path} HTTP/1.1", "Host: {host}", *headers)))

    async def post(self, body: bytes, *headers: str, path: str = "/") -> Reply:
        """Post `body` as JSON."""
        lines = (
            f"POST {path} HTTP/1.1",
            "Host: {host}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *headers,
        )
        return await self.ask("\n".join(lines), body)


@asynccontextmanager
async def serving(
    routes: Sequence[web.AbstractRouteDef],
    *,
    hosts: Sequence[str] = LOOPBACK,
    origins: Sequence[str] = (),
    path: Path | None = None,
    header_timeout_s: float = 10.0,
    aside: Aside = nobody,
) -> AsyncIterator[Running]:
    """Serve `routes` on a free port of loopback, or on the unix socket `path`."""
    traffic = Traffic()
    app = build_app(routes, Perimeter(hosts, origins), traffic, aside)
    server = Server(app, traffic, header_timeout_s=header_timeout_s)
    url = await server.start(Listen("127.0.0.1", 0, path))
    try:
        yield Running(server, traffic, url)
    finally:
        await server.stop()


async def hello(_: web.Request) -> web.Response:
    """A handler that is fine with anything."""
    return web.json_response({"hello": "world"})
