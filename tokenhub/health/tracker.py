"""Consecutive errors of each provider, and the state they amount to."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tokenhub.types import ErrorClass

DEGRADED_AFTER = 2
DOWN_AFTER = 5

_BLAMELESS = frozenset(
    {
        ErrorClass.INVALID,
        ErrorClass.CONTEXT_OVERFLOW,
        ErrorClass.CANCELLED,
        ErrorClass.UNSUPPORTED,
    }
)
"""Failures that say nothing about a provider: the request's own fault, or a missing API."""


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


class HealthTracker:
    """Folds the ends of attempts into a health per provider."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._started_ms = now_ms()
        self._health: dict[str, Health] = {}

    def of(self, provider_id: str) -> Health:
        """Return the provider's health; one that was never called is healthy."""
        return self._health.get(provider_id) or Health(HealthState.HEALTHY, self._started_ms)

    def record(self, provider_id: str, error_class: ErrorClass | None) -> None:
        """Count one finished attempt; `error_class` None means that it went well."""
        if error_class in _BLAMELESS:
            return
        before = self.of(provider_id)
        if error_class is None and before.consecutive_errors == 0:
            return
        errors = 0 if error_class is None else before.consecutive_errors + 1
        state = _state(errors)
        since_ms = before.since_ms if state is before.state else self._now_ms()
        self._health[provider_id] = Health(
            state, since_ms, errors, error_class or before.last_error_class
        )

    def forget(self, provider_id: str) -> None:
        """Drop what is known of a deleted provider."""
        self._health.pop(provider_id, None)


def _state(consecutive_errors: int) -> HealthState:
    if consecutive_errors >= DOWN_AFTER:
        return HealthState.DOWN
    if consecutive_errors >= DEGRADED_AFTER:
        return HealthState.DEGRADED
    return HealthState.HEALTHY
