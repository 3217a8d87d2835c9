"""What two calls for one request cost."""

import json

import pytest

from tests.dispatch.fakes import ROLE, TRANSPORT, Response
from tests.dispatch.hedging import ASKED, CHARGE, NEVER, SECOND, calls, lost, road, spoken
from tests.support.scripted_road import WHOLE
from tokenhub.ledger.budgets import HubLimits
from tokenhub.routing.policy import Steering
from tokenhub.types import ErrorClass


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


async def test_what_the_loser_has_reported_is_charged() -> None:
    used = {"prompt_tokens": 50, "completion_tokens": 4}
    report = b"data: %b\n\n" % json.dumps({"choices": [], "usage": used}).encode()
    where = road(Response(ROLE, report, NEVER), Response(*spoken("b")))
    await where.serve(stream=True)
    assert calls(where)[0] == ("p", ErrorClass.CANCELLED, 50 + 4 * 2)
    assert where.outcome.cost_nano == CHARGE + 58


async def test_who_waits_to_repeat_its_call_costs_nothing_when_it_is_overtaken() -> None:
    where = road((1.0, TRANSPORT), (0.01, Response(SECOND)))
    await where.serve()
    assert calls(where) == [("p", ErrorClass.TRANSIENT, 0), ("q", None, CHARGE)]


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
