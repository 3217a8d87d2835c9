"""A second provider where the first is slow, with real sockets: what the client got, who was
called, whose connection was closed, and what was charged.

Two providers have the same models; `first` is the cheaper one and goes first.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from tests.road.asking import Reply, chat, post
from tests.support.cast import MODELS
from tests.support.world import World
from tokenhub.simulator import Failure, Profile, Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, SECOND = "I am the first.", "I am the second."
HEDGE_AFTER_MS = 40
SLOW = Profile(answer=FIRST, failure=Failure.hang())
LATE = Profile(answer=FIRST, failure=Failure.hang(seconds=0.3))
"""Comes a while after the second one was called."""


@dataclass(frozen=True)
class Road:
    """One way to ask, and how many events come before any content in a stream."""

    path: str
    kind: str
    model: str
    stream: bool
    opening: int

    def __str__(self) -> str:
        return f"{self.kind}-stream" if self.stream else self.kind

    @property
    def body(self) -> dict[str, Any]:
        return chat(self.model, max_tokens=50, stream=self.stream)


ROADS = [
    Road(path, kind, model, stream, opening)
    for path, kind, model, opening in (
        ("/v1/chat/completions", "openai", "gpt-4o", 1),
        ("/v1/messages", "anthropic", "claude-haiku-4-5", 2),
    )
    for stream in (False, True)
]
STREAMS = [road for road in ROADS if road.stream]


class Pair:
    """The hub with two of each kind, and what became of one request."""

    def __init__(self, world: World) -> None:
        self.world = world

    def first(self, road: Road) -> Simulator:
        return self.world.simulators[road.kind]

    def second(self, road: Road) -> Simulator:
        return self.world.simulators[f"{road.kind}-2"]

    async def renew(self, hedge_after_ms: int) -> None:
        for id in ("openai", "openai-2", "anthropic", "anthropic-2"):
            text = SECOND if id.endswith("-2") else FIRST
            self.world.simulators[id].set(Profile(answer=text))
            self.world.simulators[id].clear_calls()
            # A provider that was edited may do better: its health is forgotten.
            await self.world.admin.edit_provider(id, {"timeout_secs": 5.0})
        await self.world.admin.put_routing_config({"hedge_after_ms": hedge_after_ms})

    async def ask(self, road: Road, **headers: str) -> Reply:
        return await post(self.world, road.path, road.body, **headers)

    def calls(self, road: Road) -> tuple[int, int]:
        return len(self.first(road).calls), len(self.second(road).calls)

    async def decision(self, reply: Reply) -> dict[str, Any]:
        return await self.world.admin.decision(reply.headers["X-Request-Id"])

    async def blamed(self) -> list[str]:
        states = await self.world.admin.health()
        return [one["provider_id"] for one in states if one["consecutive_errors"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_pair() -> AsyncIterator[Pair]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tokenhub.dispatch.failover.FIRST_PAUSE_S", 0.001)
        async with World(substitutes=False) as world:
            await world.add_twin("openai")
            await world.add_twin("anthropic")
            yield Pair(world)


@pytest_asyncio.fixture(loop_scope="module")
async def pair(standing_pair: Pair) -> Pair:
    await standing_pair.renew(HEDGE_AFTER_MS)
    return standing_pair


def said(reply: Reply) -> str:
    """All that the client was told by the model."""
    if reply.headers["Content-Type"].startswith("application/json"):
        answer = reply.json
        if "content" in answer:
            return str(answer["content"][0]["text"])
        return str(answer["choices"][0]["message"]["content"])
    text = ""
    for event in reply.events:
        data = event.split(b"data: ", 1)[-1].strip()
        value = {} if data == b"[DONE]" else json.loads(data)
        if value.get("type") == "content_block_delta":
            text += value["delta"]["text"]
        for choice in value.get("choices", ()):
            text += choice["delta"].get("content") or ""
    return text


def tried(told: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["provider_id"], one["error_class"]) for one in told["attempts"]]


def price(road: Road, *, dearer: bool) -> float:
    """What a token of input costs at the first provider, or at the second."""
    row = next(one for one in MODELS if one["id"] == road.model)
    return float(row["input_per_1k"] / 1000 * (10 if dearer else 1))


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("opening", [False, True], ids=["silent", "opened"])
async def test_the_second_wins_where_the_first_is_slow(
    pair: Pair, opening: bool, road: Road
) -> None:
    events = road.opening if opening else None
    pair.first(road).set(Profile(answer=FIRST, failure=Failure.hang(after_events=events)))
    reply = await pair.ask(road)
    assert (reply.status, said(reply)) == (200, SECOND)
    assert FIRST.encode() not in reply.body
    assert pair.calls(road) == (1, 1)
    assert reply.headers["X-TokenHub-Provider"] == f"{road.kind}-2"
    assert reply.headers["X-TokenHub-Attempts"] == "2"
    (call,) = pair.first(road).calls
    await call.wait_ended()
    assert call.aborted
    (winner,) = pair.second(road).calls
    assert winner.complete
    assert await pair.blamed() == []


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_both_are_charged_and_shown(pair: Pair, road: Road) -> None:
    pair.first(road).set(SLOW)
    reply = await pair.ask(road)
    told = await pair.decision(reply)
    assert tried(told) == [(road.kind, "cancelled"), (f"{road.kind}-2", None)]
    loser, winner = told["attempts"]
    assert loser["start_ms"] < winner["start_ms"] < loser["end_ms"]
    assert loser["cost_usd"] > 0
    assert loser["cost_usd"] / price(road, dearer=False) == pytest.approx(
        round(loser["cost_usd"] / price(road, dearer=False)), abs=1e-6
    )
    assert told["cost_usd"] == pytest.approx(loser["cost_usd"] + winner["cost_usd"], abs=1e-12)
    row = await pair.world.log_of(reply.headers["X-Request-Id"])
    assert row["provider_id"] == f"{road.kind}-2"
    assert (row["cost_usd"], row["estimated"]) == (told["cost_usd"], True)
    if not road.stream:
        assert float(reply.headers["X-TokenHub-Cost-USD"]) == pytest.approx(told["cost_usd"])


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_the_first_may_still_win_and_the_second_is_cancelled_then(
    pair: Pair, road: Road
) -> None:
    pair.first(road).set(LATE)
    pair.second(road).set(Profile(answer=SECOND, failure=Failure.hang()))
    reply = await pair.ask(road)
    assert (reply.status, said(reply)) == (200, FIRST)
    assert reply.headers["X-TokenHub-Provider"] == road.kind
    assert reply.headers["X-TokenHub-Attempts"] == "2"
    (call,) = pair.second(road).calls
    await call.wait_ended()
    assert call.aborted
    told = await pair.decision(reply)
    assert tried(told) == [(f"{road.kind}-2", "cancelled"), (road.kind, None)]
    assert told["attempts"][0]["cost_usd"] > 0
    assert await pair.blamed() == []


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_first_that_fails_while_the_second_works_costs_nothing(
    pair: Pair, road: Road
) -> None:
    pair.first(road).set(Profile(ttft_ms=100, failure=Failure.answer(401)))
    pair.second(road).set(Profile(answer=SECOND, failure=Failure.hang(seconds=0.3)))
    reply = await pair.ask(road)
    assert (reply.status, said(reply)) == (200, SECOND)
    told = await pair.decision(reply)
    assert tried(told) == [(road.kind, "auth"), (f"{road.kind}-2", None)]
    assert told["attempts"][0]["cost_usd"] == 0
    row = await pair.world.log_of(reply.headers["X-Request-Id"])
    assert not row["estimated"]


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_second_that_fails_leaves_it_to_the_first(pair: Pair, road: Road) -> None:
    pair.first(road).set(LATE)
    pair.second(road).fail(Failure.answer(429, retry_after="9"))
    reply = await pair.ask(road)
    assert (reply.status, said(reply)) == (200, FIRST)
    assert pair.calls(road) == (1, 1)
    told = await pair.decision(reply)
    assert tried(told) == [(f"{road.kind}-2", "rate_limited"), (road.kind, None)]


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_when_both_fail_the_client_is_told_of_each_and_pays_nothing(
    pair: Pair, road: Road
) -> None:
    failure = Failure.answer(429, retry_after="9")
    pair.first(road).set(Profile(ttft_ms=100, failure=failure))
    pair.second(road).set(Profile(ttft_ms=100, failure=failure))
    reply = await pair.ask(road)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "9")
    message = reply.json["error"]["message"]
    assert f"{road.kind}/{road.model} (rate_limited)" in message
    assert f"{road.kind}-2/{road.model} (rate_limited)" in message
    assert pair.calls(road) == (1, 1)
    assert (await pair.decision(reply))["cost_usd"] == 0


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_client_that_leaves_ends_both(pair: Pair, road: Road) -> None:
    pair.first(road).set(SLOW)
    pair.second(road).set(Profile(failure=Failure.hang()))
    request_id = f"left-{road}"
    asking = asyncio.get_running_loop().create_task(pair.ask(road, **{"X-Request-Id": request_id}))
    calls = [await pair.first(road).wait_for_call(), await pair.second(road).wait_for_call()]
    asking.cancel()
    for call in calls:
        await call.wait_ended()
        assert call.aborted
    row = await pair.world.log_of(request_id)
    assert (row["status"], row["error_class"], row["cost_usd"]) == (499, "cancelled", 0)
    assert await pair.blamed() == []


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_off_as_it_is_at_first_a_slow_one_is_waited_for(pair: Pair, road: Road) -> None:
    await pair.renew(0)
    pair.first(road).set(LATE)
    reply = await pair.ask(road)
    assert said(reply) == FIRST
    assert pair.calls(road) == (1, 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_pin_has_nobody_else(pair: Pair, road: Road) -> None:
    pair.first(road).set(LATE)
    body = road.body | {"model": f"{road.kind}/{road.model}"}
    assert said(await post(pair.world, road.path, body)) == FIRST
    assert pair.calls(road) == (1, 0)


async def test_embeddings_are_not_hedged(pair: Pair) -> None:
    road = ROADS[0]
    pair.first(road).set(LATE)
    body = {"model": "text-embedding-3-small", "input": "hi"}
    assert (await post(pair.world, "/v1/embeddings", body)).status == 200
    assert pair.calls(road) == (1, 0)


@pytest.mark.parametrize("road", STREAMS, ids=str)
async def test_in_many_streams_at_once_nothing_of_a_loser_reaches_a_client(
    pair: Pair, road: Road
) -> None:
    """The two come at about the same time, so that now the one wins and now the other."""
    waits = Profile(tokens_per_s=500.0, jitter=1.0)
    pair.first(road).set(replace(waits, answer=FIRST * 3, ttft_ms=80))
    pair.second(road).set(replace(waits, answer=SECOND * 3, ttft_ms=40))
    replies = await asyncio.gather(*(pair.ask(road) for _ in range(32)))
    for reply in replies:
        first = reply.headers["X-TokenHub-Provider"] == road.kind
        assert said(reply) == (FIRST if first else SECOND) * 3
        told = await pair.decision(reply)
        assert tried(told)[-1] == (reply.headers["X-TokenHub-Provider"], None)
        total = sum(one["cost_usd"] for one in told["attempts"])
        assert told["cost_usd"] == pytest.approx(total, abs=1e-12)
    assert len({reply.headers["X-TokenHub-Provider"] for reply in replies}) == 2
    assert await pair.blamed() == []
