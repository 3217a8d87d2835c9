import json
from typing import Any

import pytest

from tests.routing.build import ask, model, plan, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import shown, to_columns
from tokenhub.routing.policy import Steering
from tokenhub.routing.question import Decision
from tokenhub.types import Observed, ProviderCondition

ROWS = registry(
    model("a/x", weight=4), model("b/y", weight=6), model("c/z"), model("d/off", enabled=False)
)
DECISION = decide(
    ask(
        ROWS,
        seen={"a/x": Observed(100, failure_rate=0.0), "b/y": Observed(300, failure_rate=0.5)},
        costs={"a/x": 30_000_000, "b/y": 10_000_000, "c/z": None},
    )
)


def through_storage(decision: Decision) -> dict[str, Any]:
    return shown(json.loads(json.dumps(to_columns(decision))))


def test_what_is_shown_survives_being_stored() -> None:
    assert through_storage(DECISION) == shown(to_columns(DECISION))


def test_the_choice_stands_first_with_its_estimate() -> None:
    explained = through_storage(DECISION)
    assert (explained["mode"], explained["reason"]) == ("normal", "auto:normal: best score")
    keys = [f"{one['provider_id']}/{one['model_id']}" for one in explained["eligible"]]
    assert keys == plan(DECISION)
    assert explained["chosen"] == {"model_id": "y", "provider_id": "b"}
    assert explained["estimated_cost_usd"] == 0.01


def test_every_term_has_its_raw_value_its_share_and_its_contribution() -> None:
    worst = through_storage(DECISION)["eligible"][-1]
    assert worst["terms"][0] == {
        "name": "cost",
        "raw": 0.03,
        "assumed": True,
        "normalised": 1.0,
        "weight": 0.25,
        "contribution": 0.25,
    }
    assert [term["name"] for term in worst["terms"]] == ["cost", "latency", "failure", "weight"]
    assert worst["terms"][1]["raw"] == 200


def test_the_contributions_add_up_to_the_score() -> None:
    for one in through_storage(DECISION)["eligible"]:
        total = sum(term["contribution"] for term in one["terms"])
        assert total == pytest.approx(one["score"], abs=1e-5)


def test_only_the_chosen_one_had_a_chance_since_nothing_was_drawn() -> None:
    assert [one["propensity"] for one in through_storage(DECISION)["eligible"]] == [1, 0, 0]


def test_a_price_that_is_not_known_has_no_estimate() -> None:
    eligible = through_storage(DECISION)["eligible"]
    assert {one["model_id"]: one["estimated_cost_usd"] for one in eligible}["z"] is None


def test_what_was_left_out_has_its_reason() -> None:
    assert through_storage(DECISION)["rejected"] == [
        {
            "model_id": "off",
            "provider_id": "d",
            "reason": "disabled",
            "detail": "it is switched off",
        }
    ]


def test_what_would_not_have_been_tried_is_told_apart() -> None:
    rows = registry(model("a/m"), model("b/n", weight=4))
    explained = through_storage(decide(ask(rows, steering=Steering(fallback=False))))
    assert [one["planned"] for one in explained["eligible"]] == [True, False]


def test_substitutes_are_told_apart() -> None:
    explained = through_storage(decide(ask(registry(model("a/m"), model("b/n")), "m")))
    assert [one["substitution"] for one in explained["eligible"]] == [False, True]


def test_a_refusal_is_explained_by_what_was_left_out() -> None:
    conditions = {id: ProviderCondition(down=True) for id in "abc"}
    explained = through_storage(decide(ask(ROWS, conditions=conditions)))
    assert (explained["chosen"], explained["estimated_cost_usd"]) == (None, None)
    assert (explained["reason"], explained["eligible"]) == ("no_eligible_model", [])
    assert len(explained["rejected"]) == 4
