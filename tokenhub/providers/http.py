"""`Upstream` by a pooled aiohttp client, which knows proxies; `direct` is used without one.

It follows no redirect, keeps no cookie, adds no header but `Host` and `Content-Length`, and hands
bytes on as they came. HTTP_PROXY and the rest of what aiohttp would read from the environment is
not honoured; HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE come from the mapping that is injected.
"""

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from tokenhub.errors import UpstreamError
from tokenhub.providers.bodies import InflatedBody, inflater_for, read_all
from tokenhub.providers.failure import from_exception
from tokenhub.providers.inflate import Inflater
from tokenhub.providers.proxies import Proxies
from tokenhub.providers.tls import TlsContexts
from tokenhub.providers.upstream import UpstreamRequest, UpstreamResponse
from tokenhub.providers.urls import host_of

_IDLE_CONNECTION_S: Final = 30.0
# aiohttp writes bytes in one go, however many, and a file in slices between which others may run.
_WRITTEN_AT_ONCE_BYTES: Final = 1 << 20
_NO_AUTOMATIC_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
# What aiohttp raises for a call that fails; the rest would be a mistake of ours.
_TRANSPORT_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)


class AiohttpUpstream:
    """Calls providers through pooled connections; `close` it at the end.

    `environ` gives HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE. Raises `StartError` when HTTPS_PROXY
    cannot be read.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._proxies = Proxies(environ)
        self._contexts = TlsContexts(environ.get("SSL_CERT_FILE") or None)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send `request` (see `Upstream.send`)."""
        url = request.url
        # "encoded": it goes out as it is written, `%2F` stays `%2F`.
        address = URL(url, encoded=True)
        session = self._session or self._open()
        context = (
            await self._contexts.context(request.ca_file) if address.scheme == "https" else True
        )
        try:
            response = await session.request(
                request.method,
                address,
                headers=_spelled_alike(request.headers),
                data=_body(request.body),
                allow_redirects=False,
                timeout=_timeout(request.connect_s),
                proxy=request.proxy or self._proxies.proxy_for(url),
                ssl=context,
            )
        except _TRANSPORT_ERRORS as error:
            raise from_exception(error, host_of(url)) from None
        return _answer(response, url)

    async def close(self) -> None:
        """Close all connections, also those in use."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=_NO_AUTOMATIC_HEADERS,
        )
        return self._session


class _Body:
    """The bytes of an answer, with aiohttp's errors turned into ours."""

    def __init__(self, response: aiohttp.ClientResponse, url: str) -> None:
        self._content = response.content
        self._url = url

    def __aiter__(self) -> "_Body":
        return self

    async def __anext__(self) -> bytes:
        try:
            data = await self._content.readany()
        except _TRANSPORT_ERRORS as error:
            raise from_exception(error, host_of(self._url)) from None
        if not data:
            raise StopAsyncIteration
        return data


class _PlainAnswer:
    """An answer as it came."""

    def __init__(self, response: aiohttp.ClientResponse, url: str) -> None:
        self._response = response
        self._url = url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    def chunks(self) -> "_Body | InflatedBody":
        """Yield the bytes (see `UpstreamResponse.chunks`)."""
        return _Body(self._response, self._url)

    async def read(self, limit: int) -> bytes:
        """Return the whole body (see `UpstreamResponse.read`)."""
        return await read_all(self.chunks(), limit)

    def close(self) -> None:
        """Abort the call unless it has ended (see `UpstreamResponse.close`)."""
        self._response.close()


class _InflatedAnswer(_PlainAnswer):
    """An answer that came compressed."""

    def __init__(self, response: aiohttp.ClientResponse, url: str, inflater: Inflater) -> None:
        super().__init__(response, url)
        self._inflater = inflater

    def chunks(self) -> InflatedBody:
        """Yield the inflated bytes."""
        return InflatedBody(_Body(self._response, self._url), self._inflater)


def _answer(response: aiohttp.ClientResponse, url: str) -> UpstreamResponse:
    try:
        inflater = inflater_for(response.headers)
    except UpstreamError:
        response.close()
        raise
    return (
        _PlainAnswer(response, url)
        if inflater is None
        else _InflatedAnswer(response, url, inflater)
    )


def _spelled_alike(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give repeated names one spelling: of two spellings aiohttp 3.14 sends only the last."""
    spelling: dict[str, str] = {}
    return [(spelling.setdefault(name.lower(), name), value) for name, value in headers]


def _body(body: bytes | None) -> bytes | io.BytesIO | None:
    return io.BytesIO(body) if body is not None and len(body) > _WRITTEN_AT_ONCE_BYTES else body


@lru_cache(maxsize=64)
def _timeout(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect_s)
