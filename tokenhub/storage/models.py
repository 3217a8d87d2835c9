"""Deployments: models at providers, unique by both ids; `spec` is a JSON object."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from tokenhub.storage import rows


def get(connection: sqlite3.Connection, provider_id: str, model_id: str) -> dict[str, Any] | None:
    """Return the spec of one deployment, None when there is none."""
    row = connection.execute(
        "SELECT spec FROM models WHERE provider_id = ? AND id = ?", (provider_id, model_id)
    ).fetchone()
    return None if row is None else dict(rows.load(row[0]))


def all(connection: sqlite3.Connection) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (provider id, model id, spec) of every deployment, ordered by model, then provider."""
    found = connection.execute("SELECT provider_id, id, spec FROM models ORDER BY id, provider_id")
    return [(provider_id, model_id, rows.load(spec)) for provider_id, model_id, spec in found]


def upsert(
    connection: sqlite3.Connection,
    provider_id: str,
    model_id: str,
    spec: Mapping[str, Any],
    now_ms: int,
) -> bool:
    """Store a deployment; True when it is new.

    Raises sqlite3.IntegrityError when there is no provider `provider_id`.
    """
    new = get(connection, provider_id, model_id) is None
    connection.execute(
        "INSERT INTO models(provider_id, id, spec, created_ms, updated_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?4)"
        " ON CONFLICT(provider_id, id)"
        " DO UPDATE SET spec = excluded.spec, updated_ms = excluded.updated_ms",
        (provider_id, model_id, rows.dump(spec), now_ms),
    )
    return new


def delete(connection: sqlite3.Connection, provider_id: str, model_id: str) -> bool:
    """Remove a deployment; False when there is none."""
    removed = connection.execute(
        "DELETE FROM models WHERE provider_id = ? AND id = ?", (provider_id, model_id)
    )
    return removed.rowcount > 0
