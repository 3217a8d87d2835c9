import io
from dataclasses import replace
from typing import Any

import pytest

from tests.administration.decided import BEST, DECISION, NEXT, ROW
from tests.routing.build import ask, model, provider, registry
from tokenhub.ctl import explanation
from tokenhub.ctl.output import Output
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import answered_by, shown, to_columns
from tokenhub.routing.inquiry import inquiry, not_considered
from tokenhub.routing.policy import Steering
from tokenhub.routing.question import Decision
from tokenhub.types import (
    Api,
    Attempt,
    Basis,
    Cost,
    ErrorClass,
    Observed,
    ProviderCondition,
)


def attempt(one: Attempt) -> dict[str, Any]:
    names = ("model_id", "provider_id", "endpoint", "start_ms", "end_ms", "status", "error_class")
    told = {name: getattr(one, name) for name in names}
    return {**told, "cost_usd": one.cost_nano / 1e9, "left_out": list(one.left_out)}


def text(answer: dict[str, Any]) -> str:
    stream = io.StringIO()
    explanation.decided(Output(stream, as_json=False), answer)
    return stream.getvalue()


def whole(
    decision: Decision,
    *attempts: Attempt,
    again: Decision | None = None,
    after: int = 0,
    model: str = "auto",
) -> dict[str, Any]:
    """A decision as the hub shows it."""
    first = shown(to_columns(decision) | {"not_considered": not_considered(decision)})
    tried = {one.deployment.key for one in decision.plan}
    second = None
    if again is not None:
        columns = to_columns(again, tried) | {"not_considered": not_considered(again)}
        second = {"after_attempts": after, **shown(columns)}
    tries = [attempt(one) for one in attempts]
    return {
        **first,
        "request_id": "req-1",
        "timestamp": "2026-02-02T02:40:00Z",
        "attempts": tries,
        "cost_usd": 0.0008,
        "request": inquiry(decision.brief, model, 100, None),
        "usage": {"input_tokens": 110, "output_tokens": 20, "estimated": False},
        "redecided": second,
        "answered_by": answered_by(tries, first, second),
    }


def told(decision: Decision, *attempts: Attempt, **more: Any) -> str:
    return text(whole(decision, *attempts, **more))


def test_a_decision_reads_from_what_was_asked_to_what_it_cost() -> None:
    lines = told(DECISION, *ROW.attempts).splitlines()
    assert lines[:14] == [
        "Request req-1 of 2026-02-02T02:40:00Z",
        "Asked for: a model of the hub's choice (auto), mode normal, chat API, as a whole answer,"
        " 100 input tokens by the hub's own count (how each model counts is learned from its"
        " answers)",
        "Limits: at most $0.05 expected (the hub's default for its own choices); at most 20000 ms"
        " (the hub's default for its own choices)",
        "",
        "openai/gpt-4o-mini goes first of 3 (auto:normal: best score).",
        "Next is local/llama. The lower score goes first, -0.048 against 0.250; what makes the"
        " difference:",
        "+0.015 against it: dearer: $0.00075 against $0.00",
        "-0.125 for it: faster, as far as is known: 620 ms against ~1210 ms (assumed)",
        "-0.125 for it: more reliable, as far as is known: 0 % against ~1.0 % (assumed)",
        "-0.062 for it: more capable: 5 against 4",
        "local/llama answered, at attempt 2. Before that, openai/gpt-4o-mini failed once"
        " (503, transient).",
        "Expected cost of openai/gpt-4o-mini: $0.00075.",
        "Expected cost of local/llama: $0.00.",
        "Real cost: $0.0008 for 110 input + 20 output tokens.",
    ]


def test_every_candidate_shows_every_term_and_what_is_only_assumed() -> None:
    text = told(DECISION)
    row = next(line for line in text.splitlines() if line.startswith("local/llama "))
    cells = ("0.250", "$0.00 (+0.000)", "~1210 ms (+0.125)", "~1.0 % (+0.125)", "4 (+0.000)")
    assert row.split("  ")[0] == "local/llama"
    assert all(cell in row for cell in cells)
    assert "~ is assumed" in text
    assert all(head in text for head in ("COST x0.25", "ANSWER TIME x0.25", "ABILITY x-0.25"))


