"""What was spent: a row a charged request, and sums a day that are kept for ever."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

from tokenhub.storage import rows
from tokenhub.types import Outcome, Prices

DAY_MS: Final = 86_400_000

TOKENS: Final = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
)
"""The token counters, named alike in `types.Usage` and in both tables."""

_SETTLEMENT: Final = (
    "request_id",
    "timestamp_ms",
    "api_key_id",
    "model",
    "provider_id",
    "price_sheet_id",
    *TOKENS,
    "cost_nano",
    "fee_nano",
    "estimated",
)
_SUMS: Final = ("requests", "errors", *TOKENS, "cost_nano", "fee_nano")

_INSERT_SETTLEMENT: Final = (
    f"INSERT INTO settlements({', '.join(_SETTLEMENT)})"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * len(_SETTLEMENT))})"
)
# A sum stops at the largest counter: one that overflowed would be refused with all that follow.
_ADD_TO_DAY: Final = (
    "INSERT INTO ledger_daily(day, api_key_id, model, provider_id,"  # noqa: S608 - constants
    f" {', '.join(_SUMS)}) VALUES (?, ?, ?, ?, {', '.join('?' * len(_SUMS))})"
    " ON CONFLICT(day, api_key_id, model, provider_id) DO UPDATE SET "
    + ", ".join(f"{name} = min({name} + excluded.{name}, {rows.LARGEST})" for name in _SUMS)
)

_Day = tuple[int, str, str, str]


def day_of(timestamp_ms: int) -> int:
    """Return the UTC day of a time, in days since the epoch."""
    return timestamp_ms // DAY_MS


def add(connection: sqlite3.Connection, outcomes: Sequence[Outcome]) -> None:
    """Add finished requests to the ledger, in the caller's transaction.

    Every one counts in the sums of its day; one that used tokens or money has a row of its own. A
    request that no model served is summed under the empty model and provider.
    """
    sheets: dict[Prices, int] = {}
    settlements: list[tuple[str | int | None, ...]] = []
    days: dict[_Day, list[int]] = {}
    for outcome in outcomes:
        tokens = [rows.counter(getattr(outcome.usage, name)) for name in TOKENS]
        money = [rows.counter(outcome.cost_nano), rows.counter(outcome.fee_nano)]
        model, provider_id = rows.text(outcome.model or ""), rows.text(outcome.provider_id or "")
        key = (day_of(outcome.timestamp_ms), rows.text(outcome.api_key_id), model, provider_id)
        sums = [1, int(outcome.status >= 400), *tokens, *money]
        days[key] = [a + b for a, b in zip(days[key], sums, strict=True)] if key in days else sums
        if any(tokens) or any(money):
            settlements.append(
                (
                    rows.text(outcome.request_id),
                    outcome.timestamp_ms,
                    *key[1:],
                    _sheet_id(connection, sheets, outcome.prices),
                    *tokens,
                    *money,
                    outcome.estimated,
                )
            )
    connection.executemany(_INSERT_SETTLEMENT, settlements)
    connection.executemany(_ADD_TO_DAY, _day_rows(days))


def spent_since(connection: sqlite3.Connection, day: int) -> dict[str, int]:
    """Return what each client key has spent from `day` on: nano-dollars, fees included, by key id.

    The sum of the values is what the hub has spent.
    """
    found = connection.execute(
        "SELECT api_key_id, sum(cost_nano + fee_nano) FROM ledger_daily WHERE day >= ?"
        " GROUP BY api_key_id",
        (day,),
    )
    return dict(found)


def _day_rows(days: dict[_Day, list[int]]) -> Iterable[tuple[int | str, ...]]:
    return ((*key, *map(rows.counter, sums)) for key, sums in days.items())


def _sheet_id(
    connection: sqlite3.Connection, known: dict[Prices, int], prices: Prices | None
) -> int | None:
    if prices is None:
        return None
    if prices not in known:
        sheet = rows.dump(asdict(prices))
        connection.execute("INSERT OR IGNORE INTO price_sheets(sheet) VALUES (?)", (sheet,))
        found = connection.execute("SELECT id FROM price_sheets WHERE sheet = ?", (sheet,))
        known[prices] = int(found.fetchone()[0])
    return known[prices]
