"""How often somebody may come: token buckets."""

import math
from collections import OrderedDict
from collections.abc import Callable

from tokenhub.errors import RateLimited
from tokenhub.types import ApiKey

MAX_BUCKETS = 10_000
STRANGER_RPS = 10.0
"""Requests a second that one address may send without a valid key."""


class _Bucket:
    """`tokens` that were there at `at` (monotonic seconds)."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at


class Buckets:
    """Token buckets by name; beyond MAX_BUCKETS the one that was used longest ago is forgotten."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, rps: float, burst: float) -> float:
        """Take one token; return 0, or the seconds until there is one (and take none).

        `rps` tokens a second flow in, up to `burst`; the bucket of a new name is full.
        """
        now = self._monotonic()
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[name] = _Bucket(burst, now)
        else:
            self._buckets.move_to_end(name)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rps)
        bucket.at = now
        if bucket.tokens >= 1.0:
            bucket.tokens -= 1.0
            return 0.0
        return (1.0 - bucket.tokens) / rps


class RateLimiter:
    """Requests a second of each client key; a key's own limit replaces `rps`; 0 is no limit."""

    def __init__(self, rps: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._rps = rps
        self._burst = burst
        self._buckets = Buckets(monotonic)

    def check(self, key: ApiKey) -> None:
        """Count one request of `key`; raises RateLimited when it came too early."""
        rps, burst = self._rps, self._burst
        if key.rate_limit_rps is not None:
            rps = key.rate_limit_rps
            burst = 2 * rps
        if rps <= 0:
            return
        if key.rate_limit_burst is not None:
            burst = key.rate_limit_burst
        wait_s = self._buckets.take(key.id, rps, max(1.0, burst))
        if wait_s > 0:
            raise _too_early(f"this key may send {rps:g} requests per second", wait_s)


class AddressLimiter:
    """Requests a second of each address, with a burst of twice that; 0 is no limit."""

    def __init__(self, rps: float, monotonic: Callable[[], float]) -> None:
        self._rps = rps
        self._buckets = Buckets(monotonic)

    def check(self, address: str) -> None:
        """Count one request from `address`; raises RateLimited when it came too early."""
        if self._rps <= 0:
            return
        wait_s = self._buckets.take(address, self._rps, max(1.0, 2 * self._rps))
        if wait_s > 0:
            raise _too_early(f"an address may send {self._rps:g} requests per second here", wait_s)


def _too_early(allowed: str, wait_s: float) -> RateLimited:
    message = f"rate limit: {allowed}; try again in {math.ceil(wait_s)} s"
    return RateLimited(message, retry_after_s=wait_s)
