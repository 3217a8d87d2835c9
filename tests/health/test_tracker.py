import pytest

from tokenhub.health.tracker import HealthState, HealthTracker
from tokenhub.types import ErrorClass


class Ticking:
    """A clock that gives 1, 2, 3 … milliseconds."""

    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms


def test_a_provider_that_was_never_called_is_healthy() -> None:
    health = HealthTracker(Ticking()).of("openai")
    assert (health.state, health.consecutive_errors, health.since_ms) == (HealthState.HEALTHY, 0, 1)


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        (1, HealthState.HEALTHY),
        (2, HealthState.DEGRADED),
        (4, HealthState.DEGRADED),
        (5, HealthState.DOWN),
    ],
)
def test_consecutive_errors_make_the_state(errors: int, state: HealthState) -> None:
    tracker = HealthTracker(Ticking())
    for _ in range(errors):
        tracker.record("openai", ErrorClass.TRANSIENT)
    assert tracker.of("openai").state is state
    assert tracker.of("openai").last_error_class is ErrorClass.TRANSIENT


def test_one_success_makes_a_provider_healthy_again_and_keeps_its_last_error() -> None:
    tracker = HealthTracker(Ticking())
    for _ in range(5):
        tracker.record("openai", ErrorClass.RATE_LIMITED)
    tracker.record("openai", None)
    health = tracker.of("openai")
    assert (health.state, health.consecutive_errors) == (HealthState.HEALTHY, 0)
    assert health.last_error_class is ErrorClass.RATE_LIMITED


def test_since_changes_with_the_state_only() -> None:
    tracker = HealthTracker(Ticking())
    for _ in range(2):
        tracker.record("openai", ErrorClass.TRANSIENT)
    since_ms = tracker.of("openai").since_ms
    tracker.record("openai", ErrorClass.TRANSIENT)
    assert tracker.of("openai").since_ms == since_ms


@pytest.mark.parametrize(
    "blameless",
    [
        ErrorClass.INVALID,
        ErrorClass.CONTEXT_OVERFLOW,
        ErrorClass.CANCELLED,
        ErrorClass.UNSUPPORTED,
    ],
)
def test_what_is_not_the_providers_fault_does_not_count(blameless: ErrorClass) -> None:
    tracker = HealthTracker(Ticking())
    for _ in range(9):
        tracker.record("openai", blameless)
    assert tracker.of("openai").consecutive_errors == 0


def test_a_success_of_a_healthy_provider_leaves_it_as_it_is() -> None:
    tracker = HealthTracker(Ticking())
    tracker.record("openai", None)
    assert tracker.of("openai").since_ms == 1


def test_a_forgotten_provider_starts_anew() -> None:
    tracker = HealthTracker(Ticking())
    tracker.record("openai", ErrorClass.TRANSIENT)
    tracker.forget("openai")
    assert tracker.of("openai").consecutive_errors == 0
