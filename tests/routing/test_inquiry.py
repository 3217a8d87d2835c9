from collections.abc import Mapping
from typing import Any

import pytest

from tests.routing.build import ask, model, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.inquiry import inquiry, not_considered
from tokenhub.routing.policy import RoutingConfig, Steering
from tokenhub.types import Api, Capability, Observed

ROWS = registry(model("a/m"), model("b/n"), model("c/light", weight=1))


def asked(name: str | None = "auto", **fields: Any) -> dict[str, Any]:
    return inquiry(decide(ask(ROWS, name, **fields)).brief, name or "auto", 12, None)


def limits(name: str = "auto", **fields: Any) -> dict[str, tuple[float, str]]:
    return {one["name"]: (one["value"], one["from"]) for one in asked(name, **fields)["limits"]}


def test_what_was_asked_is_told() -> None:
    told = asked("m", stream=True, capabilities=frozenset({Capability.TOOLS, Capability.JSON}))
    assert (told["model"], told["kind"], told["api"], told["stream"]) == (
        "m",
        "named",
        "chat",
        True,
    )
    assert told["capabilities"] == ["json", "tools"]
    assert (told["input_tokens"], told["max_output_tokens"]) == (12, None)
    assert told["fallback"]
    assert not told["speed_only"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("auto", "choice"), ("m", "named"), ("a/m", "pinned"), ("who", "unknown")],
)
def test_every_kind_of_name_is_told_apart(name: str, kind: str) -> None:
    assert asked(name, config=RoutingConfig(unknown_model="route"))["kind"] == kind


def test_the_defaults_are_limits_of_the_hubs_own_choices_only() -> None:
    assert limits() == {"budget_usd": (0.05, "hub_default"), "latency_ms": (20_000, "hub_default")}
    assert limits("m") == {}


def test_a_limit_tells_where_it_comes_from() -> None:
    steering = Steering(max_budget_nano=10**9, max_latency_ms=90, min_weight=2)
    config = RoutingConfig(max_budget_nano_ceiling=10**8, max_latency_ms_ceiling=500)
    assert limits("m", steering=steering, config=config, key_room_nano=-5) == {
        "budget_usd": (0.1, "hub_ceiling"),
        "latency_ms": (90, "request"),
        "min_weight": (2, "request"),
        "room_usd": (0, "budgets"),
    }


def test_it_is_told_that_only_speed_counted() -> None:
    assert asked(seen=dict.fromkeys(("a/m", "b/n", "c/light"), Observed(30_000)))["speed_only"]


@pytest.mark.parametrize(
    ("fields", "reason", "detail"),
    [
        ({"substitutes": False}, "named", "looked up only when it fails"),
        ({"steering": Steering(fallback=False)}, "named", "fallback is off"),
        ({"config": RoutingConfig(named_fallback="none")}, "named", "named_fallback is none"),
        ({"config": RoutingConfig(named_fallback="listed")}, "not_equivalent", "not among"),
        ({"api": Api.EMBEDDINGS}, "not_equivalent", "embeddings of two models do not compare"),
        ({}, "not_equivalent", "of weight 2 or more"),
        ({"allowed": lambda one: one.id != "m"}, "named", "its key may not use"),
    ],
)
def test_why_others_were_not_looked_at_is_told(
    fields: Mapping[str, Any], reason: str, detail: str
) -> None:
    told = not_considered(decide(ask(ROWS, "m", **fields)))
    assert told is not None
    assert told["models"] in (1, 2)
    assert told["reason"] == reason
    assert detail in told["detail"]


def test_a_choice_looks_at_all() -> None:
    assert not_considered(decide(ask(ROWS))) is None