def test_who_was_left_out_and_what_was_tried_stand_below() -> None:
    text = told(DECISION, *ROW.attempts)
    assert "local/off  disabled  it is switched off" in text
    tried = text[text.index("\nTRIED") :]
    assert tried.index("openai/gpt-4o-mini") < tried.index("local/llama")
    assert "transient" in tried


def test_what_a_translation_left_out_stands_under_the_attempt() -> None:
    first, last = ROW.attempts
    short = replace(last, left_out=("cache_control", "tools.3.defer_loading"))
    assert told(DECISION, short).endswith(
        "\nleft out for it: cache_control; tools.3.defer_loading\n"
    )
    assert told(DECISION, first, short, short).endswith(
        "\nleft out for local/llama: cache_control; tools.3.defer_loading\n"
    )
    assert "left out for" not in told(DECISION, first, last)


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
        (
            (FIRST, FIRST),
            "No attempt succeeded: openai/gpt-4o-mini failed 2 times (503, transient).",
        ),
        (
            (FIRST, replace(FIRST, status=None)),
            "failed 2 times (503, transient; no status, transient).",
        ),
        (
            (FIRST, FIRST, replace(FIRST, error_class=ErrorClass.CANCELLED)),
            "The client went away while openai/gpt-4o-mini worked. Before that, openai/gpt-4o-mini"
            " failed 2 times (503, transient).",
        ),
        (
            (replace(FIRST, error_class=ErrorClass.CANCELLED), ROW.attempts[1]),
            "local/llama answered, at attempt 2.\n"
            "openai/gpt-4o-mini worked on it too, and was cancelled then.",
        ),
    ],
)
def test_the_end_is_told(attempts: tuple[Attempt, ...], fate: str) -> None:
    assert fate in told(DECISION, *attempts)


def test_the_only_candidate_needs_no_comparison_and_no_scores() -> None:
    text = told(decide(ask(registry(model("a/m")), "m")), model="m")
    assert "a/m goes first, the only one that can take it (the client named it)." in text
    assert "Limits: none" in text
    assert "SCORE" not in text
    text = told(decide(ask(registry(model("a/m")))))
    assert "a/m goes first, the only one that can take it (auto:normal: best score)." in text


def test_who_was_named_is_not_the_only_one_that_can_where_no_other_was_looked_at() -> None:
    rows = registry(model("a/m"), model("b/n"), model("c/o"))
    text = told(decide(ask(rows, "m", substitutes=False)), model="m")
    assert "Asked for: m by name" in text
    assert "a/m goes first: the client named it.\n2 others were not looked at: the client" in text
    text = told(decide(ask(registry(model("a/m"), model("b/n", weight=1)), "m")), model="m")
    assert "1 other model was not looked at: neither among the fallbacks" in text


def test_a_substitute_is_only_that_whatever_the_scores() -> None:
    rows = registry(model("a/m"), model("b/n", weight=6))
    text = told(decide(ask(rows, "m")))
    assert "Next is b/n, which would only stand in for what was asked for, whatever" in text
    assert "what was named goes before what may stand in for it" in text
    assert "substitute" in text


def test_of_substitutes_some_have_their_turn_later() -> None:
    rows = registry(model("a/m", fallbacks=("n",), enabled=False), model("b/n"), model("c/o"))
    assert "whose turn is later whatever the score" in told(decide(ask(rows, "m")))


NAMED = registry(model("a/m"), model("b/n"), model("c/o", weight=4))
FAILED = Attempt("m", "a", "http://a", 1, 2, 503, ErrorClass.TRANSIENT)
ANSWERED = Attempt("n", "b", "http://b", 3, 4, 200, None)


