"""The rows that many requests leave, inserted in one transaction."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from tokenhub.errors import StorageError
from tokenhub.storage import decisions, ledger, requests, seals
from tokenhub.storage.connection import transaction, translated
from tokenhub.storage.seals import SealRow
from tokenhub.types import DecisionRow, Outcome

Row = TypeVar("Row", Outcome, DecisionRow, SealRow)
logger = logging.getLogger(__name__)

ROWS_AT_ONCE: Final = 25
"""About half a millisecond of work."""
PAUSE_S: Final = 0.0003


class Group(NamedTuple):
    """Rows that are committed together."""

    settlements: Sequence[Outcome]
    logs: Sequence[Outcome]
    decisions: Sequence[DecisionRow]
    seals: Sequence[SealRow]


def insert(connection: sqlite3.Connection, group: Group) -> int:
    """Insert all rows, or none; return how many were left out because SQLite refuses them alone.

    Raises sqlite3.Error when nothing can be written now.
    """
    try:
        with transaction(connection):
            _add(connection, ledger.add, group.settlements)
            _add(connection, requests.add, group.logs)
            _add(connection, decisions.add, group.decisions)
            decisions.prune(connection, group.decisions)
            _add(connection, seals.put, group.seals)
    except Exception as error:
        if isinstance(translated(error), StorageError):
            raise
        return _insert_each(connection, group)
    return 0


def _add(
    connection: sqlite3.Connection,
    add: Callable[[sqlite3.Connection, Sequence[Row]], None],
    rows: Sequence[Row],
) -> None:
    """Add `rows` a few at a time, so that the loop's thread never waits long for its turn."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        if start:
            time.sleep(PAUSE_S)
        add(connection, rows[start : start + ROWS_AT_ONCE])


def _insert_each(connection: sqlite3.Connection, group: Group) -> int:
    """Keep one row that cannot be stored from holding up all the others for ever."""
    with transaction(connection):
        stored = [_try(connection, ledger.add, row) for row in group.settlements]
        stored += [_try(connection, requests.add, row) for row in group.logs]
        stored += [_try(connection, decisions.add, row) for row in group.decisions]
        stored += [_try(connection, seals.put, row) for row in group.seals]
    return stored.count(False)


def _try(
    connection: sqlite3.Connection,
    add: Callable[[sqlite3.Connection, Sequence[Row]], None],
    row: Row,
) -> bool:
    connection.execute("SAVEPOINT row")
    try:
        add(connection, [row])
    except Exception as error:
        if isinstance(translated(error), StorageError):
            raise
        connection.execute("ROLLBACK TO row")
        what = "a seal" if isinstance(row, SealRow) else f"request {row.request_id!r}"
        logger.error("%s cannot be stored: %s", what, type(error).__name__)
        return False
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE row")
    return True
