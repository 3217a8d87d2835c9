from dataclasses import replace
from typing import Any

import pytest

from tests.dispatch.fakes import decision, target
from tokenhub.dispatch.order import Progress
from tokenhub.dispatch.trip import Trip
from tokenhub.ledger.ledger import NOTHING, Charge
from tokenhub.types import Api, ApiKey, Attempt, ErrorClass, Usage
from tokenhub.wire.request import RequestFacts

FACTS = RequestFacts(Api.CHAT, "gpt", True, None, False, frozenset(), 50)
REPORTED = Usage(input_tokens=40, output_tokens=4)


def trip(**progress: Any) -> Trip:
    made = Trip("req_1", "/v1/chat/completions", "curl", ApiKey("k", "key", b""), 5000, 100.0)
    made.asks(FACTS)
    made.progress = Progress(**progress)
    return made


def test_a_trip_that_ends_unnoted_counts_as_failed() -> None:
    outcome = trip().outcome(100.5, NOTHING)
    assert (outcome.status, outcome.error_class) == (500, "internal_error")
    assert (outcome.cost_nano, outcome.usage) == (0, Usage())


def test_an_outcome_tells_what_was_asked_for_and_what_became_of_it() -> None:
    made = trip(usage=REPORTED, answered=True, waited_s=0.2, first_token_at=100.1)
    attempt = Attempt("m", "p", "http://h", 0, 250, 200, None)
    made.decided(decision(target()))
    made.progress.attempts.append(attempt)
    made.answered()
    outcome = made.outcome(100.25, Charge(None, 7, 1, estimated=False))
    assert (outcome.status, outcome.error_class) == (200, None)
    assert (outcome.model_requested, outcome.stream) == ("gpt", True)
    assert (outcome.model, outcome.provider_id) == ("m", "p")
    assert (outcome.mode, outcome.reason) == ("normal", "named")
    assert (outcome.cost_nano, outcome.fee_nano, outcome.usage) == (7, 1, REPORTED)
    assert outcome.latency_ms == pytest.approx(250)
    assert outcome.ttft_ms == pytest.approx(100)
    assert outcome.overhead_ms == pytest.approx(50)
    assert outcome.attempts == (replace(attempt, cost_nano=7),)


def test_who_was_called_last_counts_and_before_any_call_who_is_first_in_the_plan() -> None:
    first, second = target("first"), target("second")
    made = trip()
    assert (made.target, made.candidate, made.outcome(100, NOTHING).model) == (None, None, None)
    assert made.decided(decision(first, second)) == [first, second]
    assert made.target == first
    made.progress.begin(second)
    assert made.outcome(100.0, NOTHING).model == "second"


def test_a_plan_is_only_ever_added_to() -> None:
    first, second = target("first"), target("second")
    made = trip()
    made.decided(decision(first))
    assert made.decided(decision(second, first)) == [second]
    assert made.decided(decision()) == []
    assert [one.deployment.id for one in made.plan] == ["first", "second"]


def test_a_choice_that_was_made_again_is_kept_beside_the_first() -> None:
    first, second = target("first"), target("second")
    made = trip(usage=REPORTED, answered=True)
    made.decided(decision(first))
    made.progress.attempts.append(Attempt("first", "p", "http://h", 0, 5, 503, None))
    made.decided(decision(first, second))
    made.progress.begin(second)
    made.answered()
    row = made.decision_row(made.outcome(100.5, NOTHING))
    assert row is not None
    told = row.columns()
    again = told["redecided"]
    assert (row.model_id, row.reason, told["model_id"]) == ("first", "named", ["first"])
    assert (again["after_attempts"], again["tried"], again["planned"]) == (1, [0], [1])


def test_what_was_asked_and_what_was_used_is_kept_with_the_decision() -> None:
    made = trip(usage=REPORTED, answered=True)
    made.decided(decision(target()))
    made.answered()
    row = made.decision_row(made.outcome(100.5, NOTHING))
    assert row is not None
    told = row.columns()
    assert (told["request"]["model"], told["request"]["input_tokens"]) == ("gpt", 50)
    assert told["usage"] == {"input_tokens": 40, "output_tokens": 4, "estimated": False}
    assert "redecided" not in told


def test_what_was_decided_is_kept_with_what_came_of_it() -> None:
    made = trip(usage=REPORTED, answered=True)
    assert made.decision_row(made.outcome(100.0, NOTHING)) is None
    first, second = target("first"), target("second")
    made.decided(decision(first, second))
    made.progress.begin(second)
    made.answered()
    row = made.decision_row(made.outcome(100.5, Charge(None, 7, 1, estimated=False)))
    assert row is not None
    assert (row.model_id, row.provider_id, row.cost_nano) == ("first", "p", 7)
    assert row.columns()["model_id"] == ["first", "second"]


def test_a_decision_against_all_is_kept_too() -> None:
    made = trip()
    made.decided(decision())
    row = made.decision_row(made.outcome(100.5, NOTHING))
    assert row is not None
    assert (row.model_id, row.estimated_cost_nano) == (None, None)


def test_waiting_that_overlaps_is_no_negative_overhead() -> None:
    assert trip(waited_s=9.0).outcome(101.0, NOTHING).overhead_ms == 0


def test_a_long_or_hostile_name_of_a_model_is_kept_short_and_clean() -> None:
    made = trip()
    made.asks(replace(FACTS, model="gpt\x1b[31m" + "x" * 1000))
    assert made.model_requested.startswith("gpt[31mxxx")
    assert len(made.model_requested) == 200


def test_what_was_reported_for_a_whole_answer_is_charged() -> None:
    made = trip(usage=REPORTED, output_tokens_seen=99, answered=True)
    made.answered()
    assert made.usage() == REPORTED


def test_an_answer_without_a_report_is_charged_by_our_estimate() -> None:
    made = trip(output_tokens_seen=9, answered=True)
    made.answered()
    assert made.usage() == Usage(input_tokens=50, output_tokens=9, estimated=True)


def test_a_stream_that_broke_is_charged_by_what_had_come() -> None:
    made = trip(
        usage=REPORTED, output_tokens_seen=9, answered=True, stream_error=ErrorClass.TRANSIENT
    )
    made.answered()
    assert made.error_class is ErrorClass.TRANSIENT
    assert made.usage() == Usage(input_tokens=40, output_tokens=9, estimated=True)


def test_who_leaves_pays_for_the_input_that_was_reported_to_have_been_read() -> None:
    made = trip(usage=REPORTED)
    made.failed(499, ErrorClass.CANCELLED)
    assert made.usage() == Usage(input_tokens=40, output_tokens=4, estimated=True)


def test_nothing_is_charged_where_nothing_came() -> None:
    made = trip()
    made.failed(499, ErrorClass.CANCELLED)
    assert made.usage() is None