def test_a_choice_that_was_made_again_is_told_as_a_second_one() -> None:
    first = decide(ask(NAMED, "m", substitutes=False))
    again = decide(ask(NAMED, "m"))
    text = told(first, FAILED, FAILED, ANSWERED, again=again, after=2, model="m")
    assert (
        "a/m goes first: the client named it.\n"
        "2 others were not looked at: the client named one; what may stand in for it is looked up"
        " only when it fails.\n"
        "a/m failed 2 times (503, transient). After that the choice was made again, with what the"
        " model may become: b/n goes next, as a substitute for 'm' (equivalent).\n"
        "Next is c/o. The lower score goes first"
    ) in text
    assert "b/n answered instead of the model that was named, at attempt 3.\n" in text
    assert "Expected cost of a/m: $0.000000001.\nExpected cost of b/n: $0.000000001.\n" in text
    assert "CHOSEN AGAIN FROM" in text
    assert "planned before" in text
    assert "COULD TAKE IT" not in text


def test_a_choice_that_was_made_again_may_find_nobody_or_one() -> None:
    first = decide(ask(NAMED, "m", substitutes=False))
    assert "was made again, with what the model may become: there was nobody else." in told(
        first, FAILED, again=first, after=1
    )
    two = decide(ask(registry(model("a/m"), model("b/n")), "m"))
    text = told(first, ANSWERED, again=two)
    assert "Before anything had come of that the choice was made again" in text


def test_of_an_earlier_version_only_the_second_choice_was_kept() -> None:
    answer = whole(decide(ask(NAMED, "m")), ANSWERED)
    for name in ("request", "usage", "redecided", "answered_by", "not_considered"):
        del answer[name]
    chosen = {"model_id": "gone", "provider_id": "z"}
    answer["chosen"] = chosen
    told = text(answer)
    assert "Mode: normal; what else was asked was not kept" in told
    assert "z/gone went first. The choice was made again, which is told of here:" in told
    assert "LATENCY" in told
    assert "Expected cost of z/gone: $0.000000001." in told
    answer["estimated_cost_usd"] = None
    assert "Expected cost of z/gone: unknown, as its price is." in text(answer)


@pytest.mark.parametrize(
    ("costs", "why"),
    [
        ({"a/x": 1_000_000, "b/x": 1_000_000}, "the price is the same too, so the name decides"),
        ({"a/x": 1_000_000, "b/x": 2_000_000}, "the lower price decides, $0.001 against $0.002"),
        ({"a/x": 3_000_000, "b/x": 2_000_000}, "they differ by less than a millionth"),
    ],
)
def test_what_decides_between_equals_is_told(costs: dict[str, int], why: str) -> None:
    answer = whole(decide(ask(registry(model("a/x"), model("b/x")))))
    for one in answer["eligible"]:
        one["terms"][0]["raw"] = costs[f"{one['provider_id']}/{one['model_id']}"] / 1e9
    assert f"with the same score: {why}" in text(answer)


def test_a_better_score_does_not_help_where_only_the_fastest_counts() -> None:
    rows = registry(model("a/x", weight=1), model("b/y", weight=9))
    seen = {"a/x": Observed(30_000, failure_rate=0.5), "b/y": Observed(31_000, failure_rate=0.0)}
    answer = whole(decide(ask(rows, seen=seen, costs={"a/x": 9, "b/y": 1})))
    assert "a/x goes first" in text(answer)
    assert "None is expected to keep the limit of time, so the fastest goes first" in text(answer)
    assert "a better score, but later in the order" in text({**answer, "request": None})


def test_what_may_not_be_tried_is_marked() -> None:
    rows = registry(model("a/m"), model("b/n", weight=4))
    assert "would not be tried" in told(decide(ask(rows, steering=Steering(fallback=False))))


def test_a_refusal_names_no_winner() -> None:
    rows = registry(model("a/m"))
    text = told(decide(ask(rows, conditions={"a": ProviderCondition(down=True)})))
    assert "take it (no_eligible_model): 1 left out for provider_down.\n" in text
    assert "Expected cost" not in text
    assert "COULD TAKE IT" not in text


