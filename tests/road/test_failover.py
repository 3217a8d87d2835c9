"""Every way in which a provider can fail, on every road: what the client saw, who was called how
often, and what was charged.

Two providers have the same models; `first` is the cheaper one and goes first, `second` is well.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.road.asking import post
from tests.road.faults import AFTER_OPENING, BEFORE_CONTENT, IN_CONTENT, Fault
from tests.road.reading import data_of, ended_well, text_of, used
from tests.road.roads import ROADS, SAID, Pair, Road, charge_usd, twins
from tokenhub.simulator import Failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAMS = [road for road in ROADS if road.stream]
WHOLE = [road for road in ROADS if not road.stream]
HTTP_DATE = "Mon, 21 Sep 2026 14:13:41 GMT"
"""21 s after NOW_S."""
DATED = Fault("429-date", Failure.answer(429, retry_after=HTTP_DATE), 1, "rate_limited")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_pair() -> AsyncIterator[Pair]:
    async with twins() as pair:
        yield pair


@pytest.fixture
def pair(standing_pair: Pair) -> Pair:
    return standing_pair


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("fault", [*BEFORE_CONTENT, DATED, *AFTER_OPENING], ids=str)
async def test_who_fails_before_any_content_is_replaced(
    pair: Pair, fault: Fault, road: Road
) -> None:
    await pair.renew(road, fault.patience_s)
    pair.first(road).fail(fault.of(road))
    reply = await pair.ask(road)
    assert reply.status == 200, reply.body
    assert pair.calls(road) == (fault.calls, 1)
    assert reply.headers["X-TokenHub-Provider"] == road.second
    assert reply.headers["X-TokenHub-Attempts"] == str(fault.calls + 1)
    if road.client != "embeddings":
        assert text_of(road, reply) == SAID
    if road.stream:
        assert ended_well(road, reply)

    told = await pair.decision(reply)
    attempts = [(one["provider_id"], one["error_class"]) for one in told["attempts"]]
    assert attempts == [(road.kind, fault.error_class)] * fault.calls + [(road.second, None)]
    if not road.stream:
        expected = charge_usd(road, used(road, reply), dearer=True)
        assert told["cost_usd"] == pytest.approx(expected, abs=1e-9)
        assert float(reply.headers["X-TokenHub-Cost-USD"]) == pytest.approx(expected, abs=1e-9)
    assert told["cost_usd"] > 0


@pytest.mark.parametrize("road", [road for road in WHOLE if road.client != "embeddings"], ids=str)
@pytest.mark.parametrize("failure", [Failure.cut(1), Failure.reset(1)], ids=["cut", "reset"])
async def test_half_an_answer_is_none(pair: Pair, failure: Failure, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(failure)
    reply = await pair.ask(road)
    assert text_of(road, reply) == SAID
    assert pair.calls(road) == (3, 1)


@pytest.mark.parametrize("road", STREAMS, ids=str)
@pytest.mark.parametrize("fault", IN_CONTENT, ids=str)
async def test_who_fails_after_content_is_not_replaced(
    pair: Pair, fault: Fault, road: Road
) -> None:
    await pair.renew(road, fault.patience_s)
    pair.first(road).fail(fault.of(road))
    reply = await pair.ask(road)
    assert reply.status == 200
    assert pair.calls(road) == (1, 0)
    assert 0 < len(text_of(road, reply)) < len(SAID)
    assert SAID.startswith(text_of(road, reply))
    assert not ended_well(road, reply)
    last = data_of(reply)[-1]
    assert "error" in last
    if road.client == "messages":
        assert last["type"] == "error"

    told = await pair.decision(reply)
    assert [one["error_class"] for one in told["attempts"]] == [fault.error_class]
    whole = charge_usd(road, (100, 100), dearer=False)
    assert 0 < told["cost_usd"] < whole


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("status", [400, 422])
async def test_what_the_client_did_wrong_is_told_to_it_and_nobody_else_is_asked(
    pair: Pair, status: int, road: Road
) -> None:
    await pair.renew(road)
    body = '{ "error": {"message": "temperature: too hot", "type": "invalid_request_error"} }'
    pair.first(road).fail(Failure.answer(status, body=body))
    reply = await pair.ask(road)
    assert (reply.status, reply.body) == (status, body.encode())
    assert pair.calls(road) == (1, 0)
    told = await pair.decision(reply)
    assert told["cost_usd"] == 0
    states = {one["provider_id"]: one for one in await pair.world.admin.health()}
    assert states[road.kind]["consecutive_errors"] == 0


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_slow_answer_is_an_answer(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    if road.client == "embeddings":
        return  # its body is too long to come in drops
    pair.first(road).fail(Failure.slow_drip(0.0005))
    reply = await pair.ask(road)
    assert text_of(road, reply) == SAID
    assert pair.calls(road) == (1, 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_an_answer_that_drips_beyond_its_time_is_replaced(pair: Pair, road: Road) -> None:
    await pair.renew(road, patience_s=0.15)
    pair.first(road).fail(Failure.slow_drip(0.05))
    reply = await pair.ask(road)
    assert reply.status == 200
    assert pair.calls(road) == (3, 1)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_short_fault_is_got_over_with_the_same_provider(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(Failure.answer(503), times=2)
    reply = await pair.ask(road)
    assert reply.headers["X-TokenHub-Provider"] == road.kind
    assert pair.calls(road) == (3, 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize(
    ("failure", "status", "calls"),
    [
        (Failure.answer(500), 502, (3, 3)),
        (Failure.answer(401), 502, (1, 1)),
        (Failure.answer(402), 502, (1, 1)),
        (Failure.answer(429, retry_after="9"), 429, (1, 1)),
    ],
    ids=["500", "401", "402", "429"],
)
async def test_when_both_fail_the_client_is_told_of_each_and_pays_nothing(
    pair: Pair, failure: Failure, status: int, calls: tuple[int, int], road: Road
) -> None:
    await pair.renew(road)
    pair.first(road).fail(failure)
    pair.second(road).fail(failure)
    reply = await pair.ask(road)
    assert reply.status == status
    assert pair.calls(road) == calls
    message = reply.json["error"]["message"]
    assert f"{road.kind}/{road.model} (" in message
    assert f"{road.second}/{road.model} (" in message
    assert reply.headers.get("Retry-After") == ("9" if status == 429 else None)
    assert (await pair.decision(reply))["cost_usd"] == 0


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_wait_that_was_asked_for_is_kept(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(Failure.answer(429, retry_after="21"), times=1)
    for _ in range(2):
        assert (await pair.ask(road)).headers["X-TokenHub-Provider"] == road.second
    assert pair.calls(road) == (1, 2)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_pin_stays_with_its_provider(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(Failure.answer(500))
    pinned = replace(road, model=f"{road.kind}/{road.model}")
    reply = await post(pair.world, road.path, pinned.body())
    assert reply.status == 502
    assert pair.calls(road) == (3, 0)
