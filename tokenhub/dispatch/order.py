"""What dispatch is told, and what it tells back while a request is on its way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tokenhub.dispatch.provenance import NOTHING_KNOWN, Knowledge
from tokenhub.dispatch.repair import Repair
from tokenhub.dispatch.target import Target
from tokenhub.types import Api, Attempt, ErrorClass, Usage, per_request
from tokenhub.wire.body import Document
from tokenhub.wire.request import RequestFacts
from tokenhub.wire.translation.interpreter import Interpreter

Headers = Sequence[tuple[str, str]]


@per_request
class Order:
    """One request as the provider shall get it, but for the model's name.

    `headers` are the client's own pairs, unfiltered. `interpreter` says it in other APIs, and
    `knowledge` is what is known of the thinking in it. `received_at` is monotonic seconds, and so
    is `deadline`, until when an answer or a stream's first content must be there; None is no limit.
    """

    request_id: str
    api: Api
    document: Document
    facts: RequestFacts
    headers: Headers
    query: str
    client_authorization: str | None
    received_at: float
    interpreter: Interpreter
    knowledge: Knowledge = NOTHING_KNOWN
    deadline: float | None = None


def _nothing() -> None:
    """What a commit means to nobody."""


@dataclass(slots=True)
class Progress:
    """What has come of an order so far; whole at every moment, since an abort may come at any.

    `calls` counts the calls to providers that began, `attempts` are those that ended; `waited_s` is
    the time spent waiting for providers, `first_token_at` and `spoke_at` (when the client last got
    a byte of a stream) monotonic seconds. What is said of usage and errors is that of the last
    call, to `target`. `whole` tells that the client has all of its stream. `calls_here` counts the
    calls to the one that it is at, and `repair` is what their refusals have taught.

    When the answer, or a stream's first content, is there, `on_content` is called (by the call for
    itself) and `on_commit` (by the walk that made the call).
    """

    calls: int = 0
    calls_here: int = 0
    repair: Repair | None = None
    attempts: list[Attempt] = field(default_factory=list)
    target: Target | None = None
    usage: Usage | None = None
    output_tokens_seen: int = 0
    first_token_at: float | None = None
    waited_s: float = 0.0
    stream_error: ErrorClass | None = None
    answered: bool = False
    whole: bool = False
    spoke_at: float | None = None
    on_content: Callable[[], None] = _nothing
    on_commit: Callable[[], None] = _nothing

    def turn_to(self, target: Target) -> None:
        """The next calls are to `target`."""
        last = self.target
        if last is None or last.deployment is not target.deployment or last.api is not target.api:
            self.calls_here, self.repair = 0, None

    def begin(self, target: Target) -> None:
        """A call to `target` begins."""
        self.calls += 1
        self.calls_here += 1
        self.target = target
        self.usage = None
        self.output_tokens_seen = 0

    def commit(self) -> None:
        """From here on the client gets what this call brings."""
        self.answered = True
        self.on_content()
        self.on_commit()


@per_request
class ProviderAnswer:
    """A provider's whole answer: its headers (already filtered for the client) and its bytes."""

    status: int
    headers: Headers
    body: bytes


class StreamClient(Protocol):
    """The client's end of a stream.

    What sends raises ConnectionError when the client has gone away.
    """

    @property
    def started(self) -> bool:
        """Whether its headers went out."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the client is still there."""
        ...

    async def start(self, headers: Headers) -> None:
        """Send status 200 and the headers."""
        ...

    async def write(self, data: bytes) -> None:
        """Send complete events; returns when the socket's buffer has room again."""
        ...

    async def finish(self) -> None:
        """End the response; nothing may be written after it."""
        ...
