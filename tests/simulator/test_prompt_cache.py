"""The prompt caches of both services."""

import pytest

from tokenhub.simulator.model.prompt_cache import CacheUse, PromptCache, Segment


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def block(text: str, ttl: str | None = None, tokens: int = 1000) -> Segment:
    return Segment(text, tokens, ttl)


def test_a_short_prompt_is_not_cached() -> None:
    cache = PromptCache(Clock())
    assert [cache.automatic("m", ["x" * 4000], 1000) for _ in range(2)] == [0, 0]
    short = [block("a", "5m", tokens=1023)]
    assert [cache.explicit("m", short, 0) for _ in range(2)] == [CacheUse(1023)] * 2


def test_the_longest_common_prefix_counts_in_steps_of_128() -> None:
    cache = PromptCache(Clock())
    assert cache.automatic("m", ["x" * 8192], 2048) == 0
    assert cache.automatic("m", ["x" * 8192], 2048) == 2048
    assert cache.automatic("m", ["x" * 6000 + "y" * 4000], 2500) == 1408
    assert cache.automatic("other", ["x" * 8192], 2048) == 0


def test_automatic_caches_are_forgotten_after_ten_minutes() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    cache.automatic("m", ["x" * 8192], 2048)
    clock.now_s = 601
    assert cache.automatic("m", ["x" * 8192], 2048) == 0


def test_each_breakpoint_writes_what_came_since_the_last() -> None:
    cache = PromptCache(Clock())
    prompt = [block("a", "1h", 2000), block("b"), block("c", "5m"), block("d")]
    first = cache.explicit("m", prompt, 7)
    assert first == CacheUse(uncached=1007, read=0, written_5m=2000, written_1h=2000)
    assert cache.explicit("m", prompt, 7) == CacheUse(uncached=1007, read=4000)


def test_a_changed_block_keeps_the_prefix_before_it() -> None:
    cache = PromptCache(Clock())
    cache.explicit("m", [block("a", "5m", 2000), block("b", "5m")], 0)
    changed = cache.explicit("m", [block("a", "5m", 2000), block("B", "5m")], 0)
    assert changed == CacheUse(uncached=0, read=2000, written_5m=1000)


def test_a_longer_conversation_reads_what_the_shorter_one_wrote() -> None:
    cache = PromptCache(Clock())
    cache.explicit("m", [block("a", "5m", 2000)], 0)
    longer = cache.explicit("m", [block("a", None, 2000), block("b", "5m")], 0)
    assert longer == CacheUse(uncached=0, read=2000, written_5m=1000)


def test_explicit_caches_live_five_minutes_or_an_hour_and_reading_renews_them() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    short, long = [block("a", "5m", 2000)], [block("b", "1h", 2000)]
    cache.explicit("m", short, 0)
    cache.explicit("m", long, 0)
    clock.now_s = 200
    assert cache.explicit("m", short, 0).read == 2000
    clock.now_s = 450
    assert cache.explicit("m", short, 0).read == 2000
    clock.now_s = 1000
    assert cache.explicit("m", short, 0).read == 0
    assert cache.explicit("m", long, 0).read == 2000


def test_the_oldest_prefixes_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tokenhub.simulator.model.prompt_cache.MAX_PREFIXES", 1)
    cache = PromptCache(Clock())
    cache.explicit("m", [block("a", "5m", 2000)], 0)
    cache.explicit("m", [block("b", "5m", 2000)], 0)
    assert cache.explicit("m", [block("b", "5m", 2000)], 0).read == 2000
    assert cache.explicit("m", [block("a", "5m", 2000)], 0).read == 0
