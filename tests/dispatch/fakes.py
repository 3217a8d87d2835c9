"""A provider and a client made of scripts, on virtual time, and the events they exchange."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from multidict import CIMultiDict

from tests.routing.build import ask
from tokenhub.dispatch.attempts import Attempts
from tokenhub.dispatch.order import Headers, Order, Progress
from tokenhub.dispatch.provenance import Provenance
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError
from tokenhub.health.activity import Activity
from tokenhub.health.fleet import Fleet
from tokenhub.health.monitor import HealthMonitor, Listeners
from tokenhub.ledger.address import is_local
from tokenhub.observe.failures import FailureLog
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.providers.upstream import UpstreamRequest, UpstreamResponse
from tokenhub.routing.engine import decide
from tokenhub.routing.policy import Mode
from tokenhub.routing.question import Candidate, Decision
from tokenhub.storage.database import Database
from tokenhub.types import (
    Api,
    Clock,
    Cost,
    Deployment,
    ErrorClass,
    Provider,
    ProviderType,
    Timeouts,
)
from tokenhub.wire.body import parse
from tokenhub.wire.request import read_request
from tokenhub.wire.translation.interpreter import Interpreter

Step = bytes | float | Exception
"""Bytes that come, seconds that pass, or how it breaks."""


def data(value: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(value).encode()


def chunk(text: str = "", *, role: bool = False, finish: str | None = None) -> bytes:
    delta = ({"role": "assistant", "content": ""} if role else {}) | (
        {"content": text} if text else {}
    )
    return data({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


ROLE = chunk(role=True)
FINISH = chunk(finish="stop")
USAGE = data({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
DONE = b"data: [DONE]\n\n"
ERROR = data({"error": {"message": "overloaded", "type": "server_error", "code": None}})


def named(kind: str, **fields: Any) -> bytes:
    return b"event: %b\n%b" % (kind.encode(), data({"type": kind, **fields}))


START = named("message_start", message={"usage": {"input_tokens": 9, "output_tokens": 1}})
PING = named("ping")
BLOCK = named("content_block_start", index=0, content_block={"type": "text", "text": ""})
TEXT = named("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"})
TOOL = named("content_block_start", index=0, content_block={"type": "tool_use", "name": "f"})
STOPPED = named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4})
STOP = named("message_stop")

TRANSPORT = UpstreamError(ErrorClass.TRANSIENT, "provider.example: the connection was reset")


class Response:
    """An answer that follows a script; a cancelled wait goes on where it was."""

    def __init__(
        self, *script: Step, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = CIMultiDict(headers or {"X-Of": "the provider"})
        self.closed = False
        self._script = deque(script)
        self._due: float | None = None

    def chunks(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while self._script:
            step = self._script[0]
            if isinstance(step, float):
                loop = asyncio.get_running_loop()
                self._due = loop.time() + step if self._due is None else self._due
                await asyncio.sleep(self._due - loop.time())
                self._due = None
            self._script.popleft()
            if isinstance(step, Exception):
                raise step
            if isinstance(step, bytes):
                return step
        raise StopAsyncIteration

    async def read(self, limit: int) -> bytes:
        return b"".join([part async for part in self])

    def close(self) -> None:
        self.closed = True


class Upstream:
    """Answers calls in the order given: with a response, an error, or either after seconds."""

    def __init__(self, *answers: Response | Exception | tuple[float, Response | Exception]) -> None:
        self.requests: list[UpstreamRequest] = []
        self._answers = deque(answers)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        self.requests.append(request)
        answer = self._answers.popleft()
        if isinstance(answer, tuple):
            await asyncio.sleep(answer[0])
            answer = answer[1]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Client:
    """The client's end: what it got and when, in seconds since it asked; it leaves on demand."""

    def __init__(self, *, leaves_after: int | None = None) -> None:
        self.headers: Headers | None = None
        self.connected = True
        self.finished = False
        self.writes: list[tuple[float, bytes]] = []
        self._leaves_after = leaves_after
        self._began = asyncio.get_running_loop().time()

    @property
    def started(self) -> bool:
        return self.headers is not None

    async def start(self, headers: Headers) -> None:
        self.headers = headers

    async def write(self, written: bytes) -> None:
        if self._leaves_after is not None and len(self.writes) >= self._leaves_after:
            raise ConnectionResetError
        self.writes.append((asyncio.get_running_loop().time() - self._began, written))

    async def finish(self) -> None:
        self.finished = True

    @property
    def got(self) -> bytes:
        return b"".join(written for _, written in self.writes)


