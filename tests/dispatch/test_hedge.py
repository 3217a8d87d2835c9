"""A second model where the first is slow: scripted providers behind a whole gateway, virtual time.

`p` goes first, `q` second, `r` third; each answers calls in the order in which they come.
"""

import asyncio
import contextlib
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatch.fakes import (
    DONE,
    FINISH,
    ROLE,
    TRANSPORT,
    USAGE,
    Client,
    Response,
    chunk,
)
from tests.support.scripted_road import INVALID, WHOLE, Road, other
from tests.support.virtual_time import VirtualTimeLoop
from tokenhub.dispatch.failover import MAX_CALLS, MAX_DEPLOYMENTS
from tokenhub.errors import RequestError, UpstreamError
from tokenhub.ledger.budgets import HubLimits
from tokenhub.routing.policy import Mode, RoutingConfig, Steering
from tokenhub.types import Api, Attempt, ErrorClass, Prices, Rates
from tokenhub.wire.errors import keep_alive

HEDGED = RoutingConfig(hedge_after_ms=1000)
SECOND = WHOLE.replace(b'{"choices"', b'{"id":"second","choices"')
CHARGE = 7 + 3 * 2
"""What WHOLE, or a stream with USAGE, costs in nano-dollars."""
ASKED = 6
"""Our count of the input tokens of the request, a nano-dollar each."""
NEVER = 1e6


def limited(retry_after_s: float) -> UpstreamError:
    return UpstreamError(
        ErrorClass.RATE_LIMITED, "slow down", status=429, retry_after_s=retry_after_s
    )


LIMIT = limited(9.0)


def spoken(text: str) -> tuple[bytes, ...]:
    return chunk(text), FINISH, USAGE, DONE


def heard(text: str) -> bytes:
    """What the client gets of a stream of `spoken`, whose usage it did not ask for."""
    return chunk(text) + FINISH + DONE


def road(*answers: Any, others: str = "q", **fields: Any) -> Road:
    return Road(
        list(answers),
        others=[other(id) for id in others],
        **{"config": HEDGED, **fields},
    )


def calls(where: Road) -> list[tuple[str, ErrorClass | None, int]]:
    """Who was called, what came of it, and what it cost."""
    return [(one.provider_id, one.error_class, one.cost_nano) for one in where.outcome.attempts]


def lost(provider_id: str, output_tokens: int = 0) -> tuple[str, ErrorClass, int]:
    return provider_id, ErrorClass.CANCELLED, ASKED + 2 * output_tokens


async def headers_of(where: Road, **fields: Any) -> dict[str, str]:
    """The headers of an answer, or of a stream that has ended."""
    answer = await where.serve(**fields)
    return dict(where.client.headers or () if answer is None else answer.headers)


def now() -> float:
    return asyncio.get_running_loop().time()


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


async def test_the_books_name_the_winner_and_have_the_cost_of_both() -> None:
    where = road(Response(NEVER, WHOLE), (0.5, Response(SECOND)))
    await where.serve()
    outcome = where.outcome
    assert calls(where) == [lost("p"), ("q", None, CHARGE)]
    assert (outcome.provider_id, outcome.status, outcome.error_class) == ("q", 200, None)
    assert (outcome.cost_nano, outcome.fee_nano, outcome.estimated) == (CHARGE + ASKED, 7, True)
    assert (outcome.usage.input_tokens, outcome.usage.estimated) == (7, False)
    assert outcome.overhead_ms == pytest.approx(0)
    times = [(one.start_ms, one.end_ms) for one in outcome.attempts]
    assert times == [(0, 1500), (1000, 1500)]
    (row,) = where.rows.decided
    assert (row.cost_nano, row.attempts) == (outcome.cost_nano, outcome.attempts)


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


async def test_what_the_loser_has_reported_is_charged() -> None:
    used = {"prompt_tokens": 50, "completion_tokens": 4}
    report = b"data: %b\n\n" % json.dumps({"choices": [], "usage": used}).encode()
    where = road(Response(ROLE, report, NEVER), Response(*spoken("b")))
    await where.serve(stream=True)
    assert calls(where)[0] == ("p", ErrorClass.CANCELLED, 50 + 4 * 2)
    assert where.outcome.cost_nano == CHARGE + 58


