from datetime import UTC, datetime

import pytest

from tokenhub.ledger.periods import DAY_MS, next_day, next_month, periods_of


def ms(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def test_a_day_ends_at_midnight_utc() -> None:
    midnight = ms(2026, 3, 2)
    assert periods_of(midnight - 1).day + 1 == periods_of(midnight).day == midnight // DAY_MS


@pytest.mark.parametrize("day", [1, 15, 28])
def test_a_month_is_named_by_its_first_day(day: int) -> None:
    assert periods_of(ms(2026, 2, day, 23)).month_start == ms(2026, 2, 1) // DAY_MS


def test_the_next_day_and_month_are_told_in_utc() -> None:
    periods = periods_of(ms(2026, 12, 31, 12))
    assert next_day(periods.day) == "2027-01-01T00:00:00Z"
    assert next_month(periods.month_start) == "2027-01-01T00:00:00Z"
    assert next_month(periods_of(ms(2028, 2, 29)).month_start) == "2028-03-01T00:00:00Z"
