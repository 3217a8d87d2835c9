"""Every way to ask a hub for a model that two providers have, and what became of a request.

The first provider is the cheaper one: it goes first.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.road.asking import NOW_S, Reply, post
from tests.support.cast import MODELS
from tests.support.world import World
from tokenhub.simulator import Profile, Simulator

SAID: Final = "One two three four five six seven eight nine ten."
HELLO: Final = [{"role": "user", "content": "hi"}]
LIMIT: Final = 50
PATIENT_S: Final = 5.0
"""Seconds that a provider may take: long enough for any test."""
DEARER: Final = 10
"""So many times the price is what the second provider takes."""

PATHS: Final = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "messages": "/v1/messages",
    "native": "/v1/chat",
    "responses": "/v1/responses",
}
KINDS: Final = {
    "gpt-4o": "openai",
    "gpt-3.5-turbo-instruct": "openai",
    "text-embedding-3-small": "openai",
    "claude-haiku-4-5": "anthropic",
}
"""Who has a model first."""


@dataclass(frozen=True)
class Road:
    """One way to ask for a model."""

    client: str
    model: str
    stream: bool

    def __str__(self) -> str:
        return f"{self.client}-stream" if self.stream else self.client

    @property
    def path(self) -> str:
        return PATHS[self.client]

    @property
    def kind(self) -> str:
        """The first provider, which is called by its kind."""
        return KINDS[self.model]

    @property
    def second(self) -> str:
        """The second provider's id."""
        return f"{self.kind}-2"

    @property
    def opening(self) -> int:
        """So many events of the first provider's stream come before any content."""
        return {"chat": 1, "native": 1, "messages": 2}.get(self.client, 0)

    def body(self, **fields: Any) -> dict[str, Any]:
        """What the client sends."""
        stream = {"stream": True} if self.stream else {}
        asked: dict[str, Any]
        match self.client:
            case "native":
                parameters = {"max_tokens": LIMIT} | fields
                asked = {"model_hint": self.model, "messages": HELLO, "parameters": parameters}
                return {"request": asked | stream}
            case "responses":
                asked = {"input": "hi", "max_output_tokens": LIMIT, "store": False}
            case "completions":
                asked = {"prompt": "hi", "max_tokens": LIMIT}
            case "embeddings":
                asked = {"input": "hi"}
            case _:
                asked = {"messages": HELLO, "max_tokens": LIMIT}
        return {"model": self.model, **asked, **stream, **fields}


ROADS: Final = [
    Road(client, model, stream)
    for client, model in (
        ("chat", "gpt-4o"),
        ("completions", "gpt-3.5-turbo-instruct"),
        ("embeddings", "text-embedding-3-small"),
        ("messages", "claude-haiku-4-5"),
        ("native", "gpt-4o"),
    )
    for stream in (False, True)
    if not (stream and client == "embeddings")
]
"""Those on which both providers are of one kind."""


class Pair:
    """A hub with a first and a second provider for each road."""

    def __init__(self, world: World) -> None:
        self.world = world

    def first(self, road: Road) -> Simulator:
        return self.world.simulators[road.kind]

    def second(self, road: Road) -> Simulator:
        return self.world.simulators[road.second]

    async def renew(self, road: Road, patience_s: float = PATIENT_S) -> None:
        """Let both be well and unknown to the hub; the first has so many seconds for anything."""
        for id, seconds in ((road.kind, patience_s), (road.second, PATIENT_S)):
            simulator = self.world.simulators[id]
            simulator.set(Profile(answer=SAID))
            simulator.clear_calls()
            names = ("timeout_secs", "first_event_timeout_secs", "stream_idle_timeout_secs")
            # A provider that was edited may do better: its health is forgotten.
            await self.world.admin.edit_provider(id, dict.fromkeys(names, seconds))

    async def ask(self, road: Road, **headers: str) -> Reply:
        return await post(self.world, road.path, road.body(), **headers)

    def calls(self, road: Road) -> tuple[int, int]:
        """How often each was called."""
        return len(self.first(road).calls), len(self.second(road).calls)

    async def decision(self, reply: Reply) -> dict[str, Any]:
        return await self.world.admin.decision(reply.headers["X-Request-Id"])

    async def row(self, reply: Reply) -> dict[str, Any]:
        return await self.world.log_of(reply.headers["X-Request-Id"])


@asynccontextmanager
async def hurried_world() -> AsyncIterator[World]:
    """A hub whose pauses between calls are short, and in which no model stands in for another."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tokenhub.dispatch.failover.FIRST_PAUSE_S", 0.001)
        async with World(substitutes=False, now=lambda: NOW_S) as world:
            yield world


@asynccontextmanager
async def twins() -> AsyncIterator[Pair]:
    """A hub with two OpenAIs and two Anthropics."""
    async with hurried_world() as world:
        await world.add_twin("openai")
        await world.add_twin("anthropic")
        yield Pair(world)


def prices(model: str) -> dict[str, float]:
    """The prices of `model` at the first provider."""
    row = next(one for one in MODELS if one["id"] == model)
    return {name: row[name] for name in ("input_per_1k", "output_per_1k")}


def charge_usd(road: Road, usage: tuple[int, int], *, dearer: bool) -> float:
    """What `usage` (input and output tokens) costs at the first provider, or at the second."""
    into, out = prices(road.model).values()
    cost = (usage[0] * into + usage[1] * out) / 1000
    return cost * (DEARER if dearer else 1)
