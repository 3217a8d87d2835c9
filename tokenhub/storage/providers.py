"""Providers as the administrator described them; `spec` is a JSON object without the key."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from tokenhub.storage import rows


def get(connection: sqlite3.Connection, provider_id: str) -> dict[str, Any] | None:
    """Return the spec of one provider, None when there is none of this id."""
    row = connection.execute("SELECT spec FROM providers WHERE id = ?", (provider_id,)).fetchone()
    return None if row is None else dict(rows.load(row[0]))


def all(connection: sqlite3.Connection) -> list[tuple[str, dict[str, Any]]]:
    """Return (id, spec) of every provider, ordered by id."""
    found = connection.execute("SELECT id, spec FROM providers ORDER BY id")
    return [(provider_id, rows.load(spec)) for provider_id, spec in found]


def upsert(
    connection: sqlite3.Connection, provider_id: str, spec: Mapping[str, Any], now_ms: int
) -> bool:
    """Store a provider; True when it is new. Its models stay."""
    new = get(connection, provider_id) is None
    connection.execute(
        "INSERT INTO providers(id, spec, created_ms, updated_ms) VALUES (?1, ?2, ?3, ?3)"
        " ON CONFLICT(id) DO UPDATE SET spec = excluded.spec, updated_ms = excluded.updated_ms",
        (provider_id, rows.dump(spec), now_ms),
    )
    return new


def delete(connection: sqlite3.Connection, provider_id: str) -> bool:
    """Remove a provider and its models; False when there is none of this id."""
    return connection.execute("DELETE FROM providers WHERE id = ?", (provider_id,)).rowcount > 0
