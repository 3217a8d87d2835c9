"""What becomes of a hedged request when calls fail."""

import asyncio
import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatch.fakes import ROLE, TRANSPORT, Response, chunk
from tests.dispatch.hedging import (
    ASKED,
    CHARGE,
    LIMIT,
    NEVER,
    SECOND,
    calls,
    headers_of,
    limited,
    lost,
    road,
    spoken,
)
from tests.support.scripted_road import INVALID, WHOLE
from tests.support.virtual_time import VirtualTimeLoop
from tokenhub.dispatch.failover import MAX_CALLS, MAX_DEPLOYMENTS
from tokenhub.errors import RequestError, UpstreamError
from tokenhub.types import Attempt, ErrorClass


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


async def test_a_stream_that_breaks_after_it_has_won_is_not_replaced() -> None:
    where = road(Response(NEVER), Response(chunk("b"), TRANSPORT), others="qr")
    await where.serve(stream=True)
    assert where.client.got.startswith(chunk("b"))
    assert b"upstream_error" in where.client.got
    assert (where.outcome.provider_id, where.outcome.error_class) == ("q", "transient")


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
