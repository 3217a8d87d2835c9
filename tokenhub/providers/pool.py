"""Open connections to providers: made when needed, kept while idle for a while."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from aiohappyeyeballs import AddrInfoType, start_connection

from tokenhub.errors import UpstreamError
from tokenhub.providers.connection import Connection
from tokenhub.providers.failure import from_exception
from tokenhub.providers.target import Place
from tokenhub.providers.tls import TlsContexts

IDLE_S: Final = 30.0
"""An idle connection is closed after this time."""
MAX_IDLE: Final = 256
"""How many idle connections to one place are kept."""
_READ_BYTES: Final = 64 << 10
_HAPPY_EYEBALLS_S: Final = 0.25  # RFC 8305 5
_LAST_WORDS_S: Final = 1.0
_STREAM: Final = socket.SOCK_STREAM


class Pool:
    """The connections of one client."""

    def __init__(self, contexts: TlsContexts, monotonic: Callable[[], float]) -> None:
        self.read_buffer = memoryview(bytearray(_READ_BYTES))
        self._contexts = contexts
        self._monotonic = monotonic
        self._idle: dict[Place, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._all_lost = asyncio.Event()
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, place: Place) -> Connection | None:
        """Return the idle connection to `place` that was used last, None if there is none."""
        idle = self._idle.get(place)
        while idle:
            connection = idle.pop()
            if not connection.closing:
                return connection
        return None

    async def open(self, place: Place, connect_s: float) -> Connection:
        """Return a new connection within `connect_s`, TLS included; raise `UpstreamError`."""
        context = await self._contexts.context(place.ca_file) if place.tls else None
        try:
            async with asyncio.timeout(connect_s):
                return await (self._plain(place) if context is None else self._tls(place, context))
        except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError
            raise _failed(error, place.host) from None

    async def _plain(self, place: Place) -> Connection:
        loop, connected = asyncio.get_running_loop(), await _connected(place)
        _, connection = await loop.create_connection(
            lambda: Connection(place, self), sock=connected
        )
        return connection

    async def _tls(self, place: Place, context: ssl.SSLContext) -> Connection:
        """Connect, then agree on TLS: done in one, a cancelled call may leave the socket open."""
        loop, connected = asyncio.get_running_loop(), await _connected(place)
        plain, _ = await loop.create_connection(asyncio.Protocol, sock=connected)
        connection = Connection(place, self)
        connection.use(plain)
        transport = await loop.start_tls(
            plain, connection, context, server_hostname=place.host.rstrip(".")
        )
        if transport is None or connection.closing:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        connection.connection_made(transport)
        return connection

    def opened(self, connection: Connection) -> None:
        """Note that `connection` is open."""
        self._open.add(connection)

    def idle(self, connection: Connection) -> None:
        """Keep `connection` for the next request, unless there are too many."""
        idle = self._idle.setdefault(connection.place, [])
        if len(idle) >= MAX_IDLE:
            connection.abort()
            return
        connection.idle_since = self._monotonic()
        idle.append(connection)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)

    def lost(self, connection: Connection) -> None:
        """Note that `connection` is closed."""
        self._open.discard(connection)
        if not self._open:
            self._all_lost.set()
        idle = self._idle.get(connection.place)
        if idle and connection in idle:
            idle.remove(connection)

    def close_idle(self, for_s: float = 0.0) -> None:
        """Close the connections that have been idle for `for_s` or longer."""
        limit = self._monotonic() - for_s
        for place, idle in list(self._idle.items()):
            for connection in [c for c in idle if c.idle_since <= limit]:
                idle.remove(connection)
                connection.abort()
            if not idle:
                del self._idle[place]

    async def close(self) -> None:
        """Close all connections, also those in use."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for connection in list(self._open):
            connection.abort()
        if self._open:
            self._all_lost.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._all_lost.wait()

    def _sweep(self) -> None:
        self._sweeping = None
        self.close_idle(IDLE_S)
        if self._idle:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_S / 2, self._sweep)


async def _connected(place: Place) -> socket.socket:
    """Return a socket that is connected to `place`.

    What asyncio itself does here leaves the socket open when the call is cancelled meanwhile.
    """
    addresses = await _addresses(place.host, place.port)
    try:
        return await start_connection(addresses, happy_eyeballs_delay=_HAPPY_EYEBALLS_S)
    except OSError:
        if len(addresses) == 1:
            raise
        message = "none of its addresses accepts a connection"
        raise OSError(errno.EHOSTUNREACH, message) from None


async def _addresses(host: str, port: int) -> Sequence[AddrInfoType]:
    try:  # an address needs no look-up, which would be done in a thread
        return socket.getaddrinfo(host, port, type=_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=_STREAM)


def _failed(error: OSError | UnicodeError, host: str) -> UpstreamError:
    if isinstance(error, UnicodeError):  # a name with a label that is empty or too long
        return from_exception(socket.gaierror(), host)
    return from_exception(error, host)
