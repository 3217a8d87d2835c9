"""`Upstream` as the hub uses it: own connections, and aiohttp's client where a proxy is between.

Nothing is followed, kept or added: no redirect, no cookie, no header but `Host` and
`Content-Length`. HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE come from the mapping that is injected.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from tokenhub.errors import UpstreamError
from tokenhub.providers.answer import Answer, InflatedAnswer
from tokenhub.providers.bodies import inflater_for
from tokenhub.providers.connection import Connection
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.pool import Pool
from tokenhub.providers.proxies import Proxies
from tokenhub.providers.target import Place, head_of, target_of
from tokenhub.providers.tls import TlsContexts
from tokenhub.providers.upstream import UpstreamRequest, UpstreamResponse

RACE_S: Final = 1.0
"""How long a server's closing of an idle connection may be under way unseen."""


class HttpUpstream:
    """Calls providers through pooled connections; `close` it at the end.

    `environ` gives HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE. Raises `StartError` when HTTPS_PROXY
    cannot be read.
    """

    def __init__(
        self, environ: Mapping[str, str], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._proxies = Proxies(environ)
        self._proxied = AiohttpUpstream(environ)
        self._monotonic = monotonic
        self._pool = Pool(TlsContexts(environ.get("SSL_CERT_FILE") or None), monotonic)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send `request` (see `Upstream.send`)."""
        if (request.proxy or self._proxies.proxy_for(request.url)) is not None:
            return await self._proxied.send(request)
        target = target_of(request.url)
        head = head_of(request, target)
        place = Place(target.tls, target.host, target.port, request.ca_file)
        answer = await self._ask_again(place, head, request.body)
        if answer is None:
            connection = await self._pool.open(place, request.connect_s)
            answer = await connection.ask(head, request.body)
        return _inflated(answer)

    async def close(self) -> None:
        """Close all connections, also those in use."""
        await self._pool.close()
        await self._proxied.close()

    def close_idle(self) -> None:
        """Close the connections that are not in use: after a sleep the other side is gone."""
        self._pool.close_idle()

    async def _ask_again(self, place: Place, head: bytes, body: bytes | None) -> Answer | None:
        """Ask on a connection used before; None if there is none or its closing was under way."""
        connection = self._pool.take(place)
        if connection is None:
            return None
        asked_at = self._monotonic()
        try:
            return await connection.ask(head, body)
        except UpstreamError:
            if not self._raced(connection, asked_at):
                raise
            return None

    def _raced(self, connection: Connection, asked_at: float) -> bool:
        """Tell whether the server had closed the connection for idleness before it was asked.

        Then the request was not read and may go out once more, although a POST is not idempotent
        (RFC 9110 9.2.2). It is told by the signs of that alone: not a byte came, the connection
        was idle for a while, and its end came at once.
        """
        return (
            connection.unheard
            and asked_at - connection.idle_since >= RACE_S
            and self._monotonic() - asked_at <= RACE_S
        )


def _inflated(answer: Answer) -> UpstreamResponse:
    try:
        inflater = inflater_for(answer.headers)
    except UpstreamError:
        answer.close()
        raise
    return answer if inflater is None else InflatedAnswer(answer, inflater)
