from typing import Any

import pytest

from tests.routing.build import NOW_MS, ask, model, provider, registry
from tokenhub.errors import RequestError
from tokenhub.providers.registry import Registry
from tokenhub.routing.engine import decide
from tokenhub.routing.policy import RoutingConfig, Steering
from tokenhub.routing.refusal import DOWN_PAUSE_S
from tokenhub.types import Api, Capability, Observed, ProviderCondition

TWO = registry(model("a/m"), model("b/n"))


def refused(rows: Registry, name: str = "m", **fields: Any) -> RequestError:
    error = decide(ask(rows, name, **fields)).refusal
    assert error is not None
    return error


def at(a: ProviderCondition, b: ProviderCondition) -> dict[str, Any]:
    return {"conditions": {"a": a, "b": b}}


DOWN = ProviderCondition(down=True)
LOCKED = ProviderCondition(missing="vault_locked")
OFFLINE = ProviderCondition(offline=True)


def cooling(ms: int) -> ProviderCondition:
    return ProviderCondition(cooling_until_ms=NOW_MS + ms)


def test_none_eligible_is_a_503_with_each_ones_reason() -> None:
    missing = ProviderCondition(missing="credentials")
    error = refused(TWO, **at(missing, missing))
    assert (error.status, error.code) == (503, "no_eligible_model")
    assert error.message == "no eligible model for 'm': a/m (credentials), b/n (credentials)"
    assert error.headers == {"x-should-retry": "false"}


def test_what_waiting_helps_says_how_long() -> None:
    error = refused(TWO, **at(cooling(8100), cooling(2001)))
    assert (error.status, error.headers) == (503, {"Retry-After": "3"})
    error = refused(TWO, **at(DOWN, DOWN))
    assert (error.status, error.headers) == (503, {"Retry-After": str(DOWN_PAUSE_S)})


def test_a_pause_of_less_than_a_second_is_a_second() -> None:
    assert refused(TWO, **at(cooling(1), DOWN)).headers == {"Retry-After": "1"}


def test_a_locked_vault_has_a_code_of_its_own() -> None:
    error = refused(TWO, **at(LOCKED, DOWN))
    assert (error.status, error.code) == (503, "vault_locked")
    assert error.headers == {"x-should-retry": "false"}
    assert "unlock the vault (a/m (vault_locked), b/n (provider_down))" in error.message


def test_being_offline_has_a_code_of_its_own() -> None:
    error = refused(TWO, "auto", **at(OFFLINE, cooling(1)))
    assert (error.status, error.code) == (503, "offline")
    assert error.headers == {"x-should-retry": "false"}


def test_a_key_that_may_use_none_is_forbidden() -> None:
    for name, said in (("m", "not use the model 'm'"), ("auto", "none of the registered models")):
        error = refused(TWO, name, allowed=lambda _: False)
        assert (error.status, error.code, error.param) == (403, "model_not_allowed", "model")
        assert said in error.message


def test_a_choice_among_what_is_forbidden_or_switched_off_is_forbidden() -> None:
    rows = registry(model("a/m", enabled=False), model("b/n"))
    assert refused(rows, "auto", allowed=lambda _: False).status == 403


def test_a_model_that_is_switched_off_is_not_forbidden() -> None:
    rows = registry(model("a/m", enabled=False), model("b/n"))
    error = refused(rows, allowed=lambda one: one.id == "m")
    assert (error.status, error.code) == (503, "no_eligible_model")


def test_a_hub_without_models_says_so() -> None:
    assert "'auto': no model is registered" in refused(registry(), "auto").message


def test_what_costs_too_much_is_a_402_naming_the_cheapest_and_its_estimate() -> None:
    rows = registry(model("a/m"), model("b/n"), model("c/o", enabled=False))
    costs = {"a/m": 3_000_000, "b/n": 2_000_000}
    error = refused(rows, "auto", costs=costs, steering=Steering(max_budget_nano=1_000_000))
    assert (error.status, error.code) == (402, "budget_exceeded")
    assert error.message == (
        "no model for 'auto' is within the budget: the cheapest, b/n, would cost about $0.002, "
        "the limit is $0.001"
    )


def test_what_the_keys_budget_cannot_hold_is_a_402_with_what_is_left() -> None:
    error = refused(TWO, costs={"b/n": 600_000_000, "a/m": 500_000_000}, key_room_nano=7)
    assert error.status == 402
    assert "a/m, would cost up to $1.00, the budgets have $0.000000007 left" in error.message


def test_an_overdrawn_budget_has_nothing_left() -> None:
    assert "have $0.00 left" in refused(TWO, key_room_nano=-7).message


