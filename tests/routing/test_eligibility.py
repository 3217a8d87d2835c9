from typing import Any

import pytest

from tests.routing.build import NOW_MS, ask, left_out, model, plan, provider, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.policy import RoutingConfig, Steering
from tokenhub.routing.question import Question, Reason
from tokenhub.types import Api, Capability, Deployment, Observed, Provider, ProviderCondition

NO = frozenset[Capability]()
TOOLS = frozenset({Capability.TOOLS})
EMBEDS = frozenset({Api.EMBEDDINGS})


def two(fields: dict[str, Any], of_provider: dict[str, Any], **question: Any) -> Question:
    """A question about `bad/m`, described by the fields, and `good/m`, which can do it."""
    rows = registry(model("bad/m", **fields), model("good/m"), bad=provider("bad", **of_provider))
    return ask(rows, "m", **question)


def bad(**fields: Any) -> dict[str, Any]:
    return {"conditions": {"bad": ProviderCondition(**fields)}}


def not_bad(deployment: Deployment) -> bool:
    return deployment.provider_id != "bad"


REASONS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("disabled", {"enabled": False}, {}, {}),
    ("disabled", {}, {"enabled": False}, {}),
    ("not_allowed", {}, {}, {"allowed": not_bad}),
    ("protocol", {}, {"apis": EMBEDS}, {}),
    ("capability", {"capabilities": NO}, {}, {"capabilities": TOOLS}),
    ("capability", {"capabilities": frozenset({Capability.EMBEDDINGS})}, {}, {}),
    ("min_weight", {"weight": 4}, {}, {"steering": Steering(min_weight=5)}),
    ("context", {"max_context_tokens": 114}, {}, {}),
    ("credentials", {}, {}, bad(missing="credentials")),
    ("vault_locked", {}, {}, bad(missing="vault_locked")),
    ("provider_down", {}, {}, bad(down=True)),
    ("cooling_down", {}, {}, bad(cooling_until_ms=NOW_MS + 1)),
    ("offline", {}, {}, bad(offline=True)),
    (
        "latency",
        {},
        {},
        {
            "steering": Steering(max_latency_ms=9),
            "seen": {"bad/m": Observed(10), "good/m": Observed(9)},
        },
    ),
    ("no_price", {}, {}, {"needs_price": True, "costs": {"bad/m": None}}),
    ("no_price", {}, {}, {"steering": Steering(max_budget_nano=5), "costs": {"bad/m": None}}),
    (
        "no_price",
        {},
        {},
        {"config": RoutingConfig(max_budget_nano_ceiling=5), "costs": {"bad/m": None}},
    ),
    ("budget", {}, {}, {"steering": Steering(max_budget_nano=5), "costs": {"bad/m": 6}}),
    (
        "budget",
        {},
        {},
        {"config": RoutingConfig(max_budget_nano_ceiling=5), "costs": {"bad/m": 6}},
    ),
    ("key_budget", {}, {}, {"key_room_nano": 5, "costs": {"bad/m": 3}}),
]


@pytest.mark.parametrize(("reason", "fields", "of_provider", "question"), REASONS)
def test_what_is_left_out_is_left_out_for_a_named_reason(
    reason: str, fields: dict[str, Any], of_provider: dict[str, Any], question: dict[str, Any]
) -> None:
    decision = decide(two(fields, of_provider, **question))
    assert left_out(decision) == {"bad/m": reason}
    assert decision.rejected[0].detail
    assert plan(decision) == ["good/m"]


def test_a_deployment_at_another_provider_than_the_pinned_one_is_left_out() -> None:
    decision = decide(ask(registry(model("bad/m"), model("good/m")), "good/m"))
    assert left_out(decision) == {"bad/m": "pinned"}
    assert decision.reason == "pinned"


def test_the_first_reason_that_applies_is_the_one() -> None:
    wrong: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ("disabled", {"enabled": False}, {}, {}),
        ("not_allowed", {}, {}, {"allowed": not_bad}),
        ("protocol", {}, {"apis": EMBEDS}, {}),
        ("capability", {"capabilities": NO}, {}, {"capabilities": TOOLS}),
        ("min_weight", {"weight": 4}, {}, {}),
        ("context", {"max_context_tokens": 1}, {}, {}),
        ("vault_locked", {}, {}, bad(missing="vault_locked", down=True)),
        ("provider_down", {}, {}, bad(down=True, cooling_until_ms=NOW_MS + 1)),
        ("cooling_down", {}, {}, bad(cooling_until_ms=NOW_MS + 1, offline=True)),
        ("offline", {}, {}, bad(offline=True)),
        ("latency", {}, {}, {"seen": {"bad/m": Observed(10), "good/m": Observed(9)}}),
        ("budget", {}, {}, {"costs": {"bad/m": 6}, "key_room_nano": 5}),
    ]
    steering = Steering(min_weight=5, max_latency_ms=9, max_budget_nano=5)
    found = []
    for first in range(len(wrong)):
        fields: dict[str, Any] = {}
        of_provider: dict[str, Any] = {}
        question: dict[str, Any] = {"steering": steering}
        for _, of_model, at_provider, asked in reversed(wrong[first:]):
            fields |= of_model
            of_provider |= at_provider
            question |= asked
        found.append(left_out(decide(two(fields, of_provider, **question)))["bad/m"])
    assert found == [reason for reason, *_ in wrong]


