"""Rows on their way from the loop to the writer's thread."""

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """A queue between two threads without a lock.

    The loop's thread adds and raises `taken`; the writer's takes, gives back what it could not
    commit, and raises `written`.
    """

    def __init__(self) -> None:
        self._rows: deque[T] = deque()
        self.taken = 0
        self.written = 0

    def __bool__(self) -> bool:
        return bool(self._rows)

    @property
    def backlog(self) -> int:
        """Rows that are not committed yet, those being committed now included."""
        return self.taken - self.written

    def add(self, row: T) -> None:
        """Put a row at the end."""
        self._rows.append(row)
        self.taken += 1

    def take(self, most: int) -> list[T]:
        """Remove and return up to `most` rows from the front."""
        rows = self._rows
        return [rows.popleft() for _ in range(min(len(rows), most))]

    def give_back(self, rows: Sequence[T]) -> None:
        """Put rows that were taken to the front again, in their order."""
        self._rows.extendleft(reversed(rows))
