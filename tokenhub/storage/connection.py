"""Opening connections, transactions on them, and what their errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tokenhub.errors import StorageError

BUSY_TIMEOUT_S: Final = 5.0
"""How long a statement waits for another process that has locked the file."""

CACHE_KIB: Final = 512
"""Of each connection. Rows go to the ends of tables, and the system keeps the file's pages too."""

_CIRCUMSTANCES: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection to an existing file, every pragma set; transactions are explicit.

    It may be handed to another thread, which then is its only user. Raises sqlite3.Error.
    """
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in (
            "foreign_keys = ON",
            "synchronous = FULL",
            "trusted_schema = OFF",
            "temp_store = MEMORY",
            "journal_size_limit = 67108864",
            f"cache_size = -{CACHE_KIB}",
            f"query_only = {'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Commit what is done inside, or nothing of it when an exception leaves."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def probe(connection: sqlite3.Connection) -> None:
    """Write the schema's version over itself: raises sqlite3.Error when nothing can be written."""
    with transaction(connection):
        version = user_version(connection)
        connection.execute(f"PRAGMA user_version = {version}")


def user_version(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that the file has had."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def translated(error: Exception) -> Exception:
    """Return a StorageError for circumstances (disk full, read-only, busy), else `error` itself."""
    if not isinstance(error, sqlite3.Error):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in _CIRCUMSTANCES:
        return error
    ours = StorageError(f"the database cannot be used now: {error}")
    ours.__cause__ = error
    return ours
