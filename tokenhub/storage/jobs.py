"""Work that is handed from the loop to a thread with a connection."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

from tokenhub.errors import StorageError
from tokenhub.storage.connection import translated

ANSWER_TIMEOUT_S: Final = 30.0
"""How long the loop waits for a thread, a busy disk included."""

T = TypeVar("T")


class Job(Generic[T]):
    """One piece of work; it can be withdrawn until it has begun."""

    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self._work = work
        self._future: Future[T] = Future()

    def begin(self) -> bool:
        """Take up the work; False when nobody waits for it any more."""
        return self._future.set_running_or_notify_cancel()

    def work(self, connection: sqlite3.Connection) -> T:
        """Do the work."""
        return self._work(connection)

    def succeed(self, result: T) -> None:
        """Hand the result to whoever waits."""
        self._future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Hand the error to whoever waits, as StorageError where it is one."""
        self._future.set_exception(translated(error))

    async def result(self) -> T:
        """Return what the work returned, raise what it raised; StorageError after the timeout."""
        limit = asyncio.timeout(ANSWER_TIMEOUT_S)
        try:
            async with limit:
                return await asyncio.wrap_future(self._future)
        except TimeoutError:
            if not limit.expired():
                raise
            begun = "" if self._future.cancelled() else ", what it was doing may still take effect"
            message = f"the database did not answer within {ANSWER_TIMEOUT_S:.0f} s{begun}"
            raise StorageError(message) from None
