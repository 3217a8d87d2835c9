"""Why requests went where they went: the newest decisions, each with its whole explanation."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import orjson

from tokenhub.storage import rows
from tokenhub.types import Attempt, DecisionRow

KEPT_MS: Final = 7 * 86_400_000
KEPT_ROWS: Final = 50_000
PRUNED_AT_ONCE: Final = 100
"""So many of the oldest rows, and two for each new one, are looked at with a group."""

_COLUMNS: Final = (
    "request_id",
    "timestamp_ms",
    "mode",
    "reason",
    "model_id",
    "provider_id",
    "estimated_cost_nano",
    "cost_nano",
    "attempts",
    "columns",
)
_INSERT: Final = (
    f"INSERT INTO decisions({', '.join(_COLUMNS)})"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
# The rowids are in the order of time, so the oldest are found without an index.
_PRUNE: Final = (
    "DELETE FROM decisions WHERE id IN (SELECT id FROM"
    " (SELECT id, timestamp_ms FROM decisions ORDER BY id LIMIT ?)"
    " WHERE timestamp_ms < ? OR id <= (SELECT max(id) FROM decisions) - ?)"
)
# The index begins with the time, so that new entries land at its end; with so few rows it is quick
# to read as a whole. Clients choose request ids and may choose one twice: the newest counts.
_GET: Final = (
    f"SELECT {', '.join(_COLUMNS)} FROM decisions WHERE id ="  # noqa: S608 - constants
    " (SELECT max(id) FROM decisions INDEXED BY decisions_by_request WHERE request_id = ?)"
)
_LISTED: Final = f"SELECT {', '.join(_COLUMNS[:-1])} FROM decisions"  # noqa: S608 - constants


def add(connection: sqlite3.Connection, decisions: Sequence[DecisionRow]) -> None:
    """Add decisions, in the caller's transaction."""
    connection.executemany(_INSERT, map(_row, decisions))


def prune(connection: sqlite3.Connection, decisions: Sequence[DecisionRow]) -> None:
    """Remove some decisions that are too old or too many now that `decisions` have been added.

    Explanations are 7 days old at most by the time of the newest one, and 50,000 at most. How many
    are removed is bounded by how many come, so that no group waits for a great clearing.
    """
    if not decisions:
        return
    oldest_ms = max(one.timestamp_ms for one in decisions) - KEPT_MS
    looked_at = PRUNED_AT_ONCE + 2 * len(decisions)
    connection.execute(_PRUNE, (looked_at, oldest_ms, KEPT_ROWS))


def get(connection: sqlite3.Connection, request_id: str) -> dict[str, Any] | None:
    """Return a decision as an item of `page` with its `columns`, None where there is none."""
    row = connection.execute(_GET, (request_id,)).fetchone()
    return None if row is None else {**_item(row), "columns": orjson.loads(row[-1])}


def page(
    connection: sqlite3.Connection, *, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """Return one page of decisions without their candidates, newest first, and their number."""
    total = connection.execute("SELECT count(*) FROM decisions").fetchone()[0]
    found = connection.execute(f"{_LISTED} ORDER BY id DESC LIMIT ? OFFSET ?", (limit, offset))
    return [_item(row) for row in found], total


def _row(decision: DecisionRow) -> tuple[str | int | None, ...]:
    return (
        rows.text(decision.request_id),
        decision.timestamp_ms,
        decision.mode,
        rows.text(decision.reason),
        decision.model_id,
        decision.provider_id,
        decision.estimated_cost_nano,
        decision.cost_nano,
        orjson.dumps([_attempt(one) for one in decision.attempts]).decode(),
        orjson.dumps(decision.columns()).decode(),
    )


def _attempt(attempt: Attempt) -> dict[str, Any]:
    """An attempt as it is kept; most leave nothing out, and then nothing is kept of that."""
    told = {
        "model_id": attempt.model_id,
        "provider_id": attempt.provider_id,
        "endpoint": attempt.endpoint,
        "api": attempt.api,
        "start_ms": round(attempt.start_ms, 3),
        "end_ms": round(attempt.end_ms, 3),
        "status": attempt.status,
        "error_class": attempt.error_class,
        "cost_usd": rows.usd(attempt.cost_nano),
    }
    return {**told, "left_out": attempt.left_out} if attempt.left_out else told


def _shown(attempt: dict[str, Any]) -> dict[str, Any]:
    return {**attempt, "left_out": attempt.get("left_out", [])}


def _item(row: tuple[Any, ...]) -> dict[str, Any]:
    known = dict(zip(_COLUMNS, row, strict=False))
    model_id, estimate_nano = known["model_id"], known["estimated_cost_nano"]
    return {
        "request_id": known["request_id"],
        "timestamp": rows.timestamp(known["timestamp_ms"]),
        "mode": known["mode"],
        "reason": known["reason"],
        "chosen": model_id and {"model_id": model_id, "provider_id": known["provider_id"]},
        "attempts": [_shown(one) for one in orjson.loads(known["attempts"])],
        "estimated_cost_usd": None if estimate_nano is None else rows.usd(estimate_nano),
        "cost_usd": rows.usd(known["cost_nano"]),
    }