def test_a_refusal_for_money_names_the_cheapest() -> None:
    rows = registry(model("a/m"), model("b/n"), model("c/o", enabled=False))
    steering = Steering(max_budget_nano=10**6, min_weight=1, fallback=False)
    asked = ask(rows, steering=steering, costs={"a/m": 3 * 10**6, "b/n": 2 * 10**6})
    text = told(decide(asked))
    assert "; the cheapest of those over the limit is b/n, about $0.002." in text
    assert text.index("\nb/n ") < text.index("\na/m ")
    assert (
        "Limits: at most $0.001 expected (asked for by the request); at most 20000 ms (the hub's"
        " default for its own choices); an ability of 1 or more (asked for by the request); no"
        " other model may stand in\n"
    ) in text


def test_a_model_that_is_asked_in_another_way_is_told_beside_the_reason() -> None:
    other = registry(model("a/m"), a=provider("a", apis=frozenset({Api.MESSAGES})))
    text = told(decide(ask(other)))
    assert "(auto:normal: best score).\n" in text
    assert "Its provider is asked by its messages API; the hub translates." in text


@pytest.mark.parametrize(
    ("basis", "told_as"),
    [
        (Basis.LEARNED, "$0.0008 for 12 input + 9 output tokens (the mean of its answers so far)"),
        (Basis.USUAL, "$0.0008 for 12 input + 9 output tokens (assumed, since it has not answered"),
        (Basis.LIMIT, "$0.0008 for 12 input + 9 output tokens (no more are allowed)"),
    ],
)
def test_what_an_estimate_is_made_of_is_told(basis: Basis, told_as: str) -> None:
    rows = registry(model("a/m"), model("b/n"))
    asked = ask(rows, cost=lambda *_: Cost(800_000, 1, (12, 9, basis)))
    text = told(decide(asked), Attempt("m", "a", "http://a", 1, 2, 200, None))
    assert told_as in text
    assert "output tokens, +0.0 % of what was expected.\n" in text
    assert ("12 + ~9" in text) == ("~$0.0008" in text) == (basis is Basis.USUAL)


def test_tokens_that_no_provider_reported_are_told_to_be_counted_by_the_hub() -> None:
    answer = whole(DECISION, *ROW.attempts)
    answer["usage"]["estimated"] = True
    assert "for 110 input + 20 output tokens (counted by the hub)" in text(answer)


def test_a_term_of_a_later_version_is_told_by_its_name() -> None:
    answer = shown(to_columns(DECISION))
    for one in answer["eligible"]:
        one["terms"][3]["name"] = "luck"
    stream = io.StringIO()
    explanation.simulated(
        Output(stream, as_json=False),
        {**answer, "refusal": None, "decision": {"reason": "auto: best score"}},
    )
    assert "-0.062 for it: better in luck: 5 against 4" in stream.getvalue()


def simulated(answer: dict[str, Any], refusal: dict[str, Any] | None = None) -> str:
    stream = io.StringIO()
    whole = {"decision": {"reason": "named"}, "mode": "normal", **answer, "refusal": refusal}
    explanation.simulated(Output(stream, as_json=False), whole)
    return stream.getvalue()


def test_a_simulation_tells_what_would_be() -> None:
    rows = registry(model("a/m"))
    answer = shown(to_columns(decide(ask(rows, costs={"a/m": 2_000_000}))))
    assert "It would cost about $0.002." in simulated(answer)
    answer = shown(to_columns(decide(ask(rows, costs={"a/m": None}))))
    assert "It would cost" not in simulated(answer)
    refusal = {"status": 503, "code": "no_eligible_model", "message": "none"}
    text = simulated({**answer, "eligible": [], "rejected": []}, refusal)
    assert "No model could take it (no_eligible_model).\n" in text
    assert "A client would get 503 no_eligible_model: none" in text


def test_names_from_elsewhere_cannot_reach_the_terminal_as_they_are() -> None:
    evil = registry(model("a/\x1b[31mred", weight=7), model("b/y", enabled=False))
    assert "\x1b" not in told(decide(ask(evil)))


def test_the_two_samples_are_in_the_order_that_the_words_above_say() -> None:
    assert (BEST.deployment.key, NEXT.deployment.key) == ("openai/gpt-4o-mini", "local/llama")
