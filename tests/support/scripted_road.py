"""A gateway with scripted providers at its end, for virtual time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.dispatch.fakes import (
    HI,
    PROVIDER,
    TRANSPORT,
    Client,
    Upstream,
    clock,
    memory,
    monitor,
)
from tests.ledger.test_ledger import Book, ledger_for
from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.keys import KeyRing, hash_of
from tokenhub.admission.limits import AddressLimiter, RateLimiter
from tokenhub.dispatch.attempts import Attempts
from tokenhub.dispatch.failover import Failover
from tokenhub.dispatch.retry_budget import RetryBudget
from tokenhub.errors import RequestError
from tokenhub.gateway import Answer, Call, Gateway
from tokenhub.ledger.budgets import HubLimits
from tokenhub.observe.events import EventBus
from tokenhub.observe.failures import FailureLog
from tokenhub.observe.metrics import Metrics, Readings
from tokenhub.observe.recorder import Recorder
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.routing.policy import PolicyHolder, RoutingConfig, Steering
from tokenhub.routing.router import Router
from tokenhub.types import (
    Api,
    ApiKey,
    DecisionRow,
    Deployment,
    Outcome,
    Prices,
    Provider,
    Rates,
)
from tokenhub.wire.body import Document, parse

TOKEN = "tokenhub_" + "1" * 64
KEY = ApiKey("k1", "editor", hash_of(TOKEN))
WHOLE = b'{"choices":[{"message":{}}],"usage":{"prompt_tokens":7,"completion_tokens":3}}'
INVALID = b'{"error":{"message":"temperature: too high","code":null}}'
CLOUD = replace(PROVIDER, apis=frozenset({Api.CHAT}))
THRICE = [TRANSPORT] * 3
"""What comes of a provider that fails whenever it is called."""
MODEL = Deployment("m", "p", "m", prices=Prices(Rates(1000, 2000)))


class Rows(Book):
    """Stands where the database stands, for log and ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: list[Outcome] = []
        self.decided: list[DecisionRow] = []

    def log(self, outcome: Outcome) -> None:
        self.logged.append(outcome)

    def decide(self, row: DecisionRow) -> None:
        self.decided.append(row)


def other(provider_id: str, name: str = "m", **fields: Any) -> tuple[Provider, Deployment]:
    """One more provider, and its model."""
    model = Deployment(name, provider_id, name, **{"prices": MODEL.prices, **fields})
    return replace(CLOUD, id=provider_id), model


@dataclass
class Road:
    """A gateway on a scripted provider; `vault` tells what becomes of a look into it."""

    answers: list[Any]
    key: ApiKey = KEY
    provider: Provider = CLOUD
    others: Sequence[tuple[Provider, Deployment]] = ()
    limits: HubLimits | None = None
    rows: Rows = field(default_factory=Rows)
    vault: list[Any] = field(default_factory=list)
    steering: Steering = field(default_factory=Steering)
    config: RoutingConfig = field(default_factory=RoutingConfig)

    def __post_init__(self) -> None:
        self.client = Client()
        self.upstream = Upstream(*self.answers)
        keys, now = ProviderKeys(self._reveal, {}), clock()
        registry = RegistryHolder(
            Registry.build(
                [self.provider, *(provider for provider, _ in self.others)],
                [MODEL, *(model for _, model in self.others)],
            )
        )
        health = monitor(now, registry, keys)
        ledger = ledger_for(self.rows, self.limits)
        provenance = memory()
        self.gateway = Gateway(
            desk=FrontDesk(
                KeyRing([self.key]),
                RateLimiter(0, 1, now.monotonic),
                AddressLimiter(10, now.monotonic),
                now,
                lambda: None,
            ),
            router=Router(
                registry=registry,
                policies=PolicyHolder(self.config),
                keys=keys,
                health=health,
                ledger=ledger,
                clock=now,
            ),
            ledger=ledger,
            attempts=Attempts(
                self.upstream,
                keys,
                health,
                FailureLog(now.monotonic),
                provenance,
                now,
            ),
            provenance=provenance,
            failover=Failover(RetryBudget(lambda: 1), now),
            recorder=Recorder(
                self.rows, EventBus(now.now_ms), Metrics(Readings), lambda tell: tell()
            ),
            clock=now,
        )

    def _reveal(self, name: str) -> str | None:
        found = self.vault.pop(0)
        if isinstance(found, Exception):
            raise found
        return str(found)

    async def serve(
        self, body: dict[str, Any] | None = None, token: str = TOKEN, **fields: Any
    ) -> Answer | None:
        sent = {"model": "m", "messages": [HI], **fields} if body is None else body

        async def read() -> tuple[Document, Steering]:
            return parse(json.dumps(sent).encode()), self.steering

        call = Call(
            request_id="req_1",
            api=Api.CHAT,
            endpoint="/v1/chat/completions",
            address="127.0.0.1",
            token=token,
            client_authorization=None,
            client="curl",
            headers=[],
            query="",
            read=read,
        )
        return await self.gateway.serve(call, self.client)

    async def refused(self, **fields: Any) -> RequestError:
        with pytest.raises(RequestError) as caught:
            await self.serve(**fields)
        return caught.value

    async def refused_again(self, **fields: Any) -> RequestError:
        """The refusal of a second client, while the first one is served."""
        first, self.client = self.client, Client()
        error = await self.refused(**fields)
        self.client = first
        return error

    @property
    def outcome(self) -> Outcome:
        """The one row, which ledger and log must both have."""
        (logged,) = self.rows.logged
        assert self.rows.settled == [logged]
        return logged
