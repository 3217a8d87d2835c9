"""How fast and how reliable each deployment has been lately.

All means are weighted by age: what a call weighs halves every ten minutes, so a morning's slowness
does not count in the afternoon; and never more than the last `MOST_WEIGHT` calls count, so a busy
deployment's mean follows a change within seconds.
"""

from collections import OrderedDict
from collections.abc import Callable

from tokenhub.types import Observed

MAX_DEPLOYMENTS = 10_000
HALF_LIFE_S = 600.0
MOST_WEIGHT = 20.0
"""The weight of all earlier calls together, in calls."""
BENEFIT_OF_DOUBT = 1.0
"""A failure rate is told as if so many calls had gone well besides, whatever their age."""
REFRESH_S = 10.0
"""A deployment that is not called is told anew after this, since its failures fade."""
LEAST_STREAM_S = 0.001
"""The speed of a stream that took less from its first token is not known."""

UNTRIED = Observed()


class _Mean:
    """A mean in which a value's weight halves every `HALF_LIFE_S`."""

    __slots__ = ("_at", "_weight", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        self._weight = 0.0
        self._at = 0.0

    def weight(self, now: float) -> float:
        """Return how many calls of this moment the mean is worth."""
        return float(self._weight * 0.5 ** ((now - self._at) / HALF_LIFE_S))

    def learn(self, value: float, now: float) -> None:
        """Take `value` in."""
        before = min(self.weight(now), MOST_WEIGHT)
        self.value = value if self.value is None else (self.value * before + value) / (before + 1)
        self._weight, self._at = before + 1, now


class _Record:
    """What is known of one deployment, and how it was last told."""

    __slots__ = ("failures", "latency", "requests", "speed", "told", "told_at", "ttft")

    def __init__(self) -> None:
        self.requests = 0
        self.failures = _Mean()
        self.latency = _Mean()
        self.ttft = _Mean()
        self.speed = _Mean()
        self.told: Observed | None = None
        self.told_at = 0.0

    def tell(self, now: float) -> Observed:
        if self.told is None or now >= self.told_at + REFRESH_S:
            rate, weight = self.failures.value, self.failures.weight(now)
            self.told_at = now
            self.told = Observed(
                self.latency.value,
                self.ttft.value,
                self.speed.value,
                None if rate is None else rate * weight / (weight + BENEFIT_OF_DOUBT),
                self.requests,
            )
        return self.told


class Latencies:
    """The records by deployment key; the ones used longest ago are forgotten first."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def observed(self, deployment_key: str) -> Observed:
        """Return what is known of the deployment; at most `REFRESH_S` old."""
        record = self._records.get(deployment_key)
        return UNTRIED if record is None else record.tell(self._monotonic())

    def succeeded(
        self, deployment_key: str, latency_s: float, ttft_s: float | None, output_tokens: int
    ) -> None:
        """A whole answer came after `latency_s`, its first token (of a stream) after `ttft_s`."""
        now = self._monotonic()
        record = self._counted(deployment_key)
        record.failures.learn(0.0, now)
        record.latency.learn(latency_s * 1000, now)
        if ttft_s is None:
            return
        record.ttft.learn(ttft_s * 1000, now)
        if output_tokens > 0 and latency_s - ttft_s >= LEAST_STREAM_S:
            record.speed.learn(output_tokens / (latency_s - ttft_s), now)

    def failed(self, deployment_key: str) -> None:
        """A call failed by the provider's fault."""
        self._counted(deployment_key).failures.learn(1.0, self._monotonic())

    def forget(self, provider_id: str) -> None:
        """Drop what is known of a provider's deployments."""
        prefix = f"{provider_id}/"
        for key in [key for key in self._records if key.startswith(prefix)]:
            del self._records[key]

    def _counted(self, deployment_key: str) -> _Record:
        """The record, made if need be, with one request more."""
        record = self._records.get(deployment_key)
        if record is None:
            if len(self._records) >= MAX_DEPLOYMENTS:
                self._records.popitem(last=False)
            record = self._records[deployment_key] = _Record()
        else:
            self._records.move_to_end(deployment_key)
        record.requests += 1
        record.told = None
        return record
