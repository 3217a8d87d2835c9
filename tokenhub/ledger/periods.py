"""The days and calendar months (UTC) that budgets are kept by."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

DAY_MS = 86_400_000


class Periods(NamedTuple):
    """The day and month of a moment, as numbers that only rise.

    `day` counts days since the epoch, `month_start` is the day that the month began with.
    """

    day: int
    month_start: int


def periods_of(now_ms: int) -> Periods:
    """Return the day and month that `now_ms` is in."""
    return _periods(now_ms // DAY_MS)


def next_day(day: int) -> str:
    """Return when the day after `day` begins, RFC 3339 in UTC."""
    return _rfc3339(_date(day) + timedelta(days=1))


def next_month(month_start: int) -> str:
    """Return when the month after the one that begins with the day `month_start` begins."""
    return _rfc3339((_date(month_start) + timedelta(days=31)).replace(day=1))


@lru_cache(maxsize=4)
def _periods(day: int) -> Periods:
    return Periods(day, day - _date(day).day + 1)


def _date(day: int) -> datetime:
    return datetime.fromtimestamp(day * DAY_MS // 1000, UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
