"""The listening server: it starts, drains and stops."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Final, cast

from aiohttp import web

from tokenhub.api.connection import Connection
from tokenhub.api.middleware import Aside, Edge, nobody
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.traffic import Traffic
from tokenhub.errors import StartError
from tokenhub.types import Listen
from tokenhub.wire.body import MAX_BODY_BYTES

HEADER_TIMEOUT_S: Final = 10.0
DRAIN_GRACE_S: Final = 30.0
FLUSH_S: Final = 0.5
"""How long an answer that is written already may take to leave when the server stops."""

SETTLE_S: Final = 5.0
"""How long the handlers that were cut off may take for what they must still do."""

BACKLOG: Final = 1024


def build_app(
    routes: Iterable[web.AbstractRouteDef],
    perimeter: Perimeter,
    traffic: Traffic,
    aside: Aside = nobody,
) -> web.Application:
    """Return the application that serves `routes` behind `perimeter`, counted by `traffic`.

    `aside` counts the answers that the gateway does not account for.
    """
    edge = Edge(perimeter, traffic, aside)
    app = web.Application(middlewares=[edge.handle], client_max_size=MAX_BODY_BYTES)
    app.on_response_prepare.append(edge.prepare)
    app.add_routes(routes)
    return app


def server_tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return the server's side of TLS (1.2 or newer), None without a certificate.

    Raises StartError when the two files are no pair.
    """
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise StartError(
            f"TOKENHUB_TLS_CERT={str(certificate)!r}, TOKENHUB_TLS_KEY={str(key)!r} are not usable "
            f"({reason}): expected a PEM certificate chain and its unencrypted key"
        ) from None
    return context


class Server:
    """Serves one application at one address."""

    def __init__(
        self,
        app: web.Application,
        traffic: Traffic,
        *,
        header_timeout_s: float = HEADER_TIMEOUT_S,
    ) -> None:
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=FLUSH_S)
        self._traffic = traffic
        self._header_timeout_s = header_timeout_s
        self._listener: asyncio.Server | None = None
        self._socket: Path | None = None

    async def start(self, listen: Listen, tls: ssl.SSLContext | None = None) -> str:
        """Listen, and return the base URL for clients on this machine (or `unix:/path`).

        Raises StartError when the address cannot be had.
        """
        await self._runner.setup()
        try:
            self._listener = await self._bind(listen, tls)
        except OSError as error:
            await self._runner.cleanup()
            reason = errno.errorcode.get(error.errno or 0, "")
            text = "it is in use" if reason == "EADDRINUSE" else error.strerror or str(error)
            raise StartError(
                f"cannot listen on {listen} ({text}): set TOKENHUB_LISTEN_ADDR to another address"
            ) from None
        if listen.path is not None:
            return str(listen)
        name, port = self._listener.sockets[0].getsockname()[:2]
        scheme, address = "http" if tls is None else "https", ip_address(name)
        host = "127.0.0.1" if address.is_unspecified else name
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def drain(self, grace_s: float = DRAIN_GRACE_S) -> bool:
        """Answer new requests with 503 and wait for the running ones, at most `grace_s` seconds.

        Return whether all of them ended.
        """
        self._traffic.close()
        return await self._traffic.idle(grace_s)

    async def stop(self) -> None:
        """Close the address and all connections; what still runs is cancelled."""
        self._traffic.close()
        if self._listener is not None:
            self._listener.close()
        if self._socket is not None:
            await asyncio.to_thread(self._socket.unlink, missing_ok=True)
        await self._runner.cleanup()
        await self._traffic.idle(SETTLE_S)

    async def _bind(self, listen: Listen, tls: ssl.SSLContext | None) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        manager = cast("web.Server", self._runner.server)  # set up by now

        def connection() -> Connection:
            return Connection(manager, loop, self._header_timeout_s)

        if listen.path is not None:
            bound = await asyncio.to_thread(_unix_socket, listen.path)
            self._socket = listen.path
            return await loop.create_unix_server(connection, sock=bound, ssl=tls, backlog=BACKLOG)
        host = listen.host or None
        return await loop.create_server(connection, host, listen.port, ssl=tls, backlog=BACKLOG)


def _unix_socket(path: Path) -> socket.socket:
    """Bind a socket for this user only, in the place of one that a killed process left."""
    if path.is_socket():
        path.unlink()
    bound = socket.socket(socket.AF_UNIX)
    try:
        bound.bind(str(path))
        path.chmod(0o600)
    except OSError:
        bound.close()
        raise
    return bound
