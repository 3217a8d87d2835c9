"""From a path to a database that can be trusted and written, or one line that says why not."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from tokenhub.errors import StartError
from tokenhub.storage.connection import connect, probe, user_version
from tokenhub.storage.migrations import APPLICATION_ID, MIGRATIONS, Migration, migrate

_CHECKED: Final = (
    "settings",
    "providers",
    "models",
    "api_keys",
    "vault",
    "vault_slots",
    "vault_secrets",
    "credentials_applied",
    "ledger_daily",
)
"""Tables that are read at the start, checked whole then; the logs may be too large for that."""


def open_file(
    path: Path, *, now_ms: Callable[[], int], migrations: Sequence[Migration] = MIGRATIONS
) -> sqlite3.Connection:
    """Return the connection that writes to the database at `path`, made or migrated as needed.

    The file and its companions are 0600, a missing folder is made 0700. Raises StartError with one
    line when the file cannot be used; what it holds is untouched then.
    """
    created = False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        created = _create(path)
        _check(path, len(migrations))
        connection = connect(path)
        try:
            _begin(connection, path, migrations, now_ms)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        if created:
            _remove(path)
        raise StartError(f"cannot use the database {path}: {_reason(error)}") from error
    return connection


def _create(path: Path) -> bool:
    """Make an empty private file (SQLite gives its mode to its companions); False if it exists."""
    if path.is_dir():
        raise StartError(f"cannot use the database {path}: a folder is in its place")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        for existing in (path, *_companions(path)):
            if existing.exists() and existing.stat().st_mode & 0o077:
                existing.chmod(0o600)
        return False
    return True


def _remove(path: Path) -> None:
    for file in (path, *_companions(path)):
        file.unlink(missing_ok=True)


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]


def _check(path: Path, latest: int) -> None:
    with closing(connect(path, read_only=True)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if tables and owner != APPLICATION_ID:
            raise StartError(f"cannot use the database {path}: it belongs to another program")
        version = user_version(connection)
        if version > latest:
            raise StartError(
                f"cannot use the database {path}: a newer TokenHub wrote it"
                f" (schema {version}, this one knows {latest}): update TokenHub"
            )
        for table in tables.intersection(_CHECKED):
            found = connection.execute(f"PRAGMA quick_check({table})").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))


def _begin(
    connection: sqlite3.Connection,
    path: Path,
    migrations: Sequence[Migration],
    now_ms: Callable[[], int],
) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError("its file system has no write-ahead logging")
    migrate(connection, path, migrations, now_ms)
    probe(connection)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, sqlite3.OperationalError):
        return f"{error}: look at the permissions of the file and its folder, and the free space"
    return f"it is damaged or no database ({error}): put a copy in its place"