async def test_when_the_first_fails_the_second_goes_on_alone() -> None:
    where = road((1.2, LIMIT), (2.0, Response(SECOND)), others="qr")
    headers = await headers_of(where)
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("q", "2")
    assert calls(where) == [("p", ErrorClass.RATE_LIMITED, 0), ("q", None, CHARGE)]
    assert not where.outcome.estimated


async def test_the_first_may_repeat_its_call_while_the_second_runs() -> None:
    where = road((1.2, TRANSPORT), (2.0, Response(SECOND)), Response(WHOLE))
    headers = await headers_of(where)
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("p", "3")
    assert calls(where) == [
        ("p", ErrorClass.TRANSIENT, 0),
        lost("q"),
        ("p", None, CHARGE),
    ]


async def test_who_waits_to_repeat_its_call_costs_nothing_when_it_is_overtaken() -> None:
    where = road((1.0, TRANSPORT), (0.01, Response(SECOND)))
    await where.serve()
    assert calls(where) == [("p", ErrorClass.TRANSIENT, 0), ("q", None, CHARGE)]


async def test_when_the_second_fails_the_first_goes_on_and_no_third_is_called() -> None:
    where = road((9.0, Response(WHOLE)), LIMIT, others="qr")
    headers = await headers_of(where)
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("p", "2")
    assert calls(where) == [("q", ErrorClass.RATE_LIMITED, 0), ("p", None, CHARGE)]


@pytest.mark.parametrize(("p_s", "q_s"), [(2.0, 0.5), (2.0, 1.0), (2.0, 3.0)])
async def test_when_both_fail_the_rest_of_the_plan_is_tried(p_s: float, q_s: float) -> None:
    where = road((p_s, LIMIT), (q_s, LIMIT), Response(SECOND), others="qr")
    headers = await headers_of(where)
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("r", "3")
    failed = [("p", ErrorClass.RATE_LIMITED, 0), ("q", ErrorClass.RATE_LIMITED, 0)]
    assert sorted(calls(where)[:2]) == failed
    assert calls(where)[2] == ("r", None, CHARGE)


async def test_when_all_fail_the_client_is_told_of_each_and_pays_nothing() -> None:
    where = road((2.0, LIMIT), (0.5, limited(4.0)))
    error = await where.refused()
    assert (error.status, error.headers["Retry-After"]) == (429, "4")
    assert "p/m (rate_limited)" in error.message
    assert "q/m (rate_limited)" in error.message
    assert (where.outcome.cost_nano, len(where.outcome.attempts)) == (0, 2)


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


@pytest.mark.parametrize("stream", [False, True])
async def test_the_requests_own_fault_ends_it_at_once(stream: bool) -> None:
    slow = Response(NEVER)
    where = road(slow, (0.5, Response(INVALID, status=422)))
    answer = await where.serve(stream=stream)
    assert answer is not None
    assert (answer.status, answer.body) == (422, INVALID)
    assert slow.closed
    assert calls(where) == [lost("p"), ("q", ErrorClass.INVALID, 0)]
    outcome = where.outcome
    assert (outcome.provider_id, outcome.cost_nano, outcome.fee_nano) == ("q", ASKED, 0)


async def test_a_context_that_was_too_small_is_no_answer_while_another_may_have_room() -> None:
    overflow = UpstreamError(ErrorClass.CONTEXT_OVERFLOW, "too long", status=413, body=INVALID)
    where = road(overflow, (3.0, Response(SECOND)))
    assert (await headers_of(where))["X-TokenHub-Provider"] == "q"


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


async def test_a_request_that_gave_a_budget_is_not_hedged() -> None:
    steering = Steering(max_budget_nano=10**9)
    where = road((5.0, Response(WHOLE)), steering=steering)
    await where.serve()
    assert calls(where) == [("p", None, CHARGE)]


