"""The audit trail's rows: numbered from 1 without a gap, only ever added."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One administrator's change; `before` and `after` are JSON texts, `mac` chains the rows."""

    id: int
    timestamp_ms: int
    action: str
    resource: str
    actor: str
    request_id: str | None
    before: str | None
    after: str | None
    mac: bytes


def append(connection: sqlite3.Connection, row: AuditRow) -> None:
    """Add a row; its id is the last one's plus 1."""
    connection.execute(
        "INSERT INTO audit(id, timestamp_ms, action, resource, actor, request_id, before, after,"
        " mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.id,
            row.timestamp_ms,
            row.action,
            row.resource,
            row.actor,
            row.request_id,
            row.before,
            row.after,
            row.mac,
        ),
    )


def last(connection: sqlite3.Connection) -> tuple[int, bytes] | None:
    """Return (id, mac) of the newest row, None when there is none; the id is their number."""
    row = connection.execute("SELECT id, mac FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else (row[0], row[1])
