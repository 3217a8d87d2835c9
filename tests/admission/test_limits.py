from dataclasses import replace

import pytest

from tokenhub.admission import limits
from tokenhub.admission.limits import AddressLimiter, Buckets, RateLimiter
from tokenhub.errors import RateLimited
from tokenhub.types import ApiKey

KEY = ApiKey("k1", "editor", b"")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def served(limiter: RateLimiter, key: ApiKey, tries: int) -> int:
    """How many of `tries` requests at one moment get through."""
    passed = 0
    for _ in range(tries):
        try:
            limiter.check(key)
        except RateLimited:
            continue
        passed += 1
    return passed


def test_a_burst_gets_through_and_no_more(clock: Clock) -> None:
    assert served(RateLimiter(60, 120, clock), KEY, 200) == 120


def test_tokens_flow_in_at_the_rate(clock: Clock) -> None:
    limiter = RateLimiter(10, 20, clock)
    served(limiter, KEY, 50)
    clock.now += 0.5
    assert served(limiter, KEY, 50) == 5


def test_a_bucket_holds_no_more_than_the_burst(clock: Clock) -> None:
    limiter = RateLimiter(10, 20, clock)
    served(limiter, KEY, 1)
    clock.now += 3600
    assert served(limiter, KEY, 50) == 20


def test_a_refusal_says_when_to_come_back(clock: Clock) -> None:
    limiter = RateLimiter(0.25, 1, clock)
    limiter.check(KEY)
    with pytest.raises(RateLimited, match=r"0\.25 requests per second; try again in 4 s") as caught:
        limiter.check(KEY)
    assert caught.value.retry_after_s == 4.0
    assert caught.value.headers["Retry-After"] == "4"


def test_a_refused_request_takes_no_token(clock: Clock) -> None:
    limiter = RateLimiter(1, 1, clock)
    served(limiter, KEY, 100)
    clock.now += 1
    limiter.check(KEY)


def test_keys_do_not_share_a_bucket(clock: Clock) -> None:
    limiter = RateLimiter(1, 1, clock)
    limiter.check(KEY)
    limiter.check(replace(KEY, id="k2"))


def test_a_keys_own_limit_replaces_the_general_one_with_twice_its_rate_as_burst(
    clock: Clock,
) -> None:
    limiter = RateLimiter(60, 120, clock)
    assert served(limiter, replace(KEY, rate_limit_rps=5), 200) == 10


def test_a_key_may_have_a_burst_of_its_own(clock: Clock) -> None:
    limiter = RateLimiter(60, 120, clock)
    assert served(limiter, replace(KEY, rate_limit_rps=5, rate_limit_burst=7), 200) == 7
    assert served(limiter, replace(KEY, id="k2", rate_limit_burst=8), 200) == 8


def test_a_limit_that_was_lowered_holds_at_once(clock: Clock) -> None:
    limiter = RateLimiter(60, 120, clock)
    limiter.check(KEY)
    assert served(limiter, replace(KEY, rate_limit_rps=1), 50) == 2


def test_a_rate_below_one_still_lets_a_single_request_through(clock: Clock) -> None:
    assert served(RateLimiter(60, 120, clock), replace(KEY, rate_limit_rps=0.1), 5) == 1


@pytest.mark.parametrize("key", [KEY, replace(KEY, rate_limit_burst=1)])
def test_a_general_rate_of_zero_is_no_limit(key: ApiKey, clock: Clock) -> None:
    assert served(RateLimiter(0, 0, clock), key, 500) == 500


def test_a_keys_rate_of_zero_lifts_the_general_limit(clock: Clock) -> None:
    assert served(RateLimiter(1, 1, clock), replace(KEY, rate_limit_rps=0), 500) == 500


def test_an_address_has_a_rate_and_twice_that_as_burst(clock: Clock) -> None:
    limiter = AddressLimiter(limits.STRANGER_RPS, clock)
    for _ in range(20):
        limiter.check("192.0.2.1")
    with pytest.raises(RateLimited, match="an address may send 10 requests per second"):
        limiter.check("192.0.2.1")
    limiter.check("192.0.2.2")


def test_an_address_limit_of_zero_is_no_limit(clock: Clock) -> None:
    limiter = AddressLimiter(0, clock)
    for _ in range(500):
        limiter.check("192.0.2.1")


def test_the_bucket_used_longest_ago_is_forgotten_first(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_BUCKETS", 2)
    buckets = Buckets(clock)
    assert buckets.take("old", 1, 1) == 0
    assert buckets.take("kept", 1, 1) == 0
    assert buckets.take("old", 1, 1) == 1
    assert buckets.take("new", 1, 1) == 0
    assert buckets.take("old", 1, 1) == 1
    assert buckets.take("kept", 1, 1) == 0
