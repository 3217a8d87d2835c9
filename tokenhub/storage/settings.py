"""Named settings that an administrator changes while the hub runs."""

import sqlite3
from typing import Any

from tokenhub.storage import rows


def get(connection: sqlite3.Connection, name: str) -> Any | None:
    """Return the value of the setting `name`, None when it was never put."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else rows.load(row[0])


def put(connection: sqlite3.Connection, name: str, value: object) -> None:
    """Store `value`, anything that JSON can say, as the setting `name`."""
    connection.execute(
        "INSERT INTO settings(name, value) VALUES (?, ?)"
        " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        (name, rows.dump(value)),
    )
