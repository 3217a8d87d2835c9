"""A second provider where the first is slow, with real sockets: what the client got, who was
called, whose connection was closed, and what was charged.

Two providers have the same models; `first` is the cheaper one and goes first.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from tests.road import roads
from tests.road.asking import post
from tests.road.reading import text_of
from tests.road.roads import Pair, Road, charge_usd, twins
from tokenhub.simulator import Failure, Profile

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, SECOND = "I am the first.", "I am the second."
SLOW = Profile(answer=FIRST, failure=Failure.hang())
LATE = Profile(answer=FIRST, failure=Failure.hang(seconds=0.3))
"""Comes a while after the second one was called."""
ROADS = [road for road in roads.ROADS if road.client in ("chat", "messages")]
STREAMS = [road for road in ROADS if road.stream]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_pair() -> AsyncIterator[Pair]:
    async with twins() as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="module")
async def pair(standing_pair: Pair) -> Pair:
    for road in STREAMS:
        await standing_pair.renew(road)
        standing_pair.first(road).set(Profile(answer=FIRST))
        standing_pair.second(road).set(Profile(answer=SECOND))
    await hedge_after(standing_pair, 40)
    return standing_pair


async def hedge_after(pair: Pair, ms: int) -> None:
    await pair.world.admin.put_routing_config({"hedge_after_ms": ms})


async def blamed(pair: Pair) -> list[str]:
    states = await pair.world.admin.health()
    return [one["provider_id"] for one in states if one["consecutive_errors"]]


def tried(told: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["provider_id"], one["error_class"]) for one in told["attempts"]]


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("opening", [False, True], ids=["silent", "opened"])
async def test_the_second_wins_where_the_first_is_slow(
    pair: Pair, opening: bool, road: Road
) -> None:
    events = road.opening if opening else None
    pair.first(road).set(Profile(answer=FIRST, failure=Failure.hang(after_events=events)))
    reply = await pair.ask(road)
    assert (reply.status, text_of(road, reply)) == (200, SECOND)
    assert FIRST.encode() not in reply.body
    assert pair.calls(road) == (1, 1)
    assert reply.headers["X-TokenHub-Provider"] == road.second
    assert reply.headers["X-TokenHub-Attempts"] == "2"
    (call,) = pair.first(road).calls
    await call.wait_ended()
    assert call.aborted
    (winner,) = pair.second(road).calls
    assert winner.complete
    assert await blamed(pair) == []


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_both_are_charged_and_shown(pair: Pair, road: Road) -> None:
    pair.first(road).set(SLOW)
    reply = await pair.ask(road)
    told = await pair.decision(reply)
    assert tried(told) == [(road.kind, "cancelled"), (road.second, None)]
    loser, winner = told["attempts"]
    assert loser["start_ms"] < winner["start_ms"] < loser["end_ms"]
    assert loser["cost_usd"] > 0
    tokens = loser["cost_usd"] / charge_usd(road, (1, 0), dearer=False)
    assert tokens == pytest.approx(round(tokens), abs=1e-6)
    assert told["cost_usd"] == pytest.approx(loser["cost_usd"] + winner["cost_usd"], abs=1e-12)
    row = await pair.world.log_of(reply.headers["X-Request-Id"])
    assert row["provider_id"] == road.second
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
    assert (reply.status, text_of(road, reply)) == (200, FIRST)
    assert reply.headers["X-TokenHub-Provider"] == road.kind
    assert reply.headers["X-TokenHub-Attempts"] == "2"
    (call,) = pair.second(road).calls
    await call.wait_ended()
    assert call.aborted
    told = await pair.decision(reply)
    assert tried(told) == [(road.second, "cancelled"), (road.kind, None)]
    assert told["attempts"][0]["cost_usd"] > 0
    assert await blamed(pair) == []


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_first_that_fails_while_the_second_works_costs_nothing(
    pair: Pair, road: Road
) -> None:
    pair.first(road).set(Profile(ttft_ms=100, failure=Failure.answer(401)))
    pair.second(road).set(Profile(answer=SECOND, failure=Failure.hang(seconds=0.3)))
    reply = await pair.ask(road)
    assert (reply.status, text_of(road, reply)) == (200, SECOND)
    told = await pair.decision(reply)
    assert tried(told) == [(road.kind, "auth"), (road.second, None)]
    assert told["attempts"][0]["cost_usd"] == 0
    row = await pair.world.log_of(reply.headers["X-Request-Id"])
    assert not row["estimated"]


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_second_that_fails_leaves_it_to_the_first(pair: Pair, road: Road) -> None:
    pair.first(road).set(LATE)
    pair.second(road).fail(Failure.answer(429, retry_after="9"))
    reply = await pair.ask(road)
    assert (reply.status, text_of(road, reply)) == (200, FIRST)
    assert pair.calls(road) == (1, 1)
    told = await pair.decision(reply)
    assert tried(told) == [(road.second, "rate_limited"), (road.kind, None)]


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
    assert f"{road.second}/{road.model} (rate_limited)" in message
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
    assert await blamed(pair) == []


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_off_as_it_is_at_first_a_slow_one_is_waited_for(pair: Pair, road: Road) -> None:
    await hedge_after(pair, 0)
    pair.first(road).set(LATE)
    reply = await pair.ask(road)
    assert text_of(road, reply) == FIRST
    assert pair.calls(road) == (1, 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_pin_has_nobody_else(pair: Pair, road: Road) -> None:
    pair.first(road).set(LATE)
    pinned = replace(road, model=f"{road.kind}/{road.model}")
    reply = await post(pair.world, road.path, pinned.body())
    assert text_of(road, reply) == FIRST
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
        assert text_of(road, reply) == (FIRST if first else SECOND) * 3
        told = await pair.decision(reply)
        assert tried(told)[-1] == (reply.headers["X-TokenHub-Provider"], None)
        total = sum(one["cost_usd"] for one in told["attempts"])
        assert told["cost_usd"] == pytest.approx(total, abs=1e-12)
    assert len({reply.headers["X-TokenHub-Provider"] for reply in replies}) == 2
    assert await blamed(pair) == []
