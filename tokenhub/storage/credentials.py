"""Which entries of the credentials file were applied, by the hash of what they said then."""

import sqlite3


def applied(connection: sqlite3.Connection) -> dict[tuple[str, str], bytes]:
    """Return the hash of each entry applied last, by (kind, id)."""
    found = connection.execute("SELECT kind, id, hash FROM credentials_applied")
    return {(kind, entry_id): digest for kind, entry_id, digest in found}


def mark(connection: sqlite3.Connection, kind: str, entry_id: str, digest: bytes) -> None:
    """Remember that the entry with this `digest` is applied."""
    connection.execute(
        "INSERT INTO credentials_applied(kind, id, hash) VALUES (?, ?, ?)"
        " ON CONFLICT(kind, id) DO UPDATE SET hash = excluded.hash",
        (kind, entry_id, digest),
    )
