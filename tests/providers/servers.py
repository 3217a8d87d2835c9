"""Small servers that say exactly what a test wants, byte for byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.providers.raw import Answering, Listening
from tests.support.certificate import self_signed

Handler = Callable[["Call"], Awaitable[None]]


class Call(Answering):
    """One request that a server received: its head and body as bytes, and the way to answer."""

    def __init__(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self.head = head
        self.body = body

    @property
    def header_lines(self) -> list[str]:
        """The request's header lines in the order they came."""
        return self.head.decode("latin-1").split("\r\n")[1:-2]

    async def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """Send a whole answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        await self.say("\r\n".join([*lines, "", ""]).encode() + body)

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked answer."""
        await self.say(b"%x\r\n%s\r\n" % (len(data), data))


class Server(Listening):
    """A server that answers each request; `closed` is set when a client closes a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = asyncio.Event()


@asynccontextmanager
async def serve(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run `handler` for every request."""
    server = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await handler(Call(head, await reader.readexactly(_length(head)), writer))
        server.closed.set()
        writer.close()

    async with server.on_loopback(connected, tls):
        yield server


@asynccontextmanager
async def connect_proxy(asked: list[bytes]) -> AsyncIterator[Listening]:
    """Run an HTTP proxy that tunnels to this machine and notes the heads of what it was asked."""
    proxy = Listening()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head)
            port = int(head.split()[1].rpartition(b":")[2])
            there, back = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        writer.close()

    async with proxy.on_loopback(connected):
        yield proxy


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for this machine that signs itself; return server context and CA file."""
    ca_file, key_file = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    return context, ca_file
