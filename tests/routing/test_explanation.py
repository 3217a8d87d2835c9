import json
from typing import Any

import pytest

from tests.routing.build import ask, model, plan, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import answered_by, shown, to_columns
from tokenhub.routing.policy import Steering
from tokenhub.routing.question import Decision
from tokenhub.types import Basis, Capability, Cost, Observed, ProviderCondition

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
        "raised": False,
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
            "estimated_cost_usd": None,
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


def test_a_figure_is_told_to_be_raised_where_a_provider_has_just_failed() -> None:
    seen = {"a/x": Observed(1, failure_rate=0.0), "b/y": Observed(1, failure_rate=0.9)}
    for rows in ROWS, registry(model("a/x")):
        conditions = {id: ProviderCondition(degraded=True) for id in "ab"}
        explained = through_storage(decide(ask(rows, seen=seen, conditions=conditions)))
        failure = {one["model_id"]: one["terms"][2] for one in explained["eligible"]}
        assert (failure["x"]["raw"], failure["x"]["raised"]) == (0.5, True)
        assert not any(term["raised"] for id, term in failure.items() if id != "x")


def test_an_estimate_tells_of_how_many_tokens_it_is() -> None:
    tokens = (12, 1000, Basis.USUAL)
    asked = ask(registry(model("a/x")), cost=lambda *_: Cost(5, 6, tokens))
    (one,) = through_storage(decide(asked))["eligible"]
    assert one["estimate"] == {"input_tokens": 12, "output_tokens": 1000, "output_from": "usual"}
    (one,) = through_storage(decide(ask(registry(model("a/x")))))["eligible"]
    assert one["estimate"] is None


def test_what_was_too_dear_tells_its_price() -> None:
    steering = Steering(max_budget_nano=1)
    asked = ask(registry(model("a/x")), steering=steering, costs={"a/x": 2_000_000})
    assert through_storage(decide(asked))["rejected"][0]["estimated_cost_usd"] == 0.002


def test_it_is_told_where_nobody_knows_whether_a_model_can_do_what_is_needed() -> None:
    tools = frozenset({Capability.TOOLS})
    rows = registry(model("a/x"), model("b/y", capabilities=tools))
    explained = through_storage(decide(ask(rows, capabilities=tools)))
    assert {one["model_id"]: one["unproven"] for one in explained["eligible"]} == {
        "x": True,
        "y": False,
    }


AGAIN = decide(ask(registry(model("a/m"), model("b/n")), "m"))


def test_of_a_choice_made_again_the_first_that_is_new_is_chosen() -> None:
    explained = shown(json.loads(json.dumps(to_columns(AGAIN, {"a/m"}))))
    assert explained["chosen"] == {"model_id": "n", "provider_id": "b"}
    assert explained["reason"] == "substitute for 'm' (equivalent)"
    flags = [(one["tried"], one["planned"], one["propensity"]) for one in explained["eligible"]]
    assert flags == [(True, False, 0), (False, True, 1)]


def test_a_choice_made_again_may_find_nobody_new() -> None:
    explained = shown(to_columns(AGAIN, {"a/m", "b/n"}))
    assert (explained["chosen"], explained["reason"]) == (None, "nobody else")


def test_columns_of_an_earlier_version_are_shown_as_far_as_they_go() -> None:
    columns = to_columns(AGAIN)
    for name in ("rank", "tokens", "api", "unproven"):
        del columns[name]
    del columns["rejected"]["estimate_nano"]
    for term in columns["terms"]:
        del term["raised"]
    explained = shown({**columns, "substitutions": [1]})
    assert [one["substitution"] for one in explained["eligible"]] == [False, True]
    assert explained["eligible"][0]["estimate"] is None


def attempt(id: str, error_class: str | None) -> dict[str, Any]:
    return {"model_id": id, "provider_id": "ab"[id == "n"], "error_class": error_class}


def test_who_answered_is_told_with_what_was_expected_of_it() -> None:
    first, again = shown(to_columns(AGAIN)), shown(to_columns(AGAIN, {"a/m"}))
    assert answered_by([], first, None) is None
    assert answered_by([attempt("m", "transient")], first, again) is None
    answered = answered_by([attempt("m", "transient"), attempt("n", None)], first, again)
    assert answered is not None
    assert (answered["model_id"], answered["substitution"]) == ("n", True)
    assert answered["estimated_cost_usd"] == 1e-9
    named = answered_by([attempt("m", None)], first, None)
    assert named is not None
    assert not named["substitution"]
