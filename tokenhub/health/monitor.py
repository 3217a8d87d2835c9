"""The one place that knows how providers, their endpoints and their models do.

The road asks it before a decision (`condition`, `observed`) and around each call (`begin`,
`answered`, `finished`); the prober tells it what it found. Every permit that `begin` gives ends
in one call of `finished`, whatever happened.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tokenhub.health.activity import Activity
from tokenhub.health.fleet import Fleet
from tokenhub.health.lacking import LackingApis
from tokenhub.health.latency import Latencies
from tokenhub.health.network import Network, SleepWatch
from tokenhub.health.record import Permit, Record
from tokenhub.health.state import EndpointHealth, Health, HealthState, ProviderHealth
from tokenhub.types import Clock, ErrorClass, Observed, Provider, ProviderCondition, per_request

FINE = ProviderCondition()
OFFLINE = ProviderCondition(offline=True)

_BLAMELESS = frozenset(
    {
        ErrorClass.INVALID,
        ErrorClass.CONTEXT_OVERFLOW,
        ErrorClass.CANCELLED,
        ErrorClass.UNSUPPORTED,
    }
)
"""Failures that say nothing about a provider: the request's own fault, or a missing API."""
_COUNTED = frozenset({ErrorClass.TRANSIENT, ErrorClass.AUTH, ErrorClass.BUDGET})
"""Failures that open a breaker; one that limits its rate works, and says itself when to return."""
_NO_WORD = frozenset({ErrorClass.TRANSIENT, ErrorClass.CANCELLED})
"""Ends that do not prove that the provider answered; all others do."""


