"""The seam between the road of a request and the network.

Everything above calls providers through `Upstream`; `tokenhub.providers.direct` is the
implementation that the hub uses.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from tokenhub.types import per_request


@per_request
class UpstreamRequest:
    """One HTTP request to a provider.

    `method` is GET or POST. `headers` are sent as they are; `Host` and `Content-Length` are added.
    `connect_s` bounds opening a connection, TLS included; all longer waits are the caller's.
    `proxy` None means "as the environment says", `ca_file` None "the trusted roots".
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    connect_s: float = 5.0
    proxy: str | None = None
    ca_file: str | None = None


class UpstreamResponse(Protocol):
    """An answer whose headers have come; exactly one of `read` and `chunks` is used, once.

    `headers` is case-insensitive; repeated headers show in `items()`.
    """

    @property
    def status(self) -> int:
        """The HTTP status; redirects are not followed and show here."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The provider's headers as they came."""
        ...

    async def read(self, limit: int) -> bytes:
        """Return the whole body, inflated; raise `UpstreamError` if it exceeds `limit` bytes."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes as they arrive; raise `UpstreamError` when it is cut off.

        A wait for the next bytes may be cancelled and repeated: none are lost.
        """
        ...

    def close(self) -> None:
        """Abort the call at once unless the body was read to its end; harmless when repeated."""
        ...


class Upstream(Protocol):
    """Sends requests to providers."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send `request`, return when the answer's headers are here.

        Raises `UpstreamError` (transient) when there is no answer. A cancelled call closes its
        connection. The caller must `close` what it was given.
        """
        ...
