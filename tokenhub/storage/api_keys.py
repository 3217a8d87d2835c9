"""Client keys; of the key itself only its SHA-256 is kept."""

import sqlite3
from typing import Any

from tokenhub.storage import rows
from tokenhub.types import ApiKey, Scope

_COLUMNS = "id, key_hash, spec, created_ms"


def get(connection: sqlite3.Connection, key_id: str) -> ApiKey | None:
    """Return one client key, None when there is none of this id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM api_keys WHERE id = ?",  # noqa: S608 - a constant
        (key_id,),
    ).fetchone()
    return None if row is None else _key(*row)


def all(connection: sqlite3.Connection) -> list[ApiKey]:
    """Return every client key, oldest first."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_ms, id"  # noqa: S608 - a constant
    )
    return [_key(*row) for row in found]


def put(connection: sqlite3.Connection, key: ApiKey, now_ms: int) -> None:
    """Store a client key, replacing the one of the same id.

    Raises sqlite3.IntegrityError when another key has the same hash.
    """
    connection.execute(
        "INSERT INTO api_keys(id, key_hash, spec, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT(id) DO UPDATE SET key_hash = excluded.key_hash, spec = excluded.spec,"
        " updated_ms = excluded.updated_ms",
        (key.id, key.key_hash, rows.dump(_spec(key)), key.created_at_ms, now_ms),
    )


def delete(connection: sqlite3.Connection, key_id: str) -> bool:
    """Remove a client key; False when there is none of this id."""
    return connection.execute("DELETE FROM api_keys WHERE id = ?", (key_id,)).rowcount > 0


def _spec(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "allowed_models": key.allowed_models,
        "expires_at_ms": key.expires_at_ms,
        "monthly_budget_nano": key.monthly_budget_nano,
        "rate_limit_rps": key.rate_limit_rps,
        "rate_limit_burst": key.rate_limit_burst,
        "enabled": key.enabled,
    }


def _key(key_id: str, key_hash: bytes, text: str, created_ms: int) -> ApiKey:
    spec = rows.load(text)
    scopes, models = spec.pop("scopes"), spec.pop("allowed_models")
    return ApiKey(
        id=key_id,
        key_hash=key_hash,
        created_at_ms=created_ms,
        scopes=None if scopes is None else frozenset(map(Scope, scopes)),
        allowed_models=None if models is None else tuple(models),
        **spec,
    )