@pytest.mark.parametrize(("budget", "hedged"), [(430, True), (428, False)])
async def test_both_must_fit_into_the_budget_or_there_is_no_hedge(
    budget: int, hedged: bool
) -> None:
    """Each call may cost 6 for the input, 200 for the output, and the fee of 7."""
    answers = (5.0, Response(WHOLE)), Response(SECOND)
    where = road(*answers, limits=HubLimits(daily_nano=budget - 4))
    await where.serve(max_tokens=100)
    assert [one[0] for one in calls(where)] == (["p", "q"] if hedged else ["p"])


async def test_the_budget_is_charged_for_both() -> None:
    limits = HubLimits(daily_nano=430)
    where = road((5.0, Response(WHOLE)), Response(SECOND), limits=limits)
    await where.serve(max_tokens=100)
    error = await where.refused_again(max_tokens=200)
    spent = CHARGE + ASKED + 7
    assert f"${spent / 1e9:.9f} is spent" in error.message


async def test_a_client_that_leaves_ends_both_and_pays_nothing() -> None:
    slow = [Response(NEVER), Response(ROLE, NEVER)]
    where = road(*slow)
    task = asyncio.get_running_loop().create_task(where.serve(stream=True))
    await asyncio.sleep(5.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(one.closed for one in slow)
    cancelled = ErrorClass.CANCELLED
    assert calls(where) == [("q", cancelled, 0), ("p", cancelled, 0)]
    assert (where.outcome.status, where.outcome.cost_nano, where.outcome.fee_nano) == (499, 0, 0)


async def test_a_client_that_leaves_pays_what_either_has_reported() -> None:
    where = road(Response(NEVER), Response(ROLE, USAGE, NEVER))
    task = asyncio.get_running_loop().create_task(where.serve(stream=True))
    await asyncio.sleep(5.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cancelled = ErrorClass.CANCELLED
    assert calls(where) == [("q", cancelled, CHARGE), ("p", cancelled, 0)]
    assert (where.outcome.cost_nano, where.outcome.estimated) == (CHARGE, True)


async def test_a_client_that_leaves_the_winners_stream_pays_for_both() -> None:
    where = road(Response(NEVER), Response(chunk("b" * 400), 5.0, chunk("c" * 400), NEVER))
    where.client = Client(leaves_after=1)
    with pytest.raises(ConnectionError):
        await where.serve(stream=True)
    assert calls(where) == [lost("p"), ("q", ErrorClass.CANCELLED, ASKED + 2 * 200)]
    assert where.outcome.cost_nano == ASKED + ASKED + 2 * 200


async def test_a_client_that_is_gone_at_a_keep_alive_ends_both() -> None:
    slow = [Response(NEVER), Response(NEVER)]
    where = road(*slow)
    where.client = Client(leaves_after=0)
    with pytest.raises(ConnectionError):
        await where.serve(stream=True)
    assert all(one.closed for one in slow)
    assert (where.outcome.status, where.outcome.cost_nano) == (499, 0)


async def test_while_both_are_silent_the_client_is_kept_alive_by_one() -> None:
    where = road(Response(40.0, *spoken("a")), Response(50.0, *spoken("b")))
    headers = await headers_of(where, stream=True)
    assert [at for at, _ in where.client.writes[:2]] == [15.0, 30.0]
    assert where.client.got == 2 * keep_alive(Api.CHAT) + heard("a")
    assert headers["X-TokenHub-Provider"] == "p"


async def test_the_one_that_is_left_keeps_the_client_alive_in_time() -> None:
    where = road(Response(29.0, LIMIT), Response(40.0, *spoken("b")))
    await where.serve(stream=True)
    assert [at for at, _ in where.client.writes[:2]] == [15.0, 30.0]
    assert where.client.got == 2 * keep_alive(Api.CHAT) + heard("b")
    assert where.outcome.provider_id == "q"


async def test_the_silent_one_does_not_speak_while_the_first_pauses() -> None:
    broken, again = Response(14.99, TRANSPORT), Response(30.0, *spoken("a"))
    where = road(broken, Response(NEVER), again)
    await where.serve(stream=True)
    at, first = where.client.writes[0]
    assert (first, 15.0 < at < 15.1) == (keep_alive(Api.CHAT), True)
    assert dict(where.client.headers or ())["X-TokenHub-Provider"] == "p"
    assert where.client.got.endswith(heard("a"))


async def test_a_client_of_the_winner_is_told_when_the_hub_stops() -> None:
    where = road(Response(NEVER), Response(chunk("b"), NEVER))
    task = asyncio.get_running_loop().create_task(where.serve(stream=True))
    await asyncio.sleep(5.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert where.client.got.startswith(chunk("b"))
    assert b"draining" in where.client.got


async def test_a_deadline_counts_for_both() -> None:
    steering = Steering(max_latency_ms=8000)
    where, began = road((NEVER, WHOLE), (NEVER, WHOLE), steering=steering), now()
    error = await where.refused()
    assert (error.status, error.code) == (504, "deadline")
    assert now() - began == 8.0
    assert len(where.upstream.requests) == 2


async def test_a_stream_that_has_won_may_outlast_the_deadline() -> None:
    steering = Steering(max_latency_ms=8000)
    where = road((NEVER, WHOLE), Response(chunk("b"), 9.0, *spoken("c")), steering=steering)
    await where.serve(stream=True)
    assert where.client.got == chunk("b") + heard("c")


async def test_a_stream_that_breaks_after_it_has_won_is_not_replaced() -> None:
    where = road(Response(NEVER), Response(chunk("b"), TRANSPORT), others="qr")
    await where.serve(stream=True)
    assert where.client.got.startswith(chunk("b"))
    assert b"upstream_error" in where.client.got
    assert (where.outcome.provider_id, where.outcome.error_class) == ("q", "transient")


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


async def test_a_mistake_of_ours_in_one_of_them_ends_both() -> None:
    slow = Response(NEVER)
    where = road(slow, RuntimeError("a mistake"))
    with pytest.raises(RuntimeError):
        await where.serve()
    assert slow.closed
    assert (where.outcome.status, where.outcome.error_class) == (500, "internal_error")


ENDS = st.sampled_from(["well", "cut", "limited", "broken", "invalid"])
SCRIPTS = st.tuples(st.sampled_from([0.0, 0.5, 1.0, 1.5, 20.0, 31.0]), ENDS)


def scripted(number: int, seconds: float, end: str) -> Response:
    """The answer to the call of this number."""
    text = f"of {number}"
    return {
        "well": Response(ROLE, seconds, *spoken(text)),
        "cut": Response(ROLE, seconds, chunk(text), TRANSPORT),
        "limited": Response(seconds, LIMIT),
        "broken": Response(ROLE, seconds, TRANSPORT),
        "invalid": Response(seconds, INVALID, status=400),
    }[end]


@given(scripts=st.lists(SCRIPTS, min_size=1, max_size=8), leaves_s=st.none() | st.just(1.25))
def test_whatever_happens_the_client_gets_one_answer_and_no_call_is_left_open_or_unpaid(
    scripts: list[tuple[float, str]], leaves_s: float | None
) -> None:
    async def work() -> None:
        endless = itertools.chain(scripts, itertools.repeat(scripts[-1]))
        answers = [
            scripted(number, *next(endless)) for number in range(MAX_DEPLOYMENTS * MAX_CALLS)
        ]
        where = road(*answers, others="qrstuv")
        task = asyncio.get_running_loop().create_task(where.serve(stream=True))
        await asyncio.wait({task}, timeout=leaves_s)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RequestError):
            await task
        attempts = where.outcome.attempts
        assert len(attempts) == len(where.upstream.requests)
        assert all(one.closed for one in answers[: len(attempts)])
        assert where.client.got.count(ROLE) <= 1
        assert where.client.got.count(b'"of ') <= 1
        assert sum(map(_is_well, attempts)) <= 1
        assert sum(one.cost_nano for one in attempts) == where.outcome.cost_nano
        failed = {one.provider_id for one in attempts if one.error_class is not None}
        assert len(failed) <= MAX_DEPLOYMENTS
        assert len(asyncio.all_tasks()) == 1

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work())


def _is_well(attempt: Attempt) -> bool:
    return attempt.error_class is None
