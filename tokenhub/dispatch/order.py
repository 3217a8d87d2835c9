"""What dispatch is told, and what it tells back while a request is on its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tokenhub.types import Api, Attempt, Deployment, ErrorClass, Provider, Usage
from tokenhub.wire.body import Document
from tokenhub.wire.request import RequestFacts

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where an order goes."""

    deployment: Deployment
    provider: Provider


@dataclass(frozen=True, slots=True)
class Order:
    """One request as the provider shall get it, but for the model's name.

    `headers` are the client's own pairs, unfiltered; `received_at` is monotonic seconds.
    """

    request_id: str
    api: Api
    document: Document
    facts: RequestFacts
    headers: Headers
    query: str
    client_authorization: str | None
    received_at: float


@dataclass(slots=True)
class Progress:
    """What has come of an order so far; whole at every moment, since an abort may come at any.

    `calls` counts the calls to providers that began, `attempts` are those that ended; `waited_s` is
    the time spent waiting for the provider, `first_token_at` monotonic seconds.
    """

    calls: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    usage: Usage | None = None
    output_tokens_seen: int = 0
    first_token_at: float | None = None
    waited_s: float = 0.0
    stream_error: ErrorClass | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A provider's whole answer: its headers (already filtered for the client) and its bytes."""

    status: int
    headers: Headers
    body: bytes


class StreamClient(Protocol):
    """The client's end of a stream.

    Both raise ConnectionError when the client has gone away.
    """

    @property
    def started(self) -> bool:
        """Whether its headers went out."""
        ...

    async def start(self, headers: Headers) -> None:
        """Send status 200 and the headers."""
        ...

    async def write(self, data: bytes) -> None:
        """Send complete events; returns when the socket's buffer has room again."""
        ...
