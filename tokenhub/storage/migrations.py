"""The schema, as the numbered steps that lead to it.

The number of the last step stands in SQLite's `user_version`. A released step is never edited:
what changes is a new step at the end.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from tokenhub.storage.connection import transaction, user_version

APPLICATION_ID: Final = 0x746F6B68
"""Marks the file as ours: "tokh", where SQLite keeps the owner of a file."""
COPIES_KEPT: Final = 3

Migration = Sequence[str]
"""The statements of one step."""

_TOKENS = """
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    fee_nano INTEGER NOT NULL"""

_FIRST: Final = (
    """CREATE TABLE migrations(
    version INTEGER PRIMARY KEY,
    applied_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE settings(
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL) STRICT""",
    """CREATE TABLE providers(
    id TEXT PRIMARY KEY,
    spec TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE models(
    provider_id TEXT NOT NULL REFERENCES providers(id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    spec TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (provider_id, id)) STRICT""",
    """CREATE TABLE api_keys(
    id TEXT PRIMARY KEY,
    key_hash BLOB NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE vault(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    vault_id TEXT NOT NULL,
    key_version INTEGER NOT NULL) STRICT""",
    """CREATE TABLE vault_slots(
    kind TEXT PRIMARY KEY,
    spec TEXT NOT NULL) STRICT""",
    """CREATE TABLE vault_secrets(
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    updated_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE vault_failures(
    timestamp_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE credentials_applied(
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (kind, id)) STRICT""",
    """CREATE TABLE audit(
    id INTEGER PRIMARY KEY,
    timestamp_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    actor TEXT NOT NULL,
    request_id TEXT,
    before TEXT,
    after TEXT,
    mac BLOB NOT NULL) STRICT""",
    """CREATE TABLE price_sheets(
    id INTEGER PRIMARY KEY,
    sheet TEXT NOT NULL UNIQUE) STRICT""",
    f"""CREATE TABLE settlements(
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    api_key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    price_sheet_id INTEGER REFERENCES price_sheets(id),
    estimated INTEGER NOT NULL,{_TOKENS}) STRICT""",
    # Time first: a new row then lands at the index's end, not on a page of its own.
    "CREATE INDEX settlements_by_request ON settlements(timestamp_ms, request_id)",
    f"""CREATE TABLE ledger_daily(
    day INTEGER NOT NULL,
    api_key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,{_TOKENS},
    PRIMARY KEY (day, api_key_id, model, provider_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE requests(
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    api_key_id TEXT NOT NULL,
    client TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    stream INTEGER NOT NULL,
    model_requested TEXT NOT NULL,
    model TEXT,
    provider_id TEXT,
    mode TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER NOT NULL,
    error_class TEXT,
    latency_ms REAL NOT NULL,
    ttft_ms REAL,
    attempts INTEGER NOT NULL) STRICT""",
)

_SECOND: Final = (
    """CREATE TABLE decisions(
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    mode TEXT NOT NULL,
    reason TEXT NOT NULL,
    model_id TEXT,
    provider_id TEXT,
    estimated_cost_nano INTEGER,
    cost_nano INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    columns TEXT NOT NULL) STRICT""",
    "CREATE INDEX decisions_by_request ON decisions(timestamp_ms, request_id)",
)

_THIRD: Final = (
    """CREATE TABLE seals(
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    provider_type TEXT NOT NULL,
    model TEXT NOT NULL,
    refused INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    UNIQUE (hash, provider_id, model)) STRICT""",
)

MIGRATIONS: Final[Sequence[Migration]] = (_FIRST, _SECOND, _THIRD)


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    migrations: Sequence[Migration],
    now_ms: Callable[[], int],
) -> None:
    """Take the file through the steps it has not had, each a transaction, copying it before.

    Raises sqlite3.Error or OSError; then the steps before the failing one stay done.
    """
    version = user_version(connection)
    if 0 < version < len(migrations):
        _keep_copy(connection, path, version)
    for number, statements in enumerate(migrations[version:], start=version + 1):
        with transaction(connection):
            for statement in statements:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO migrations(version, applied_ms) VALUES (?, ?)", (number, now_ms())
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")


def _keep_copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Copy the database to `<path>.v<version>.bak`, whole or not at all; keep the last three."""
    copy = path.with_name(f"{path.name}.v{version}.bak")
    partial = path.with_name(f"{path.name}.copy")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(partial)) as target:
            connection.backup(target)
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)
    for old in _copies(path)[:-COPIES_KEPT]:
        old.unlink()


def _copies(path: Path) -> list[Path]:
    """Return the copies beside the database, that of the lowest version first."""
    pattern = re.compile(re.escape(path.name) + r"\.v(\d+)\.bak")
    numbered = [
        (int(match[1]), other)
        for other in path.parent.iterdir()
        if (match := pattern.fullmatch(other.name))
    ]
    return [other for _, other in sorted(numbered)]
