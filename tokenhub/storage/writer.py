"""The thread that writes: single changes at once, settlements and log rows in groups."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from tokenhub.errors import StorageError
from tokenhub.storage import groups
from tokenhub.storage.connection import probe, transaction, translated
from tokenhub.storage.jobs import Job
from tokenhub.storage.seals import SealRow
from tokenhub.storage.waiting import Waiting
from tokenhub.types import DecisionRow, Outcome

GROUP_INTERVAL_S: Final = 0.1
GROUP_ROWS: Final = 500
LOG_BOUND: Final = 10_000
SEAL_BOUND: Final = 10_000
DECISION_BOUND: Final = 500
"""Fewer, since a decision among many models is large."""
RETRY_S: Final = 1.0
"""How soon a group that could not be committed is tried again."""

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Writer:
    """Owns the one connection that writes.

    The methods belong to the loop's thread, those with an underscore to the writer's. The loop
    leaves rows and wakes the thread once a group: a wake-up for each would cost more than the rows.
    Each counter below is raised by one thread only.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        on_commit: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._connection = connection
        self._on_commit = on_commit
        self._steps: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._settlements = Waiting[Outcome]()
        self._logs = Waiting[Outcome]()
        self._decisions = Waiting[DecisionRow]()
        self._seals = Waiting[SealRow]()
        self._queues: Final[tuple[Waiting[Any], ...]] = (
            self._settlements,
            self._logs,
            self._decisions,
            self._seals,
        )
        """In the order of a group's fields."""
        self._refused = 0
        self._discarded = 0
        self._group_due: float | None = None
        self._group_announced = False
        self._running = True
        self.healthy = True
        self._thread = threading.Thread(target=self._run, name="tokenhub-writer", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Settlements that are not committed yet."""
        return self._settlements.backlog

    @property
    def dropped(self) -> int:
        """Rows that were given up: those over a bound, and those that SQLite refuses alone."""
        return self._refused + self._discarded

    def submit(self, change: Callable[[sqlite3.Connection], T]) -> Job[T]:
        """Queue `change` as one transaction."""
        job = Job(change)
        self._steps.put(partial(self._write, job))
        return job

    def settle(self, outcome: Outcome) -> None:
        """Queue a row of the ledger for the next group; it is kept until it is committed."""
        self._settlements.add(outcome)
        self._announce(self._settlements.taken)

    def log(self, outcome: Outcome) -> None:
        """Queue a row of the request log for the next group, or drop it when too many wait."""
        self._offer(self._logs, outcome, LOG_BOUND)

    def decide(self, row: DecisionRow) -> None:
        """Queue a decision for the next group, or drop it when too many wait."""
        self._offer(self._decisions, row, DECISION_BOUND)

    def remember(self, row: SealRow) -> None:
        """Queue what is known of a seal for the next group, or drop it when too many wait."""
        self._offer(self._seals, row, SEAL_BOUND)

    def flush(self) -> Job[None]:
        """Commit at once what waits; the job fails with StorageError when that is not possible."""
        job: Job[None] = Job(lambda _: None)
        self._steps.put(partial(self._flush, job))
        return job

    def close(self) -> None:
        """Commit what waits and let the thread end; wait for it with `join`."""
        self._steps.put(self._stop)

    def join(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` seconds for the thread to end."""
        self._thread.join(timeout_s)

    def _offer(self, waiting: Waiting[T], row: T, bound: int) -> None:
        if waiting.backlog >= bound:
            self._refused += 1
            return
        waiting.add(row)
        self._announce(waiting.taken)

    def _announce(self, count: int) -> None:
        if not self._group_announced:
            self._group_announced = True
            self._steps.put(partial(self._due_in, GROUP_INTERVAL_S))
        elif count % GROUP_ROWS == 0:
            self._steps.put(partial(self._due_in, 0.0))

    def _run(self) -> None:
        with closing(self._connection):
            while self._running:
                self._next_step()()

    def _next_step(self) -> Callable[[], None]:
        wait_s = None if self._group_due is None else self._group_due - time.monotonic()
        if wait_s is not None and wait_s <= 0:
            return self._commit_due
        try:
            return self._steps.get(timeout=wait_s)
        except Empty:
            return self._commit_due

    def _due_in(self, seconds: float) -> None:
        due = time.monotonic() + seconds
        self._group_due = due if self._group_due is None else min(self._group_due, due)

    def _write(self, job: Job[Any]) -> None:
        if not job.begin():
            return
        try:
            with transaction(self._connection):
                result = job.work(self._connection)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            if isinstance(translated(error), StorageError):
                self._failed(error)
            job.fail(error)
            return
        self._recovered()
        try:
            self._on_commit(self._connection)
        except Exception:
            logger.exception("after a commit")
        job.succeed(result)

    def _flush(self, job: Job[None]) -> None:
        error = self._commit()
        if job.begin():
            if error is None:
                job.succeed(None)
            else:
                job.fail(error)

    def _stop(self) -> None:
        self._running = False
        if self._commit() is not None:
            logger.error("%d settlements could not be stored before the end", self.backlog)

    def _commit_due(self) -> None:
        self._commit()

    def _commit(self) -> Exception | None:
        """Commit all that waits, in groups; return the circumstance that prevents it, if any."""
        self._group_due = None
        # Before rows are taken: what is left after this announces itself again.
        self._group_announced = False
        try:
            if not self.healthy:
                probe(self._connection)
            while any(self._queues):
                self._commit_group()
        except Exception as error:  # noqa: BLE001 - the rows are kept and tried again
            self._failed(error)
            return error
        self._recovered()
        return None

    def _recovered(self) -> None:
        if not self.healthy:
            logger.warning("the database can be written again")
        self.healthy = True

    def _failed(self, error: Exception) -> None:
        if self.healthy:
            logger.error("the database cannot be written: %s", error)
        self.healthy = False
        self._due_in(RETRY_S)

    def _commit_group(self) -> None:
        group = groups.Group(*(queue.take(GROUP_ROWS) for queue in self._queues))
        try:
            refused = groups.insert(self._connection, group)
        except BaseException:
            for queue, rows in zip(self._queues, group, strict=True):
                queue.give_back(rows)
            raise
        self._discarded += refused
        for queue, rows in zip(self._queues, group, strict=True):
            queue.written += len(rows)
