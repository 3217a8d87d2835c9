import pytest

from tokenhub.health.state import HealthState, state_of_errors, state_of_rate


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        (0, HealthState.HEALTHY),
        (1, HealthState.HEALTHY),
        (2, HealthState.DEGRADED),
        (4, HealthState.DEGRADED),
        (5, HealthState.DOWN),
        (50, HealthState.DOWN),
    ],
)
def test_consecutive_errors_make_the_state(errors: int, state: HealthState) -> None:
    assert state_of_errors(errors) is state


@pytest.mark.parametrize(
    ("rate", "state"),
    [
        (None, HealthState.HEALTHY),
        (0.0, HealthState.HEALTHY),
        (0.09, HealthState.HEALTHY),
        (0.1, HealthState.DEGRADED),
        (0.7, HealthState.DEGRADED),
        (0.75, HealthState.DOWN),
    ],
)
def test_the_failure_rate_makes_the_state_of_a_model(
    rate: float | None, state: HealthState
) -> None:
    assert state_of_rate(rate) is state
