"""The words and values in which health is told."""

from dataclasses import dataclass
from enum import StrEnum

from tokenhub.types import ErrorClass

DEGRADED_AFTER = 2
DOWN_AFTER = 5

DEGRADED_FAILURE_RATE = 0.1
DOWN_FAILURE_RATE = 0.75


class HealthState(StrEnum):
    """0 or 1, 2 to 4, and 5 or more consecutive errors."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one provider."""

    state: HealthState
    since_ms: int
    consecutive_errors: int = 0
    last_error_class: ErrorClass | None = None


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """One address of a provider, and how it does."""

    url: str
    state: HealthState


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """All there is to show of a provider's health; `cooldown_until_ms` None: it does not cool."""

    provider_id: str
    health: Health
    cooldown_until_ms: int | None
    endpoints: tuple[EndpointHealth, ...]


def state_of_errors(consecutive_errors: int) -> HealthState:
    """Return what so many errors in a row amount to."""
    if consecutive_errors >= DOWN_AFTER:
        return HealthState.DOWN
    if consecutive_errors >= DEGRADED_AFTER:
        return HealthState.DEGRADED
    return HealthState.HEALTHY


def state_of_rate(failure_rate: float | None) -> HealthState:
    """Return what a deployment's failure rate (0..1) amounts to; an untried one is healthy."""
    if failure_rate is None or failure_rate < DEGRADED_FAILURE_RATE:
        return HealthState.HEALTHY
    return HealthState.DOWN if failure_rate >= DOWN_FAILURE_RATE else HealthState.DEGRADED