def clock() -> Clock:
    loop = asyncio.get_running_loop()
    return Clock(lambda: int(loop.time() * 1000), loop.time)


def monitor(now: Clock, registry: RegistryHolder, keys: ProviderKeys) -> HealthMonitor:
    """The health of all in `registry`; nobody listens."""
    nobody = Listeners(lambda _, __, ___: None, lambda _: None, lambda: None)
    fleet = Fleet(registry, keys, is_local)
    return HealthMonitor(now, fleet, Activity(now.monotonic), nobody)


DEPLOYMENT = Deployment("m", "p", "upstream-m")
PROVIDER = Provider("p", ProviderType.OPENAI, ("http://provider.example/v1",))
ANTHROPIC = Provider("p", ProviderType.ANTHROPIC, ("http://provider.example/v1",))
HI = {"role": "user", "content": "hi"}


def order(
    api: Api = Api.CHAT, *, stream: bool = True, headers: Headers = (), **fields: Any
) -> Order:
    body = {"model": "m", "messages": [HI], "stream": stream, **fields}
    return order_of(body, api, headers=headers)


def order_of(body: Mapping[str, Any], api: Api = Api.CHAT, *, headers: Headers = ()) -> Order:
    """An order of exactly this body."""
    document = parse(json.dumps(body).encode())
    return Order(
        request_id="req_1",
        api=api,
        document=document,
        facts=read_request(api, document),
        headers=headers,
        query="",
        client_authorization=None,
        received_at=asyncio.get_running_loop().time(),
        interpreter=Interpreter(api, document),
    )


class _Forgetful:
    """Stands where the database stands, and knows nothing."""

    async def read(self, query: Any) -> list[Any]:
        return []

    def remember(self, row: Any) -> None:
        pass


def memory() -> Provenance:
    """Knows only the thinking that it has learned itself."""
    return Provenance(cast("Database", _Forgetful()), lambda: 1_800_000_000_000)


@dataclass
class Road:
    """Attempts on a scripted upstream."""

    upstream: Upstream
    provider: Provider = PROVIDER
    api: Api = Api.CHAT
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        keys, now = ProviderKeys(lambda _: None, {}), clock()
        registry = RegistryHolder(Registry.build([self.provider], [DEPLOYMENT]))
        self.health = monitor(now, registry, keys)
        self.provenance = memory()
        self.attempts = Attempts(
            self.upstream,
            keys,
            self.health,
            FailureLog(now.monotonic),
            self.provenance,
            now,
        )
        self.client = Client()

    @property
    def target(self) -> Target:
        return Target(DEPLOYMENT, self.provider, self.api)

    async def stream(
        self, wanted: Order | None = None, *, progress: Progress | None = None
    ) -> None:
        await self.attempts.stream(
            wanted or order(), self.target, self.client, progress or self.progress, self.headers
        )

    def headers(self) -> Sequence[tuple[str, str]]:
        return [("X-Calls", str(self.progress.calls))]


def target(name: str = "m", provider: str = "p", *, context: int | None = None) -> Target:
    """A deployment and its provider by their ids."""
    deployment = Deployment(name, provider, f"upstream-{name}", max_context_tokens=context)
    return Target(deployment, replace(PROVIDER, id=provider), Api.CHAT)


def decision(*plan: Target) -> Decision:
    """A decision for `plan`."""
    candidates = tuple(
        Candidate(one.deployment, one.provider, 0.5, Cost(1_500_000, 2), "named", 0, one.api)
        for one in plan
    )
    reason = "named" if plan else "no_eligible_model"
    order = tuple(range(len(plan)))
    brief = decide(ask(Registry([], []))).brief
    return Decision(Mode.NORMAL, reason, candidates, candidates, order, (), (), brief)


QUICK = Timeouts(first_event_s=40.0, idle_s=30.0, answer_s=50.0)
