"""A server that speaks raw bytes: what a test scripts for each connection, in turn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Script = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection of a client, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def asked(self) -> bytes:
        """Wait for a request whose body has a Content-Length; return all of it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return head + await self.reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        """Send `data`."""
        self.writer.write(data)
        await self.writer.drain()

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

    def reset(self) -> None:
        """Drop the connection, what was not sent yet included."""
        self.writer.transport.abort()


class RawServer:
    """Where it listens, and how many connections came; `came` is set by the first."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.came = asyncio.Event()
        self.over: list[asyncio.Event] = []
        self.scripts: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

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

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for running in list(server.scripts):
            running.cancel()
        if server.scripts:
            await asyncio.wait(server.scripts, timeout=5)
