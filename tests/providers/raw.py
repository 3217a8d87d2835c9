"""A server that speaks raw bytes: what a test scripts for each connection, in turn."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Script = Callable[["Line"], Awaitable[None]]
Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Answering:
    """The way to answer a client, byte for byte."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer

    async def say(self, data: bytes) -> None:
        """Send `data` as it is."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Drop the connection without a word, what was not sent yet included."""
        self.writer.transport.abort()


class Line(Answering):
    """One connection of a client, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self.reader = reader

    async def asked(self) -> bytes:
        """Wait for a request whose body has a Content-Length; return all of it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return head + await self.reader.readexactly(length)

    async def say_slowly(self, data: bytes) -> None:
        """Send `data` byte by byte."""
        for at in range(len(data)):
            await self.say(data[at : at + 1])
            await asyncio.sleep(0)

    async def until_closed(self) -> None:
        """Wait until the client closes."""
        with suppress(OSError):
            while await self.reader.read(65536):
                pass


class Listening:
    """Where a server listens, and how many connections came."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def on_loopback(
        self, connected: Connected, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[None]:
        """Have `connected` answer whoever comes to a free port."""
        listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            listening.close()


class RawServer(Listening):
    """A server that follows scripts; `came` is set by the first connection."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()
        self.over: list[asyncio.Event] = []
        self.scripts: set[asyncio.Task[None]] = set()

    async def closed(self, number: int) -> None:
        """Wait until the script of connection `number` has ended (they count from 0)."""
        await self.over[number].wait()


@asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[RawServer]:
    """Run the first script for the first connection and so on, the last for all that follow."""
    server = RawServer()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running = asyncio.current_task()
        assert running is not None
        server.scripts.add(running)
        script = scripts[min(server.connections, len(scripts) - 1)]
        server.connections += 1
        server.came.set()
        over = asyncio.Event()
        server.over.append(over)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(Line(reader, writer))
        finally:
            writer.close()
            over.set()
            server.scripts.discard(running)

    try:
        async with server.on_loopback(connected):
            yield server
    finally:
        for running in list(server.scripts):
            running.cancel()
        if server.scripts:
            await asyncio.wait(server.scripts, timeout=5)
