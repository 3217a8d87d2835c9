"""The database as other rooms see it."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from tokenhub.errors import StorageError
from tokenhub.storage.opening import open_file
from tokenhub.storage.readers import Readers
from tokenhub.storage.seals import SealRow
from tokenhub.storage.writer import Writer
from tokenhub.types import DecisionRow, Outcome

CLOSE_TIMEOUT_S: Final = 10.0

T = TypeVar("T")


def _nothing(_: sqlite3.Connection) -> None:
    """What is done after a commit when nobody asked for more."""


class Database:
    """One SQLite file with one thread that writes and two that read.

    Made by `open`. All methods belong to the thread of the loop.
    """

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        now_ms: Callable[[], int],
        on_commit: Callable[[sqlite3.Connection], None] = _nothing,
    ) -> "Database":
        """Open, make or migrate the database at `path` and start its threads.

        `on_commit` runs in the writer's thread after each committed `write`, before that returns.
        Raises StartError with one line when the file cannot be used; it is untouched then.
        """
        return cls(Writer(open_file(path, now_ms=now_ms), on_commit), Readers(path))

    @property
    def backlog(self) -> int:
        """Settlements that are not committed yet."""
        return self._writer.backlog

    @property
    def dropped(self) -> int:
        """Rows that were given up: those over a bound, and any that SQLite refuses by itself."""
        return self._writer.dropped

    @property
    def healthy(self) -> bool:
        """False from a write that failed until one succeeds; tried again every second."""
        return self._writer.healthy

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run `change` as one transaction in the writer's thread; return after the commit.

        What `change` raises is raised here, and nothing is changed then; so with StorageError when
        the disk is full or read-only. A cancelled call that has begun is still committed: shield a
        `write` that something in memory must follow.
        """
        self._check_open()
        return await self._writer.submit(change).result()

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` on one state of the database in a thread of its own.

        Raises what `query` raises, StorageError when the database cannot be read or takes too long.
        """
        self._check_open()
        return await self._readers.submit(query).result()

    def settle(self, outcome: Outcome) -> None:
        """Add to the ledger within 100 ms; kept and tried again until it is committed."""
        self._writer.settle(outcome)

    def log(self, outcome: Outcome) -> None:
        """Add to the request log within 100 ms; dropped and counted when 10,000 rows wait."""
        self._writer.log(outcome)

    def decide(self, row: DecisionRow) -> None:
        """Keep a decision within 100 ms; dropped and counted when 500 rows wait."""
        self._writer.decide(row)

    def remember(self, row: SealRow) -> None:
        """Keep what is known of a seal within 100 ms; dropped and counted when 10,000 rows wait."""
        self._writer.remember(row)

    async def flush(self) -> None:
        """Commit what was left to be added; raises StorageError when that is impossible."""
        self._check_open()
        await self._writer.flush().result()

    async def close(self) -> None:
        """Commit what waits and end the threads; what cannot be committed is logged as lost."""
        if self._closed:
            return
        self._closed = True
        self._readers.close()
        self._writer.close()
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        self._readers.join(CLOSE_TIMEOUT_S)
        self._writer.join(CLOSE_TIMEOUT_S)

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the database is closed")
