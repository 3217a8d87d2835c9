"""A second model where the first is slow: whom it calls, and who wins."""

import asyncio
from dataclasses import replace

import pytest

from tests.dispatch.fakes import ROLE, Response, chunk
from tests.dispatch.hedging import (
    ASKED,
    CHARGE,
    HEDGED,
    LIMIT,
    NEVER,
    SECOND,
    calls,
    headers_of,
    heard,
    lost,
    now,
    road,
    spoken,
)
from tests.support.scripted_road import WHOLE, Road, other
from tokenhub.routing.policy import Mode, RoutingConfig
from tokenhub.types import Prices, Rates


@pytest.mark.parametrize("stream", [False, True])
async def test_without_the_setting_a_slow_first_is_waited_for(stream: bool) -> None:
    body = spoken("a") if stream else (WHOLE,)
    where = road((30.0, Response(*body)), config=RoutingConfig())
    assert (await headers_of(where, stream=stream))["X-TokenHub-Provider"] == "p"
    assert calls(where) == [("p", None, CHARGE)]


@pytest.mark.parametrize("stream", [False, True])
async def test_who_answers_in_time_is_the_only_one_called(stream: bool) -> None:
    body = spoken("a") if stream else (WHOLE,)
    where = road((0.9, Response(*body)))
    assert (await headers_of(where, stream=stream))["X-TokenHub-Attempts"] == "1"
    assert calls(where) == [("p", None, CHARGE)]
    assert not where.outcome.estimated


async def test_a_stream_that_has_begun_in_time_may_take_its_time() -> None:
    where = road(Response(chunk("a"), 9.0, *spoken("b")))
    await where.serve(stream=True)
    assert where.client.got == chunk("a") + heard("b")
    assert len(where.upstream.requests) == 1


async def test_the_second_is_called_when_the_first_is_slow_and_wins() -> None:
    slow = Response(NEVER, WHOLE)
    where, began = road(slow, (0.5, Response(SECOND))), now()
    answer = await where.serve()
    assert now() - began == 1.5
    assert answer is not None
    assert answer.body == SECOND
    headers = dict(answer.headers)
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("q", "2")
    assert headers["X-TokenHub-Cost-USD"] == f"0.{CHARGE + ASKED:09d}"
    assert slow.closed


async def test_the_first_may_still_win() -> None:
    slow = Response(NEVER, SECOND)
    where = road((3.0, Response(WHOLE)), slow)
    answer = await where.serve()
    assert answer is not None
    assert answer.body == WHOLE
    assert dict(answer.headers)["X-TokenHub-Attempts"] == "2"
    assert calls(where) == [lost("q"), ("p", None, CHARGE)]
    assert slow.closed


async def test_of_two_streams_the_client_gets_only_the_one_that_was_first_with_content() -> None:
    slow = Response(ROLE, NEVER, *spoken("a"), headers={"X-Of": "p"})
    where = road(slow, Response(0.5, ROLE, 0.5, *spoken("b"), headers={"X-Of": "q"}))
    headers = await headers_of(where, stream=True)
    assert where.client.got == ROLE + heard("b")
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("q", "2")
    assert headers["X-Of"] == "q"
    assert slow.closed
    assert calls(where) == [lost("p"), ("q", None, CHARGE)]
    assert where.outcome.ttft_ms == pytest.approx(2000)


async def test_the_loser_is_cancelled_at_the_winners_first_content() -> None:
    slow = Response(ROLE, NEVER)
    where = road(slow, Response(0.5, chunk("b"), 60.0, *spoken("c")))
    began = now()
    running = asyncio.get_running_loop().create_task(where.serve(stream=True))
    await asyncio.sleep(1.6)
    assert slow.closed
    assert where.client.got == chunk("b")
    await running
    assert now() - began == 61.5
    assert where.outcome.attempts[0].end_ms == pytest.approx(1500)


async def test_the_first_stream_may_still_win_and_its_headers_count_both_calls() -> None:
    slow = Response(NEVER)
    where = road(Response(1.5, *spoken("a")), slow)
    headers = await headers_of(where, stream=True)
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("p", "2")
    assert where.client.got == heard("a")
    assert calls(where) == [lost("q"), ("p", None, CHARGE)]
    assert slow.closed


async def test_a_request_is_hedged_once_and_five_are_tried_at_most() -> None:
    where = road(*[(3.0, LIMIT)] * 5, others="qrstuv")
    assert (await where.refused()).status == 429
    assert [one.provider_id for one in where.outcome.attempts] == list("pqrst")
    assert [one.start_ms for one in where.outcome.attempts] == [0, 1000, 4000, 7000, 10000]


async def test_the_fifth_is_not_hedged() -> None:
    config = RoutingConfig(hedge_after_ms=3500)
    where = road(*[(1.0, LIMIT)] * 4, (5.0, Response(SECOND)), others="qrstuv", config=config)
    assert (await headers_of(where))["X-TokenHub-Provider"] == "t"
    assert len(where.upstream.requests) == 5


async def test_the_time_runs_from_the_first_call_whoever_is_called_then() -> None:
    where = road((0.6, LIMIT), (5.0, Response(WHOLE)), Response(SECOND), others="qr")
    assert (await headers_of(where))["X-TokenHub-Provider"] == "r"
    starts = [one.start_ms for one in where.outcome.attempts]
    assert starts == [pytest.approx(at) for at in (0, 600, 1000)]


async def test_nobody_else_is_no_hedge() -> None:
    where = road((5.0, Response(WHOLE)), others="")
    assert (await headers_of(where))["X-TokenHub-Attempts"] == "1"
    assert calls(where) == [("p", None, CHARGE)]


async def test_what_a_named_model_may_become_is_looked_up_only_when_it_is_to_be_called() -> None:
    twin = other("q", "n")
    where = Road([Response(WHOLE)], others=[twin], config=HEDGED)
    await where.serve()
    (row,) = where.rows.decided
    assert row.columns()["model_id"] == ["m"]
    where = Road([(5.0, Response(WHOLE)), Response(SECOND)], others=[twin], config=HEDGED)
    assert (await headers_of(where))["X-TokenHub-Model"] == "n"
    (row,) = where.rows.decided
    assert row.columns()["redecided"]["model_id"] == ["m", "n"]


async def test_the_loser_is_not_blamed() -> None:
    """Five faults in a row would keep requests from it."""
    answers = [answer for _ in range(8) for answer in (Response(NEVER, WHOLE), Response(SECOND))]
    dearer = other("q", prices=Prices(Rates(10_000, 20_000)))
    config = replace(HEDGED, default_mode=Mode.CHEAP)
    where = Road(list(answers), others=[dearer], config=config)
    losers = []
    for _ in range(8):
        assert await where.serve() is not None
        loser, _ = where.rows.logged.pop().attempts
        losers.append(loser.provider_id)
    assert losers[2:] == ["p"] * 6
