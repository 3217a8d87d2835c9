import pytest

from tokenhub.routing.policy import (
    Mode,
    PolicyHolder,
    RoutingConfig,
    Steering,
    mode_of,
    policy_for,
)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("cheap", Mode.CHEAP),
        ("minimize_cost", Mode.CHEAP),
        ("minimize_latency", Mode.FAST),
        ("maximize_quality", Mode.HIGH_CONFIDENCE),
        ("balanced", Mode.NORMAL),
        ("cheep", None),
        ("", None),
    ],
)
def test_a_mode_has_its_own_name_and_maybe_another(text: str, mode: Mode | None) -> None:
    assert mode_of(text) is mode


def test_without_wishes_the_defaults_hold_and_are_marked_as_such() -> None:
    policy = policy_for(RoutingConfig(), Steering(), None)
    assert (policy.mode, policy.min_weight, policy.fallback) == (Mode.NORMAL, 0, True)
    assert (policy.max_budget_nano, policy.budget_given) == (50_000_000, False)
    assert (policy.max_latency_ms, policy.latency_given) == (20_000, False)


def test_a_wish_replaces_the_default() -> None:
    steering = Steering(Mode.CHEAP, 7, 8, 9, fallback=False)
    policy = policy_for(RoutingConfig(), steering, None)
    assert (policy.mode, policy.min_weight, policy.fallback) == (Mode.CHEAP, 9, False)
    assert (policy.max_budget_nano, policy.budget_given) == (7, True)
    assert (policy.max_latency_ms, policy.latency_given) == (8, True)


def test_a_wish_does_not_pass_the_ceiling() -> None:
    config = RoutingConfig(max_budget_nano_ceiling=10, max_latency_ms_ceiling=20)
    policy = policy_for(config, Steering(max_budget_nano=100, max_latency_ms=100), None)
    assert (policy.max_budget_nano, policy.max_latency_ms) == (10, 20)
    assert policy.max_budget_nano_ceiling == 10


def test_a_budget_of_nothing_is_a_budget() -> None:
    policy = policy_for(RoutingConfig(), Steering(max_budget_nano=0), None)
    assert (policy.max_budget_nano, policy.budget_given) == (0, True)


@pytest.mark.parametrize(
    ("asked", "steering", "mode"),
    [
        (Mode.FAST, Steering(Mode.CHEAP, planning=True), Mode.FAST),
        (None, Steering(Mode.CHEAP, planning=True), Mode.CHEAP),
        (None, Steering(planning=True), Mode.PLANNING),
        (None, Steering(), Mode.ADVERSARIAL),
    ],
)
def test_the_mode_is_the_names_then_the_steered_then_planning_then_the_default(
    asked: Mode | None, steering: Steering, mode: Mode
) -> None:
    config = RoutingConfig(default_mode=Mode.ADVERSARIAL)
    assert policy_for(config, steering, asked).mode is mode


def test_a_request_may_switch_fallback_on_where_it_is_configured_off() -> None:
    config = RoutingConfig(fallback=False)
    assert policy_for(config, Steering(fallback=True), None).fallback
    assert not policy_for(config, Steering(), None).fallback


def test_of_two_steerings_the_first_counts_and_the_other_fills_in() -> None:
    body, headers = Steering(Mode.CHEAP, fallback=False), Steering(Mode.FAST, 5, planning=True)
    both = body.over(headers)
    assert both == Steering(Mode.CHEAP, 5, fallback=False, planning=True)


def test_a_replaced_configuration_is_in_force_at_once() -> None:
    holder = PolicyHolder(RoutingConfig())
    holder.replace(RoutingConfig(fallback=False))
    assert not holder.current.fallback
