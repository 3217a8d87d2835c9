import io
from dataclasses import replace
from typing import Any

import pytest

from tests.administration.decided import BEST, DECISION, NEXT, ROW
from tests.routing.build import ask, model, registry
from tokenhub.ctl import explanation
from tokenhub.ctl.output import Output
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import shown, to_columns
from tokenhub.routing.policy import Steering
from tokenhub.routing.question import Decision
from tokenhub.types import Attempt, ErrorClass, Observed, ProviderCondition


def attempt(one: Attempt) -> dict[str, Any]:
    names = ("model_id", "provider_id", "endpoint", "start_ms", "end_ms", "status", "error_class")
    return {**{name: getattr(one, name) for name in names}, "cost_usd": one.cost_nano / 1e9}


def told(decision: Decision, *attempts: Attempt) -> str:
    answer = {
        **shown(to_columns(decision)),
        "request_id": "req-1",
        "timestamp": "2026-02-02T02:40:00Z",
        "attempts": [attempt(one) for one in attempts],
        "cost_usd": 0.0008,
    }
    stream = io.StringIO()
    explanation.decided(Output(stream, as_json=False), answer)
    return stream.getvalue()


def test_the_winner_is_named_with_what_speaks_for_and_against_it() -> None:
    lines = told(DECISION, *ROW.attempts).splitlines()
    assert lines[:9] == [
        "Request req-1 of 2026-02-02T02:40:00Z",
        "openai/gpt-4o-mini goes first of 3, in mode normal (auto:normal: best score).",
        "Next is local/llama; the lower score wins, -0.048 against 0.250. The first one is",
        "- dearer: $0.00075 against $0.00, 0.015 of the score",
        "+ faster: 620 ms against ~1210 ms, 0.125 of the score",
        "+ more reliable: 0.0 % against ~1.0 %, 0.125 of the score",
        "+ more capable: 5 against 4, 0.062 of the score",
        "local/llama answered, after 1 failed attempt.",
        "Estimated cost of the first choice: $0.00075. Real cost: $0.0008.",
    ]


def test_every_candidate_shows_every_term_and_what_is_only_assumed() -> None:
    text = told(DECISION)
    row = next(line for line in text.splitlines() if line.startswith("local/llama "))
    cells = ("0.250", "$0.00 (+0.000)", "~1210 ms (+0.125)", "~1.0 % (+0.125)", "4 (+0.000)")
    assert row.split("  ")[0] == "local/llama"
    assert all(cell in row for cell in cells)
    assert "~ is not known yet" in text
    assert "COST x0.25" in text


def test_who_was_left_out_and_what_was_tried_stand_below() -> None:
    text = told(DECISION, *ROW.attempts)
    assert "local/off  disabled  it is switched off" in text
    tried = text[text.index("\nTRIED") :]
    assert tried.index("openai/gpt-4o-mini") < tried.index("local/llama")
    assert "transient" in tried


def test_where_everything_is_known_nothing_is_said_of_assumptions() -> None:
    rows = registry(model("a/x"), model("b/y"))
    seen = dict.fromkeys(("a/x", "b/y"), Observed(100, failure_rate=0.0))
    text = told(decide(ask(rows, seen=seen, costs={"a/x": 1, "b/y": 2})))
    assert "~" not in text


FIRST = ROW.attempts[0]


@pytest.mark.parametrize(
    ("attempts", "fate"),
    [
        ((), "Nothing was sent to a provider."),
        (
            (replace(FIRST, error_class=None),),
            "openai/gpt-4o-mini answered, at the first attempt.",
        ),
        ((FIRST, FIRST), "No attempt succeeded: 2 made, the last ended in transient."),
        (
            (FIRST, FIRST, replace(FIRST, error_class=ErrorClass.CANCELLED)),
            "The client went away while openai/gpt-4o-mini worked, after 2 failed attempts.",
        ),
        (
            (replace(FIRST, error_class=ErrorClass.CANCELLED), ROW.attempts[1]),
            "local/llama answered, at the first attempt.\n"
            "openai/gpt-4o-mini worked on it too, and was cancelled then.",
        ),
    ],
)
def test_the_end_is_told(attempts: tuple[Attempt, ...], fate: str) -> None:
    assert fate in told(DECISION, *attempts)


def test_the_only_candidate_needs_no_comparison() -> None:
    text = told(decide(ask(registry(model("a/m")), "m")))
    assert "a/m goes first: the client named it." in text
    assert "NOTE" not in text
    text = told(decide(ask(registry(model("a/m")))))
    assert "a/m goes first, the only one that can take it (auto:normal: best score)." in text


def test_a_substitute_is_only_that() -> None:
    rows = registry(model("a/m"), model("b/n", weight=6))
    text = told(decide(ask(rows, "m")))
    assert "Next is b/n, which would only stand in for what was asked for." in text
    assert "substitute" in text


def test_equals_are_told_apart_by_price_and_name() -> None:
    text = told(decide(ask(registry(model("a/x"), model("b/x")))))
    assert "as good: the lower price decides, then the name" in text


def test_a_better_score_does_not_help_where_only_the_fastest_counts() -> None:
    rows = registry(model("a/x", weight=1), model("b/y", weight=9))
    seen = {"a/x": Observed(30_000, failure_rate=0.5), "b/y": Observed(31_000, failure_rate=0.0)}
    text = told(decide(ask(rows, seen=seen, costs={"a/x": 9, "b/y": 1})))
    assert "a/x goes first" in text
    assert "a better score, but later in the order to try" in text


def test_what_may_not_be_tried_is_marked() -> None:
    rows = registry(model("a/m"), model("b/n", weight=4))
    assert "would not be tried" in told(decide(ask(rows, steering=Steering(fallback=False))))


def test_a_refusal_names_no_winner() -> None:
    rows = registry(model("a/m"))
    text = told(decide(ask(rows, conditions={"a": ProviderCondition(down=True)})))
    assert "No model could take it (no_eligible_model)." in text
    assert "Estimated cost of the first choice: unknown." in text
    assert "provider_down" in text
    assert "COULD TAKE IT" not in text


def test_a_term_of_a_later_version_is_told_by_its_name() -> None:
    answer = shown(to_columns(DECISION))
    for one in answer["eligible"]:
        one["terms"][3]["name"] = "luck"
    stream = io.StringIO()
    explanation.simulated(
        Output(stream, as_json=False),
        {**answer, "refusal": None, "decision": {"reason": "auto: best score"}},
    )
    assert "+ better in luck: 5 against 4" in stream.getvalue()


def test_names_from_elsewhere_cannot_reach_the_terminal_as_they_are() -> None:
    evil = registry(model("a/\x1b[31mred", weight=7), model("b/y", enabled=False))
    assert "\x1b" not in told(decide(ask(evil)))


def test_the_two_samples_are_in_the_order_that_the_words_above_say() -> None:
    assert (BEST.deployment.key, NEXT.deployment.key) == ("openai/gpt-4o-mini", "local/llama")