def test_a_context_that_holds_the_input_with_its_headroom_is_taken() -> None:
    decision = decide(ask(registry(model("a/m", max_context_tokens=115)), "m"))
    assert plan(decision) == ["a/m"]


def test_an_unknown_capability_list_takes_anything() -> None:
    rows = registry(model("a/m"))
    assert plan(decide(ask(rows, "m", capabilities=frozenset(Capability)))) == ["a/m"]


LIMIT = ("max_tokens",)


def test_a_choice_leaves_out_what_would_refuse_a_field() -> None:
    rows = registry(model("openai/gpt-5"), model("openai/gpt-4o"), model("a/gpt-5"))
    decision = decide(ask(rows, "auto", delicate=LIMIT))
    assert plan(decision) == ["openai/gpt-4o", "a/gpt-5"]
    assert left_out(decision) == {"openai/gpt-5": "capability"}
    assert decision.rejected[0].detail == "it does not take max_tokens"


def test_what_the_client_named_is_asked_and_its_substitute_must_take_the_field() -> None:
    names = ("openai/gpt-5", "openai/gpt-5-mini", "openai/gpt-4o")
    decision = decide(ask(registry(*map(model, names)), "gpt-5", delicate=LIMIT))
    assert plan(decision) == ["openai/gpt-5", "openai/gpt-4o"]
    assert left_out(decision) == {"openai/gpt-5-mini": "capability"}


def test_a_field_is_no_matter_where_it_is_left_out_in_translation() -> None:
    chats = provider("a", apis=frozenset({Api.CHAT}))
    rows = registry(model("a/claude-opus-4-7"), a=chats)
    question = ask(rows, "auto", api=Api.MESSAGES, delicate=("temperature",))
    assert plan(decide(question)) == ["a/claude-opus-4-7"]
    speaks = provider("a", apis=frozenset({Api.MESSAGES}))
    rows = registry(model("a/claude-opus-4-7"), a=speaks)
    question = ask(rows, "auto", api=Api.MESSAGES, delicate=("temperature",))
    assert plan(decide(question)) == []


def test_an_embeddings_model_takes_embeddings() -> None:
    embeds = frozenset({Capability.EMBEDDINGS})
    rows = registry(model("a/m", capabilities=embeds))
    decision = decide(ask(rows, "m", api=Api.EMBEDDINGS, capabilities=embeds))
    assert plan(decision) == ["a/m"]


def test_a_pause_that_is_over_leaves_nothing_out() -> None:
    assert not left_out(decide(two({}, {}, **bad(cooling_until_ms=NOW_MS))))


def test_an_untried_model_is_expected_to_take_as_long_as_the_median() -> None:
    rows = registry(model("a/m"), model("b/m"), model("c/m"))
    seen = {"a/m": Observed(latency_ms=10), "b/m": Observed(latency_ms=30)}
    decision = decide(ask(rows, "m", seen=seen, steering=Steering(max_latency_ms=19)))
    assert left_out(decision) == {"b/m": "latency", "c/m": "latency"}


def test_where_nothing_was_tried_no_latency_limit_is_missed() -> None:
    rows = registry(model("a/m"), model("b/m"))
    assert not left_out(decide(ask(rows, "m", steering=Steering(max_latency_ms=1))))


def test_a_stream_is_measured_by_its_first_token() -> None:
    rows = registry(model("a/m"), model("b/m"))
    seen = {"a/m": Observed(latency_ms=50, ttft_ms=5), "b/m": Observed(latency_ms=5, ttft_ms=50)}
    steering = Steering(max_latency_ms=9)
    streamed = decide(ask(rows, "m", seen=seen, steering=steering, stream=True))
    whole = decide(ask(rows, "m", seen=seen, steering=steering))
    assert (plan(streamed), plan(whole)) == (["a/m"], ["b/m"])


def test_what_costs_nothing_fits_an_overdrawn_budget() -> None:
    decision = decide(ask(registry(model("a/m")), "m", key_room_nano=-5, costs={"a/m": 0}))
    assert plan(decision) == ["a/m"]


def test_an_unknown_price_does_not_matter_without_a_budget() -> None:
    decision = decide(ask(registry(model("a/m")), costs={"a/m": None}))
    assert decision.plan[0].estimate_nano is None


def test_a_provider_is_looked_at_once() -> None:
    looked: list[str] = []

    def condition(one: Provider) -> ProviderCondition:
        looked.append(one.id)
        return ProviderCondition()

    decide(ask(registry(model("a/m"), model("a/n"), model("b/m")), provider_condition=condition))
    assert sorted(looked) == ["a", "b"]


def test_an_api_that_a_provider_turned_out_not_to_have_is_as_if_it_were_not_listed() -> None:
    both = registry(model("a/m"), model("b/m"))
    decision = decide(ask(both, lacks=lambda provider, api: provider.id == "a"))
    assert [one.provider.id for one in decision.plan] == ["b"]
    assert [(one.deployment.key, one.reason) for one in decision.rejected] == [
        ("a/m", Reason.PROTOCOL)
    ]
