import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.health.world import Clocks
from tokenhub.health import latency
from tokenhub.health.latency import HALF_LIFE_S, UNTRIED, Latencies
from tokenhub.types import Observed

KEY = "openai/gpt-4o"


def whole(latencies: Latencies, seconds: float) -> None:
    latencies.succeeded(KEY, seconds, None, 10)


def rate(latencies: Latencies) -> float:
    failure_rate = latencies.observed(KEY).failure_rate
    assert failure_rate is not None
    return failure_rate


def test_nothing_is_known_of_an_untried_deployment() -> None:
    assert Latencies(Clocks().clock.monotonic).observed(KEY) is UNTRIED


def test_a_whole_answer_tells_its_time_only() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    whole(latencies, 1.5)
    assert latencies.observed(KEY) == Observed(1500.0, None, None, 0.0, 1)


def test_a_stream_tells_its_first_token_and_its_speed_too() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    latencies.succeeded(KEY, 2.5, 0.5, 100)
    assert latencies.observed(KEY) == Observed(2500.0, 500.0, 50.0, 0.0, 1)


@pytest.mark.parametrize(("latency_s", "tokens"), [(0.5, 100), (0.5005, 100), (2.5, 0)])
def test_the_speed_of_a_stream_without_length_is_not_known(latency_s: float, tokens: int) -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    latencies.succeeded(KEY, latency_s, 0.5, tokens)
    assert latencies.observed(KEY).tokens_per_s is None


def test_calls_of_the_same_moment_weigh_alike() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    for seconds in (1.0, 2.0, 6.0):
        whole(latencies, seconds)
    assert latencies.observed(KEY).latency_ms == pytest.approx(3000)


def test_a_call_of_a_half_life_ago_weighs_half() -> None:
    clocks = Clocks()
    latencies = Latencies(clocks.clock.monotonic)
    whole(latencies, 4.0)
    clocks.advance(HALF_LIFE_S)
    whole(latencies, 1.0)
    assert latencies.observed(KEY).latency_ms == pytest.approx(2000)


def test_a_busy_deployment_shows_a_change_within_some_forty_calls() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    for _ in range(1000):
        whole(latencies, 1.0)
    for _ in range(40):
        whole(latencies, 9.0)
    observed = latencies.observed(KEY)
    assert observed.latency_ms is not None
    assert 7500 < observed.latency_ms < 9000


def test_one_failure_does_not_condemn_a_new_deployment() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    latencies.failed(KEY)
    assert latencies.observed(KEY) == Observed(None, None, None, 0.5, 1)


def test_the_failure_rate_is_that_of_the_last_calls() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    for _ in range(15):
        whole(latencies, 1.0)
    for _ in range(5):
        latencies.failed(KEY)
    assert rate(latencies) == pytest.approx(5 / 21)


def test_failures_fade_without_any_call() -> None:
    clocks = Clocks()
    latencies = Latencies(clocks.clock.monotonic)
    for _ in range(5):
        latencies.failed(KEY)
    first = rate(latencies)
    clocks.advance(HALF_LIFE_S * 4)
    assert rate(latencies) < first / 3


def test_what_is_told_is_the_same_value_until_something_changes() -> None:
    clocks = Clocks()
    latencies = Latencies(clocks.clock.monotonic)
    whole(latencies, 1.0)
    told = latencies.observed(KEY)
    clocks.advance(latency.REFRESH_S - 1)
    assert latencies.observed(KEY) is told


def test_a_forgotten_provider_takes_its_deployments_along() -> None:
    latencies = Latencies(Clocks().clock.monotonic)
    whole(latencies, 1.0)
    latencies.succeeded("openai-eu/gpt-4o", 1.0, None, 1)
    latencies.forget("openai")
    assert latencies.observed(KEY) is UNTRIED
    assert latencies.observed("openai-eu/gpt-4o").requests == 1


def test_the_deployment_used_longest_ago_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(latency, "MAX_DEPLOYMENTS", 2)
    latencies = Latencies(Clocks().clock.monotonic)
    for key in ("p/a", "p/b", "p/a", "p/c"):
        latencies.succeeded(key, 1.0, None, 1)
    assert [latencies.observed(key).requests for key in ("p/a", "p/b", "p/c")] == [2, 0, 1]


@given(
    st.lists(
        st.tuples(st.floats(0.001, 600), st.booleans(), st.floats(0, 100_000)),
        min_size=1,
        max_size=50,
    )
)
def test_means_stay_within_what_was_seen(calls: list[tuple[float, bool, float]]) -> None:
    clocks = Clocks()
    latencies = Latencies(clocks.clock.monotonic)
    seen = []
    for seconds, well, pause in calls:
        clocks.advance(pause)
        if well:
            whole(latencies, seconds)
            seen.append(seconds * 1000)
        else:
            latencies.failed(KEY)
    observed = latencies.observed(KEY)
    assert observed.requests == len(calls)
    assert 0 <= rate(latencies) <= 1
    assert (observed.latency_ms is None) == (not seen)
    if observed.latency_ms is not None:
        assert min(seen) * 0.999 <= observed.latency_ms <= max(seen) * 1.001
