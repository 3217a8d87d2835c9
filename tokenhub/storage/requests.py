"""The request log: metadata of every request, never a word of its content."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tokenhub.storage import rows
from tokenhub.types import Outcome

_COLUMNS: Final = (
    "request_id",
    "timestamp_ms",
    "api_key_id",
    "client",
    "endpoint",
    "stream",
    "model_requested",
    "model",
    "provider_id",
    "mode",
    "reason",
    "status",
    "error_class",
    "latency_ms",
    "ttft_ms",
    "attempts",
)
_INSERT: Final = (
    f"INSERT INTO requests({', '.join(_COLUMNS)})"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
# Clients choose request ids and may choose one twice: the newest settlement of that moment counts.
_PAGE: Final = (
    f"SELECT {', '.join(f'r.{name}' for name in _COLUMNS)},"  # noqa: S608 - constants
    " ifnull(s.input_tokens, 0), ifnull(s.cached_input_tokens, 0),"
    " ifnull(s.cache_write_5m_tokens + s.cache_write_1h_tokens, 0), ifnull(s.output_tokens, 0),"
    " ifnull(s.reasoning_tokens, 0), ifnull(s.cost_nano, 0), ifnull(s.fee_nano, 0),"
    " ifnull(s.estimated, 0)"
    " FROM requests r LEFT JOIN settlements s ON s.id ="
    " (SELECT max(id) FROM settlements"
    " WHERE timestamp_ms = r.timestamp_ms AND request_id = r.request_id)"
)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a log row must be to be listed; None lets everything pass. Times include `since_ms`."""

    model: str | None = None
    provider_id: str | None = None
    status: int | None = None
    api_key_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def sql(self) -> tuple[str, list[str | int]]:
        """Return the WHERE clause, empty when nothing is filtered, and its arguments."""
        tests = {
            "r.model = ?": self.model,
            "r.provider_id = ?": self.provider_id,
            "r.status = ?": self.status,
            "r.api_key_id = ?": self.api_key_id,
            "r.timestamp_ms >= ?": self.since_ms,
            "r.timestamp_ms < ?": self.until_ms,
        }
        asked = {test: value for test, value in tests.items() if value is not None}
        return (" WHERE " + " AND ".join(asked) if asked else "", list(asked.values()))


def add(connection: sqlite3.Connection, outcomes: Sequence[Outcome]) -> None:
    """Add finished requests to the log, in the caller's transaction."""
    connection.executemany(_INSERT, map(_row, outcomes))


def page(
    connection: sqlite3.Connection, wanted: LogFilter, *, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """Return one page of `logs` items, newest first, and how many there are."""
    where, arguments = wanted.sql()
    total = connection.execute(
        f"SELECT count(*) FROM requests r{where}",  # noqa: S608 - arguments are bound
        arguments,
    ).fetchone()[0]
    found = connection.execute(
        f"{_PAGE}{where} ORDER BY r.id DESC LIMIT ? OFFSET ?", [*arguments, limit, offset]
    )
    return [_item(row) for row in found], total


def _row(outcome: Outcome) -> tuple[str | int | float | None, ...]:
    return (
        rows.text(outcome.request_id),
        outcome.timestamp_ms,
        rows.text(outcome.api_key_id),
        rows.text(outcome.client),
        outcome.endpoint,
        outcome.stream,
        rows.text(outcome.model_requested),
        outcome.model,
        outcome.provider_id,
        outcome.mode,
        rows.text(outcome.reason),
        outcome.status,
        outcome.error_class,
        outcome.latency_ms,
        outcome.ttft_ms,
        len(outcome.attempts),
    )


def _item(row: tuple[Any, ...]) -> dict[str, Any]:
    known = dict(zip(_COLUMNS, row, strict=False))
    read, cached, written, output, reasoning, cost_nano, fee_nano, estimated = row[len(_COLUMNS) :]
    return {
        "timestamp": rows.timestamp(known.pop("timestamp_ms")),
        **known,
        "stream": bool(known["stream"]),
        "alias": None,
        "input_tokens": read,
        "cached_input_tokens": cached,
        "cache_write_tokens": written,
        "output_tokens": output,
        "reasoning_tokens": reasoning,
        "cost_usd": rows.usd(cost_nano),
        "fee_usd": rows.usd(fee_nano),
        "estimated": bool(estimated),
    }