@per_request
class CallEnd:
    """How a call ended: `error_class` None means well.

    `retry_after_s` and `unreachable` are those of the `UpstreamError`. Of a call that went well:
    `latency_s` until its answer was whole, `ttft_s` until a stream's first token (None for other
    answers), and `output_tokens`.
    """

    error_class: ErrorClass | None = None
    retry_after_s: float | None = None
    unreachable: bool = False
    latency_s: float = 0.0
    ttft_s: float | None = None
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of what; none of them may raise or wait.

    `health_changed` gets a provider's id, its state before, and its health now; `offline_changed`
    whether the hub is offline; `slept` is called after a resume from sleep, when idle connections
    are dead.
    """

    health_changed: Callable[[str, HealthState, Health], None]
    offline_changed: Callable[[bool], None]
    slept: Callable[[], None]


class HealthMonitor:
    """Health of providers and endpoints, breakers, cooldowns, the network, observed latencies."""

    def __init__(
        self, clock: Clock, fleet: Fleet, activity: Activity, listeners: Listeners
    ) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic
        self._started_ms = clock.now_ms()
        self._fleet = fleet
        self._activity = activity
        self._listeners = listeners
        self._records: dict[str, Record] = {}
        self._latencies = Latencies(clock.monotonic)
        self.lacking = LackingApis(clock.monotonic)
        self._network = Network(clock.monotonic, listeners.offline_changed)
        self._sleep = SleepWatch(clock)

    def used(self) -> None:
        """A request came. To be called for each one, before its decision."""
        self._activity.touch()
        self.look_at_clocks()

    def look_at_clocks(self) -> None:
        """Notice a resume from sleep: waits are over, and connections are dead."""
        slept_s = self._sleep.slept_s()
        if slept_s == 0.0:
            return
        now = self._monotonic()
        for record in self._records.values():
            record.cooldown.slept(slept_s)
            for breaker in record.breakers():
                breaker.half_open(now)
        self._network.try_now()
        self._listeners.slept()

    def condition(self, provider: Provider) -> ProviderCondition:
        """Return what speaks against calling `provider` now; `missing` is not known here."""
        record = self._record(provider)
        if record.remote and self._network.closed:
            return OFFLINE
        if record.untroubled:
            return FINE
        now = self._monotonic()
        left_s = record.cooldown.left_s(now)
        return ProviderCondition(
            down=not record.admits(now),
            degraded=record.health.state is not HealthState.HEALTHY,
            cooling_until_ms=self._wall_ms(left_s),
        )

    def observed(self, deployment_key: str) -> Observed:
        """Return how the deployment (`Deployment.key`) has done lately."""
        return self._latencies.observed(deployment_key)

    def begin(self, provider: Provider) -> Permit | None:
        """Begin a call: return its endpoint, None if the provider may not be called now.

        A provider's endpoints take turns, those that are down are passed over.
        """
        now = self._monotonic()
        record = self._record(provider)
        if not record.untroubled and record.cooldown.left_s(now):
            return None
        if record.remote:
            self._network.trying()
        return record.begin(now)

    def answered(self, permit: Permit) -> None:
        """The first content of a stream came: if this is a trial, others need not await its end."""
        record = self._records.get(permit.provider_id)
        if record is not None and permit.trial:
            self._succeeded(record, permit)

    def finished(self, permit: Permit, deployment_key: str, end: CallEnd) -> None:
        """A call ended, in whatever way; `deployment_key` is what it was for (`Deployment.key`)."""
        record = self._records.get(permit.provider_id)
        if record is None:
            return
        self._hear(permit, record, end)
        if end.error_class is None:
            self._latencies.succeeded(deployment_key, end.latency_s, end.ttft_s, end.output_tokens)
            self._succeeded(record, permit)
            return
        if end.error_class not in _BLAMELESS and not self._is_network(record, end):
            self._latencies.failed(deployment_key)
        self._failed(record, permit, end)

    def begin_probe(self, provider: Provider, url: str) -> Permit | None:
        """Begin a probe of one endpoint; None if the provider is to be left alone now."""
        now = self._monotonic()
        record = self._record(provider)
        return None if record.cooldown.left_s(now) else record.begin_at(url, now)

    def probed(self, permit: Permit, end: CallEnd) -> None:
        """A probe ended."""
        record = self._records.get(permit.provider_id)
        if record is None:
            return
        self._hear(permit, record, end)
        if end.error_class is not None:
            self._failed(record, permit, end, by_probe=True)
        elif (breaker := record.breaker(permit)) is not None and breaker.errors:
            breaker.probed(self._monotonic())
            self._refresh(permit.provider_id, record, None)

    def of(self, provider_id: str) -> Health:
        """Return the provider's health; one that was never called is healthy."""
        record = self._records.get(provider_id)
        return Health(HealthState.HEALTHY, self._started_ms) if record is None else record.health

    def states(self) -> list[ProviderHealth]:
        """Return the health of every provider in the registry, by id."""
        return [self._state(provider) for _, provider in sorted(self._fleet.providers.items())]

    @property
    def offline(self) -> bool:
        """Whether nothing beyond private networks can be reached."""
        return self._network.offline

    def forget(self, provider_id: str) -> None:
        """Begin anew with a provider that was deleted, or has a new address or key."""
        self._records.pop(provider_id, None)
        self._latencies.forget(provider_id)
        self._network.forget(provider_id)
        self.lacking.forget(provider_id)

    def _record(self, provider: Provider) -> Record:
        record = self._records.get(provider.id)
        if record is None or record.base_urls != provider.base_urls:
            remote = not self._fleet.is_local(provider)
            record = Record(provider, remote=remote, since_ms=self._clock.now_ms())
            self._records[provider.id] = record
        return record

    def _hear(self, permit: Permit, record: Record, end: CallEnd) -> None:
        """Note what a call's end says about our own network."""
        if not record.remote:
            return
        if end.error_class not in _NO_WORD:
            self._network.reached()
        elif end.unreachable:
            was_offline = self._network.offline
            self._network.unreached(permit.provider_id, self._fleet.remote_ids())
            if self._network.offline and not was_offline:
                self._forgive_unreached()

    def _is_network(self, record: Record, end: CallEnd) -> bool:
        return record.remote and end.unreachable and self._network.offline

    def _succeeded(self, record: Record, permit: Permit) -> None:
        breaker = record.breaker(permit)
        if breaker is None or (record.untroubled and breaker.errors == 0):
            return
        breaker.succeeded()
        record.cooldown.succeeded()
        self._refresh(permit.provider_id, record, None)

    def _failed(
        self, record: Record, permit: Permit, end: CallEnd, *, by_probe: bool = False
    ) -> None:
        breaker, error_class = record.breaker(permit), end.error_class
        if breaker is None or error_class is None:
            return
        now = self._monotonic()
        if error_class in _COUNTED and not self._is_network(record, end):
            breaker.failed(now, trial=permit.trial, by_probe=by_probe, unreachable=end.unreachable)
        elif permit.trial:
            breaker.released()
        if error_class in _BLAMELESS:
            return
        record.cooldown.failed(now, error_class, end.retry_after_s)
        self._refresh(permit.provider_id, record, error_class)

    def _forgive_unreached(self) -> None:
        """It was our network: take back what it made of the providers."""
        for provider_id, record in self._records.items():
            if record.remote:
                for breaker in record.breakers():
                    breaker.forgive_unreached()
                self._refresh(provider_id, record, None)

    def _refresh(self, provider_id: str, record: Record, failed: ErrorClass | None) -> None:
        before = record.refresh(self._monotonic(), self._clock.now_ms(), failed)
        if before is not None:
            self._listeners.health_changed(provider_id, before, record.health)

    def _state(self, provider: Provider) -> ProviderHealth:
        record = self._records.get(provider.id)
        if record is None:
            return ProviderHealth(
                provider.id,
                self.of(provider.id),
                None,
                tuple(EndpointHealth(url, HealthState.HEALTHY) for url in provider.base_urls),
            )
        left_s = record.cooldown.left_s(self._monotonic())
        return ProviderHealth(provider.id, record.health, self._wall_ms(left_s), record.endpoints())

    def _wall_ms(self, left_s: float) -> int | None:
        """The moment `left_s` from now, None for none."""
        return self._clock.now_ms() + round(left_s * 1000) if left_s else None
