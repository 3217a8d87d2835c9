import pytest

from tokenhub.health.cooldown import Cooldown
from tokenhub.types import ErrorClass


def waits(error_class: ErrorClass, times: int) -> list[float]:
    """The waits after failures each of which comes when the wait before is over."""
    cooldown, now, seen = Cooldown(), 1000.0, []
    for _ in range(times):
        cooldown.failed(now, error_class, None)
        seen.append(cooldown.left_s(now))
        now += seen[-1]
    return seen


def test_a_rate_limit_lasts_as_long_as_the_provider_says() -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, ErrorClass.RATE_LIMITED, 7.5)
    assert cooldown.left_s(1000.0) == 7.5
    assert cooldown.left_s(1007.5) == 0


def test_a_wait_of_a_day_is_cut_to_ten_minutes() -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, ErrorClass.RATE_LIMITED, 86_400.0)
    assert cooldown.left_s(1000.0) == 600


def test_of_two_waits_the_later_end_counts() -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, ErrorClass.RATE_LIMITED, 20.0)
    cooldown.failed(1001.0, ErrorClass.RATE_LIMITED, 1.0)
    assert cooldown.left_s(1001.0) == 19


@pytest.mark.parametrize(
    ("error_class", "expected"),
    [
        (ErrorClass.RATE_LIMITED, [5, 10, 20, 40, 60, 60]),
        (ErrorClass.AUTH, [60, 120, 240, 480, 600, 600]),
        (ErrorClass.BUDGET, [60, 120, 240, 480, 600, 600]),
    ],
)
def test_without_a_word_from_the_provider_the_wait_doubles(
    error_class: ErrorClass, expected: list[float]
) -> None:
    assert waits(error_class, 6) == expected


def test_failures_of_calls_side_by_side_count_once() -> None:
    cooldown = Cooldown()
    for _ in range(32):
        cooldown.failed(1000.0, ErrorClass.RATE_LIMITED, None)
    assert cooldown.left_s(1000.0) == 5


def test_after_a_success_the_wait_is_the_first_one_again() -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, ErrorClass.AUTH, None)
    cooldown.succeeded()
    cooldown.failed(1060.0, ErrorClass.AUTH, None)
    assert cooldown.left_s(1060.0) == 60


def test_a_refused_key_waits_for_longer_than_a_provider_asks() -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, ErrorClass.BUDGET, 0.02)
    assert cooldown.left_s(1000.0) == 60


@pytest.mark.parametrize(
    "error_class", [ErrorClass.TRANSIENT, ErrorClass.INVALID, ErrorClass.CANCELLED]
)
def test_other_failures_cool_nothing(error_class: ErrorClass) -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, error_class, 30.0)
    assert cooldown.left_s(1000.0) == 0


def test_time_asleep_counts() -> None:
    cooldown = Cooldown()
    cooldown.failed(1000.0, ErrorClass.RATE_LIMITED, 100.0)
    cooldown.slept(70.0)
    assert cooldown.left_s(1000.0) == 30
