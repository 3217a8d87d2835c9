"""How providers and models do."""

from collections.abc import Mapping
from typing import Any

from tokenhub.administration.units import timestamp
from tokenhub.health.monitor import HealthMonitor
from tokenhub.health.state import ProviderHealth, state_of_rate
from tokenhub.providers.registry import RegistryHolder
from tokenhub.types import Deployment, Observed


class Standing:
    """Reads what the hub has learnt about those it calls."""

    def __init__(self, registry: RegistryHolder, health: HealthMonitor) -> None:
        self._registry = registry
        self._health = health

    def providers(self) -> list[dict[str, Any]]:
        """Return the health of every provider and its endpoints, by id."""
        return [_provider(state) for state in self._health.states()]

    def models(self, only: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return how every deployment has done lately, by id and then provider.

        `only` leaves those whose `model_id` or `provider_id` is the given one.
        """
        rows = self._registry.current.all_deployments()
        items = [_model(row, self._health.observed(row.key)) for row in rows]
        return [one for one in items if only.items() <= one.items()]


def _provider(state: ProviderHealth) -> dict[str, Any]:
    health = state.health
    return {
        "provider_id": state.provider_id,
        "state": health.state.value,
        "since": timestamp(health.since_ms),
        "consecutive_errors": health.consecutive_errors,
        "last_error_class": health.last_error_class,
        "cooldown_until": timestamp(state.cooldown_until_ms),
        "endpoints": [{"url": one.url, "state": one.state.value} for one in state.endpoints],
    }


def _model(deployment: Deployment, seen: Observed) -> dict[str, Any]:
    failures = seen.failure_rate
    return {
        "model_id": deployment.id,
        "provider_id": deployment.provider_id,
        "health": state_of_rate(failures).value,
        "latency_ms": _rounded(seen.latency_ms),
        "ttft_ms": _rounded(seen.ttft_ms),
        "tokens_per_second": _rounded(seen.tokens_per_s),
        "success_rate": None if failures is None else round(1 - failures, 4),
        "requests": seen.requests,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