def test_missing_a_latency_is_a_503() -> None:
    seen = {"a/m": Observed(10), "b/n": Observed(10)}
    error = refused(TWO, seen=seen, steering=Steering(max_latency_ms=9))
    assert (error.status, error.code) == (503, "no_eligible_model")
    assert "a/m (latency)" in error.message


def test_what_a_pin_excludes_goes_unsaid_while_there_is_more_to_say() -> None:
    rows = registry(model("a/m"), model("b/m"))
    assert refused(rows, "a/m", **at(DOWN, DOWN)).message.endswith("'a/m': a/m (provider_down)")
    routed = RoutingConfig(unknown_model="route")
    empty = Registry([*rows.providers.values()], [model("b/m")])
    assert "b/m (pinned)" in refused(empty, "a/x", config=routed).message


def test_a_long_list_is_cut() -> None:
    rows = registry(*(model(f"a/m{place}") for place in range(13)))
    message = refused(rows, "auto", conditions={"a": DOWN}).message
    assert message.count("provider_down") == 10
    assert message.endswith("and 3 more")


@pytest.mark.parametrize("name", ["x\x1b[31m\n", "x" * 999])
def test_a_name_from_outside_is_cleaned(name: str) -> None:
    config = RoutingConfig(unknown_model="route")
    message = refused(TWO, name, config=config, **at(DOWN, DOWN)).message
    assert len(message) < 300
    assert message.isprintable()


SMALL = registry(model("a/m", max_context_tokens=1000), model("b/n", max_context_tokens=2000))
TOO_LONG = (
    "prompt is too long: 2185 tokens > 2000 maximum (1900 as the hub counts for b/n, and 15 %"
    " headroom). This model's maximum context length is 2000 tokens; no eligible model for "
)


def long(rows: Registry, name: str = "m", **fields: Any) -> RequestError:
    return refused(rows, name, input_tokens=lambda _: 1900, **fields)


@pytest.mark.parametrize("name", ["m", "auto"])
def test_a_prompt_that_is_too_long_for_all_is_told_as_clients_know_it(name: str) -> None:
    error = long(SMALL, name)
    assert error.message == f"{TOO_LONG}{name!r}: a/m (context), b/n (context)"
    assert (error.status, error.code) == (503, "no_eligible_model")
    assert error.headers == {"x-should-retry": "false"}


def test_models_that_could_never_take_it_are_no_reason_to_keep_that_back() -> None:
    images = {"capabilities": frozenset({Capability.VISION})}
    text = frozenset({Capability.TOOLS})
    rows = registry(*SMALL.all_deployments(), model("c/x", capabilities=text))
    assert long(rows, "auto", **images).message.startswith(TOO_LONG)
    off = registry(*SMALL.all_deployments(), model("c/m", enabled=False))
    assert long(off).message.startswith(TOO_LONG)


def test_where_somebody_else_may_take_it_later_a_prompt_is_not_too_long() -> None:
    rows = registry(model("a/m", max_context_tokens=2000), model("b/n"))
    for name in ("m", "auto", "b/n"):
        error = long(rows, name, conditions={"b": DOWN})
        assert error.message.startswith("no eligible model for ")
        assert error.headers == {"Retry-After": str(DOWN_PAUSE_S)}


def test_where_the_context_is_no_reason_it_is_not_told() -> None:
    assert long(registry(model("a/m", enabled=False))).message.startswith("no eligible model")


MUTE = provider("a", apis=frozenset({Api.EMBEDDINGS}))


@pytest.mark.parametrize(
    ("reason", "rows", "fields"),
    [
        ("disabled", registry(model("a/m", enabled=False)), {}),
        ("protocol", registry(model("a/m"), a=MUTE), {}),
        (
            "capability",
            registry(model("a/m", capabilities=frozenset({Capability.TOOLS}))),
            {"capabilities": frozenset({Capability.VISION})},
        ),
        ("min_weight", registry(model("a/m")), {"steering": Steering(min_weight=9)}),
        ("context", registry(model("a/m", max_context_tokens=9)), {}),
        ("no_price", registry(model("a/m")), {"costs": {"a/m": None}, "needs_price": True}),
    ],
)
def test_what_does_not_pass_with_time_is_not_to_be_tried_again(
    reason: str, rows: Registry, fields: dict[str, Any]
) -> None:
    error = refused(rows, **fields)
    assert f"a/m ({reason}" in error.message
    assert (error.status, error.code) == (503, "no_eligible_model")
    assert error.headers == {"x-should-retry": "false"}
