"""What had been spent when the process started."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from tokenhub.ledger.periods import periods_of
from tokenhub.storage import ledger as daily_sums


@dataclass(frozen=True, slots=True)
class Spent:
    """Nano-dollars, fees included: this month's of each key, this month's and today's of all."""

    by_key_this_month: Mapping[str, int] = field(default_factory=dict)
    hub_this_month: int = 0
    hub_today: int = 0


def read_spent(connection: sqlite3.Connection, now_ms: int) -> Spent:
    """Return what the daily sums say of the day and month (UTC) that `now_ms` is in."""
    periods = periods_of(now_ms)
    month = daily_sums.spent_since(connection, periods.month_start)
    today = daily_sums.spent_since(connection, periods.day)
    return Spent(month, sum(month.values()), sum(today.values()))
