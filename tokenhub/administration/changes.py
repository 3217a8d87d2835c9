"""How every change is made: alone, with its audit row, in memory after the commit."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tokenhub.errors import TokenHubError
from tokenhub.observe.audit import AuditEntry, AuditTrail
from tokenhub.storage.database import Database
from tokenhub.tasks import Tasks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and by which request."""

    actor: str
    request_id: str | None = None

    def entry(
        self, action: str, resource: str, *, before: object = None, after: object = None
    ) -> AuditEntry:
        """Return the audit row of a change by this author; secrets are removed when it is kept."""
        return AuditEntry(action, resource, self.actor, self.request_id, before, after)


class Changes:
    """Makes administrative changes one at a time."""

    def __init__(
        self, database: Database, audit: AuditTrail, now_ms: Callable[[], int], tasks: Tasks
    ) -> None:
        self._database = database
        self._audit = audit
        self._now_ms = now_ms
        self._tasks = tasks
        self._one_at_a_time = asyncio.Lock()

    def now_ms(self) -> int:
        """Return the time that rows of this moment carry."""
        return self._now_ms()

    async def alone(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` while no other change runs, to its end (see `to_the_end`)."""
        return await self.to_the_end(self._in_turn(work))

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end even if the caller goes away.

        A client that hangs up between the commit and the update of memory must not leave the two
        different.
        """
        task: asyncio.Task[T | TokenHubError] = self._tasks.start(
            "administration", _or_refusal(work)
        )
        result = await asyncio.shield(task)
        if isinstance(result, TokenHubError):
            raise result
        return result

    async def apply(self, entry: AuditEntry, change: Callable[[sqlite3.Connection], T]) -> T:
        """Commit `change` and its audit row together; return what `change` returned."""
        return await self.apply_all([entry], change)

    async def apply_all(
        self, entries: Sequence[AuditEntry], change: Callable[[sqlite3.Connection], T]
    ) -> T:
        """Commit `change`, which is several changes, and an audit row for each of them."""

        def together(connection: sqlite3.Connection) -> T:
            result = change(connection)
            for entry in entries:
                self.record(connection, entry)
            return result

        return await self._database.write(together)

    def record(self, connection: sqlite3.Connection, entry: AuditEntry) -> None:
        """Add the audit row inside the caller's transaction."""
        self._audit.append(connection, entry, self._now_ms())

    async def _in_turn(self, work: Coroutine[Any, Any, T]) -> T:
        async with self._one_at_a_time:
            return await work


async def _or_refusal(work: Coroutine[Any, Any, T]) -> T | TokenHubError:
    try:
        return await work
    except TokenHubError as error:
        return error  # a refusal is an answer, not the failure of a task
