"""Numbers for Prometheus."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tokenhub.types import NANO, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SLICE_SAMPLES = 200
"""Samples rendered in one go: about a millisecond of the loop's time."""

_LATENCY_MS = (
    5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000
)  # fmt: skip
_OVERHEAD_MS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 50, 100)
_ROUTE = ("mode", "model", "provider")


@dataclass(frozen=True, slots=True)
class Readings:
    """What other parts know at the moment of a scrape.

    `provider_states` are 0 healthy, 1 degraded, 2 down.
    """

    provider_states: Mapping[str, int] = field(default_factory=dict)
    vault_locked: bool = False
    in_flight: int = 0
    store_dropped: int = 0
    settlements_waiting: int = 0
    event_subscribers: int = 0


class _Readings(Collector):
    """Asks for the readings when somebody scrapes."""

    def __init__(self, read: Callable[[], Readings]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """Nothing to check for duplicates before the parts that are read exist."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = self._read()
        states = GaugeMetricFamily(
            "tokenhub_provider_health_state",
            "Health by provider: 0 healthy, 1 degraded, 2 down",
            labels=("provider",),
        )
        for provider_id, state in now.provider_states.items():
            states.add_metric((provider_id,), state)
        yield states
        yield _gauge("tokenhub_vault_locked", "1 unless the vault is unlocked", now.vault_locked)
        yield _gauge("tokenhub_in_flight", "Requests that are being served", now.in_flight)
        yield _gauge(
            "tokenhub_settlement_queue_depth",
            "Settlements that wait for the database",
            now.settlements_waiting,
        )
        yield _gauge(
            "tokenhub_event_subscribers", "Clients that read events", now.event_subscribers
        )
        dropped = Metric(
            "tokenhub_store_dropped", "Request log rows that were not stored", "counter"
        )
        dropped.add_sample("tokenhub_store_dropped_total", {}, now.store_dropped)
        yield dropped


class _Route:
    """The children of one mode, model and provider, looked up once."""

    __slots__ = ("cost", "latency", "statuses", "tokens", "ttft")

    def __init__(self, metrics: "Metrics", mode: str, model: str, provider: str) -> None:
        self.latency = metrics.latency_ms.labels(mode, model, provider)
        self.ttft = metrics.ttft_ms.labels(mode, model, provider)
        self.cost = metrics.cost_usd.labels(model, provider)
        self.tokens = {
            direction: metrics.tokens.labels(model, provider, direction)
            for direction in ("input", "cached_input", "cache_write", "output", "reasoning")
        }
        self.statuses: dict[int, Counter] = {}


class Metrics:
    """All metrics of one hub, in a registry of their own.

    Label values come from the registry of models and from our own words, never from a client.
    """

    def __init__(self, read: Callable[[], Readings]) -> None:
        """Make the metrics; `read` is asked at every scrape."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Readings(read))
        self._routes: dict[tuple[str, str | None, str | None], _Route] = {}
        counter, histogram = self._counter, self._histogram
        self.requests = counter("requests", "Requests by HTTP status", (*_ROUTE, "status"))
        self.errors = counter("request_errors", "Failed requests by class", (*_ROUTE, "class"))
        self.latency_ms = histogram("request_latency_ms", "Until the whole answer", _LATENCY_MS)
        self.ttft_ms = histogram("ttft_ms", "Until a stream's first token", _LATENCY_MS)
        self.cost_usd = counter("cost_usd", "Cost without fees", ("model", "provider"))
        self.tokens = counter(
            "tokens",
            "Tokens; cached_input and cache_write are parts of input, reasoning of output",
            ("model", "provider", "direction"),
        )
        self.skips = counter(
            "provider_skips", "Deployments left out of a choice", ("provider", "reason")
        )
        self._rate_limited = counter("rate_limited", "Requests refused by a rate limit", ())
        self._overhead = histogram(
            "proxy_overhead_ms", "Time that was not spent waiting for a provider", _OVERHEAD_MS, ()
        )

    def observe(self, outcome: Outcome) -> None:
        """Count a finished request."""
        names = (outcome.mode, outcome.model, outcome.provider_id)
        route = self._routes.get(names)
        if route is None:
            route = _Route(self, outcome.mode, outcome.model or "", outcome.provider_id or "")
            self._routes[names] = route
        status = route.statuses.get(outcome.status)
        if status is None:
            labels = (outcome.mode, outcome.model or "", outcome.provider_id or "", outcome.status)
            status = route.statuses[outcome.status] = self.requests.labels(*labels)
        status.inc()
        route.latency.observe(outcome.latency_ms)
        if outcome.ttft_ms is not None:
            route.ttft.observe(outcome.ttft_ms)
        if outcome.overhead_ms is not None:
            self._overhead.observe(outcome.overhead_ms)
        if outcome.error_class is not None:
            self.errors.labels(
                outcome.mode, outcome.model or "", outcome.provider_id or "", outcome.error_class
            ).inc()
        self._count_usage(route, outcome)

    def aside(self, status: int, error_class: str | None) -> None:
        """Count a request that was answered before or beside the gateway's road."""
        self.requests.labels("", "", "", status).inc()
        if error_class is not None:
            self.errors.labels("", "", "", error_class).inc()

    def rate_limited(self) -> None:
        """Count a request that a rate limit refused."""
        self._rate_limited.inc()

    def skipped(self, provider_id: str, reason: str) -> None:
        """Count a deployment of `provider_id` that a choice left out for `reason`."""
        self.skips.labels(provider_id, reason).inc()

    async def render(self) -> bytes:
        """Return the text format, giving way to other work between slices of it."""
        parts: list[bytes] = []
        for metric in self._registry.collect():
            for part in _slices(metric):
                parts.append(part)
                await asyncio.sleep(0)
        return b"".join(parts)

    def _count_usage(self, route: _Route, outcome: Outcome) -> None:
        usage = outcome.usage
        if outcome.cost_nano:
            route.cost.inc(outcome.cost_nano / NANO)
        tokens = route.tokens
        if usage.input_tokens:
            tokens["input"].inc(usage.input_tokens)
        if usage.output_tokens:
            tokens["output"].inc(usage.output_tokens)
        if usage.cached_input_tokens:
            tokens["cached_input"].inc(usage.cached_input_tokens)
        if written := usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:
            tokens["cache_write"].inc(written)
        if usage.reasoning_tokens:
            tokens["reasoning"].inc(usage.reasoning_tokens)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"tokenhub_{name}", text, labels, registry=self._registry)

    def _histogram(
        self, name: str, text: str, bounds: tuple[float, ...], labels: tuple[str, ...] = _ROUTE
    ) -> Histogram:
        return Histogram(f"tokenhub_{name}", text, labels, buckets=bounds, registry=self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_metric((), value)
    return family


class _One:
    """A registry of one metric, which is all that the library's formatter asks for."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> tuple[Metric]:
        return (self._metric,)


def _slices(metric: Metric) -> Iterator[bytes]:
    """Render `metric` in parts: one `# HELP` and `# TYPE`, then its samples."""
    samples = [one for one in metric.samples if not one.name.endswith("_created")]
    for start in range(0, max(1, len(samples)), SLICE_SAMPLES):
        part = Metric(metric.name, metric.documentation, metric.type)
        part.samples = samples[start : start + SLICE_SAMPLES]
        text = generate_latest(_One(part))
        yield text if start == 0 else text.split(b"\n", 2)[2]
