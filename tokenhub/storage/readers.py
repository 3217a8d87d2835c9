"""The threads that read."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from tokenhub.storage.connection import connect, transaction
from tokenhub.storage.jobs import Job

READERS: Final = 2
QUERY_TIMEOUT_S: Final = 20.0
"""A query that takes longer is interrupted, so that its thread is free again."""
_STEPS_BETWEEN_CHECKS: Final = 100_000

T = TypeVar("T")


class Readers:
    """Two threads, each with a read-only connection of its own, that share one queue."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"tokenhub-reader-{n}", daemon=True)
            for n in range(READERS)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, query: Callable[[sqlite3.Connection], T]) -> Job[T]:
        """Queue `query`, which sees one state of the database from its start to its end."""
        job = Job(query)
        self._jobs.put(job)
        return job

    def close(self) -> None:
        """Let the threads end after what is queued; wait for them with `join`."""
        for _ in self._threads:
            self._jobs.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the threads to end, `timeout_s` seconds each at most."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self) -> None:
        deadline = 0.0

        def overdue() -> bool:
            return time.monotonic() > deadline

        while (job := self._jobs.get()) is not None:
            if not job.begin():
                continue
            try:
                # Opened per query: 0.1 ms, and a file that came back after a fault just works.
                with closing(connect(self._path, read_only=True)) as connection:
                    deadline = time.monotonic() + QUERY_TIMEOUT_S
                    connection.set_progress_handler(overdue, _STEPS_BETWEEN_CHECKS)
                    with transaction(connection, "DEFERRED"):
                        result = job.work(connection)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                job.fail(error)
            else:
                job.succeed(result)
