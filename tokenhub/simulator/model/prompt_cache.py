"""The prompt caches of the services: OpenAI's of itself, Anthropic's where it is asked for."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

BLOCK_TOKENS = 128
"""OpenAI caches in steps of 128 tokens (prompt caching guide)."""

MIN_TOKENS = 1024
"""Shorter prefixes are not cached (both services' prompt caching guides)."""

MAX_BLOCKS = 4096
"""Steps that are looked at: 524,288 tokens."""

MAX_PREFIXES = 100_000

BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """A block of an Anthropic prompt: its text, its tokens, and how long a breakpoint lives."""

    text: str
    tokens: int
    ttl: str | None = None


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens of a prompt, each in one of the four."""

    uncached: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0


class PromptCache:
    """Remembers prefixes; `monotonic` is a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._expires_s: OrderedDict[bytes, float] = OrderedDict()

    def automatic(self, model: str, texts: Iterable[str], tokens: int) -> int:
        """How many of a prompt's `tokens` were cached; the prompt is from now on (10 minutes).

        OpenAI's way: the longest known prefix, 1024 tokens or more, in steps of 128.
        """
        if tokens < MIN_TOKENS:
            return 0
        data = "\0".join(texts).encode()
        step = BLOCK_TOKENS * BYTES_PER_TOKEN
        digest = hashlib.blake2b(model.encode(), digest_size=16)
        prefixes = []
        for index in range(min(len(data) // step, MAX_BLOCKS)):
            digest.update(data[index * step : (index + 1) * step])
            if (index + 1) * BLOCK_TOKENS >= MIN_TOKENS:
                prefixes.append(digest.digest())
        known = self._longest(prefixes)
        for prefix in prefixes:
            self._remember(prefix, 600)
        cached = MIN_TOKENS + known * BLOCK_TOKENS if known >= 0 else 0
        return min(cached, tokens // BLOCK_TOKENS * BLOCK_TOKENS)

    def explicit(self, model: str, segments: Sequence[Segment], overhead: int) -> CacheUse:
        """What of a prompt is read from the cache and written to it at its breakpoints.

        Anthropic's way: the longest prefix that ended at a breakpoint before. `overhead` are tokens
        that belong to no segment.
        """
        digest = hashlib.blake2b(model.encode(), digest_size=16)
        prefixes, ends, total = [], [], 0
        for segment in segments:
            digest.update(segment.text.encode() + b"\0")
            total += segment.tokens
            prefixes.append(digest.digest())
            ends.append(total)
        points = [
            index
            for index, segment in enumerate(segments)
            if segment.ttl and ends[index] >= MIN_TOKENS
        ]
        if not points:
            return CacheUse(total + overhead)
        known = self._longest(prefixes[: points[-1] + 1])
        read = done = ends[known] if known >= 0 else 0
        written = {"5m": 0, "1h": 0}
        for index in points:
            ttl = segments[index].ttl or "5m"
            written[ttl] += max(0, ends[index] - done)
            done = max(done, ends[index])
            self._remember(prefixes[index], 3600 if ttl == "1h" else 300)
        return CacheUse(total - done + overhead, read, written["5m"], written["1h"])

    def _longest(self, prefixes: Sequence[bytes]) -> int:
        now_s = self._monotonic()
        for index in range(len(prefixes) - 1, -1, -1):
            if self._expires_s.get(prefixes[index], 0.0) > now_s:
                return index
        return -1

    def _remember(self, prefix: bytes, ttl_s: float) -> None:
        expires_s = self._monotonic() + ttl_s
        self._expires_s[prefix] = max(expires_s, self._expires_s.get(prefix, 0.0))
        self._expires_s.move_to_end(prefix)
        while len(self._expires_s) > MAX_PREFIXES:
            self._expires_s.popitem(last=False)
