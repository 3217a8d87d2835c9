"""The rows that many requests leave, inserted in one transaction."""

import logging
import sqlite3
from collections.abc import Callable, Sequence

from tokenhub.errors import StorageError
from tokenhub.storage import ledger, requests
from tokenhub.storage.connection import transaction, translated
from tokenhub.types import Outcome

logger = logging.getLogger(__name__)


def insert(
    connection: sqlite3.Connection, settlements: Sequence[Outcome], logs: Sequence[Outcome]
) -> int:
    """Insert all rows, or none; return how many were left out because SQLite refuses them alone.

    Raises sqlite3.Error when nothing can be written now.
    """
    try:
        with transaction(connection):
            ledger.add(connection, settlements)
            requests.add(connection, logs)
    except Exception as error:
        if isinstance(translated(error), StorageError):
            raise
        return _insert_each(connection, settlements, logs)
    return 0


def _insert_each(
    connection: sqlite3.Connection, settlements: Sequence[Outcome], logs: Sequence[Outcome]
) -> int:
    """Keep one row that cannot be stored from holding up all the others for ever."""
    with transaction(connection):
        refused = [outcome for outcome in settlements if not _try(connection, ledger.add, outcome)]
        refused += [outcome for outcome in logs if not _try(connection, requests.add, outcome)]
    return len(refused)


def _try(
    connection: sqlite3.Connection,
    add: Callable[[sqlite3.Connection, Sequence[Outcome]], None],
    outcome: Outcome,
) -> bool:
    connection.execute("SAVEPOINT row")
    try:
        add(connection, [outcome])
    except Exception as error:
        if isinstance(translated(error), StorageError):
            raise
        connection.execute("ROLLBACK TO row")
        logger.error("request %r cannot be stored: %s", outcome.request_id, type(error).__name__)
        return False
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE row")
    return True
