"""What is known of one provider: its endpoints' breakers, its cooldown, and the state they make."""

from dataclasses import dataclass

from tokenhub.health.breaker import Breaker
from tokenhub.health.cooldown import Cooldown
from tokenhub.health.state import EndpointHealth, Health, HealthState, state_of_errors
from tokenhub.types import ErrorClass, Provider


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to call an endpoint, `url`, once; a `trial` decides whether it stays down."""

    provider_id: str
    url: str
    trial: bool = False


class _Endpoint:
    """A breaker, and the permit that nearly every call gets."""

    __slots__ = ("breaker", "permit")

    def __init__(self, provider_id: str, url: str) -> None:
        self.breaker = Breaker()
        self.permit = Permit(provider_id, url)


class Record:
    """One provider. Times are monotonic seconds but for those that say otherwise.

    Its consecutive errors are those of its best endpoint: a pool is as well as what it would
    choose. `remote` tells whether it needs a network beyond a private one. `untroubled` is False
    as long as anything may speak against calling it.
    """

    __slots__ = ("_endpoints", "_turn", "base_urls", "cooldown", "health", "remote", "untroubled")

    def __init__(self, provider: Provider, *, remote: bool, since_ms: int) -> None:
        self.base_urls = provider.base_urls
        self.remote = remote
        self.cooldown = Cooldown()
        self.health = Health(HealthState.HEALTHY, since_ms)
        self.untroubled = True
        self._endpoints = {url: _Endpoint(provider.id, url) for url in provider.base_urls}
        self._turn = 0

    def admits(self, now: float) -> bool:
        """Tell whether any endpoint may be called."""
        return any(endpoint.breaker.admits(now) for endpoint in self._endpoints.values())

    def begin(self, now: float) -> Permit | None:
        """Begin a call of the endpoint whose turn it is, passing over those that are down."""
        urls = self.base_urls
        for _ in urls:
            url = urls[self._turn % len(urls)]
            self._turn += 1
            if (permit := self.begin_at(url, now)) is not None:
                return permit
        return None

    def begin_at(self, url: str, now: float) -> Permit | None:
        """Begin a call of this endpoint, one of `base_urls`; None if it is down."""
        endpoint = self._endpoints[url]
        if not endpoint.breaker.admits(now):
            return None
        permit = endpoint.permit
        return (
            Permit(permit.provider_id, url, trial=True) if endpoint.breaker.begin(now) else permit
        )

    def breaker(self, permit: Permit) -> Breaker | None:
        """Return the breaker of the call's endpoint, None if the provider has moved since."""
        endpoint = self._endpoints.get(permit.url)
        return None if endpoint is None else endpoint.breaker

    def breakers(self) -> list[Breaker]:
        """Return all breakers."""
        return [endpoint.breaker for endpoint in self._endpoints.values()]

    def refresh(self, now: float, now_ms: int, failed: ErrorClass | None) -> HealthState | None:
        """Bring `health` up to date after a call; return the state before if it changed."""
        before = self.health
        errors = min(breaker.errors for breaker in self.breakers())
        state = state_of_errors(errors)
        changed = state is not before.state
        self.untroubled = state is HealthState.HEALTHY and not self.cooldown.left_s(now)
        self.health = Health(
            state,
            now_ms if changed else before.since_ms,
            errors,
            failed or before.last_error_class,
        )
        return before.state if changed else None

    def endpoints(self) -> tuple[EndpointHealth, ...]:
        """Return each endpoint's own state."""
        return tuple(
            EndpointHealth(url, state_of_errors(endpoint.breaker.errors))
            for url, endpoint in self._endpoints.items()
        )
