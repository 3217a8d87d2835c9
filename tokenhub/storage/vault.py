"""What the vault keeps: its identity, its key slots, sealed secrets and the wrong passwords."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tokenhub.errors import RequestError
from tokenhub.storage import rows


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret as it lies in the database."""

    name: str
    version: int
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def identity(connection: sqlite3.Connection) -> tuple[str, int] | None:
    """Return (vault id, version of its data key), None before the vault is initialised."""
    row = connection.execute("SELECT vault_id, key_version FROM vault").fetchone()
    return None if row is None else (row[0], row[1])


def put_identity(connection: sqlite3.Connection, vault_id: str, key_version: int) -> None:
    """Store the vault's id and the version of its data key."""
    connection.execute(
        "INSERT INTO vault(one, vault_id, key_version) VALUES (1, ?, ?) ON CONFLICT(one)"
        " DO UPDATE SET vault_id = excluded.vault_id, key_version = excluded.key_version",
        (vault_id, key_version),
    )


def slots(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Return the key slots: their spec by kind (`password`, …)."""
    found = connection.execute("SELECT kind, spec FROM vault_slots ORDER BY kind")
    return {kind: rows.load(spec) for kind, spec in found}


def put_slot(connection: sqlite3.Connection, kind: str, spec: Mapping[str, Any]) -> None:
    """Store a key slot, replacing the one of the same kind."""
    connection.execute(
        "INSERT INTO vault_slots(kind, spec) VALUES (?, ?)"
        " ON CONFLICT(kind) DO UPDATE SET spec = excluded.spec",
        (kind, rows.dump(spec)),
    )


def secrets(connection: sqlite3.Connection) -> list[Sealed]:
    """Return every sealed secret, ordered by name."""
    found = connection.execute(
        "SELECT name, version, nonce, ciphertext FROM vault_secrets ORDER BY name"
    )
    return [Sealed(*row) for row in found]


def put_secret(connection: sqlite3.Connection, sealed: Sealed, now_ms: int) -> None:
    """Store a sealed secret, replacing the one of the same name.

    Raises RequestError 409 when its data key is no longer the vault's: nobody could read it.
    """
    taken = connection.execute(
        "INSERT INTO vault_secrets(name, version, nonce, ciphertext, updated_ms)"
        " SELECT ?1, ?2, ?3, ?4, ?5 FROM vault WHERE key_version = ?2"
        " ON CONFLICT(name) DO UPDATE SET version = excluded.version,"
        " nonce = excluded.nonce, ciphertext = excluded.ciphertext,"
        " updated_ms = excluded.updated_ms",
        (sealed.name, sealed.version, sealed.nonce, sealed.ciphertext, now_ms),
    )
    if taken.rowcount == 0:
        message = "the vault's key was replaced at this moment, nothing was saved: send it again"
        raise RequestError(409, "vault_rotated", message)


def delete_secret(connection: sqlite3.Connection, name: str) -> bool:
    """Remove a sealed secret; False when there is none of this name."""
    return connection.execute("DELETE FROM vault_secrets WHERE name = ?", (name,)).rowcount > 0


def add_failure(connection: sqlite3.Connection, timestamp_ms: int) -> None:
    """Note a wrong password."""
    connection.execute("INSERT INTO vault_failures(timestamp_ms) VALUES (?)", (timestamp_ms,))


def failures_since(connection: sqlite3.Connection, since_ms: int) -> list[int]:
    """Return the times of the wrong passwords from `since_ms` on, oldest first."""
    found = connection.execute(
        "SELECT timestamp_ms FROM vault_failures WHERE timestamp_ms >= ? ORDER BY timestamp_ms",
        (since_ms,),
    )
    return [row[0] for row in found]


def delete_failures_before(connection: sqlite3.Connection, before_ms: int) -> None:
    """Forget the wrong passwords older than `before_ms`."""
    connection.execute("DELETE FROM vault_failures WHERE timestamp_ms < ?", (before_ms,))
