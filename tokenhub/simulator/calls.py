"""The record of requests that a simulator received."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_CALLS = 10_000
"""Calls that are kept; the oldest go first."""

MAX_BYTES = 128 * 1024 * 1024
"""Bytes of bodies that are kept; above it the oldest calls go."""


@dataclass(slots=True, eq=False)
class Call:
    """One request as it came, and how it ended.

    `headers` are the pairs in their order and spelling, `number` counts from 1. Times are the
    simulator's monotonic clock in seconds. `status` is None until a status line went out. `failed`
    says that a failure befell it, `complete` that all of the answer was sent, or what the failure
    left of it, `aborted` that the client went away before that.
    """

    number: int
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    started_s: float
    failed: bool = False
    status: int | None = None
    events_sent: int = 0
    complete: bool = False
    aborted: bool = False
    ended_s: float | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)

    @property
    def ended(self) -> bool:
        """Whether the answer is complete or was given up."""
        return self.ended_s is not None

    def header(self, name: str) -> str | None:
        """The first value of the header `name`, in any spelling."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def end(self, now_s: float) -> None:
        """Note that the answer ended."""
        self.ended_s = now_s
        self.aborted = not self.complete
        self._ended.set()

    async def wait_ended(self, timeout_s: float = 5.0) -> None:
        """Wait until the answer is complete or was given up; TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s):
            await self._ended.wait()


class CallLog:
    """The last calls, bounded in number and bytes."""

    def __init__(self, *, max_calls: int = MAX_CALLS, max_bytes: int = MAX_BYTES) -> None:
        self._calls: deque[Call] = deque()
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._bytes = 0
        self._arrived = asyncio.Condition()

    @property
    def all(self) -> list[Call]:
        """The calls that are kept, oldest first."""
        return list(self._calls)

    def clear(self) -> None:
        """Forget every call."""
        self._calls.clear()
        self._bytes = 0

    async def add(self, call: Call) -> None:
        """Keep `call` and wake who waits for it."""
        self._calls.append(call)
        self._bytes += len(call.body)
        while len(self._calls) > self._max_calls or (
            self._bytes > self._max_bytes and len(self._calls) > 1
        ):
            self._bytes -= len(self._calls.popleft().body)
        async with self._arrived:
            self._arrived.notify_all()

    async def wait_for(self, wanted: Callable[[Call], bool], timeout_s: float) -> Call:
        """The first kept call that is `wanted`, waiting for it; TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s), self._arrived:
            while True:
                for call in self._calls:
                    if wanted(call):
                        return call
                await self._arrived.wait()
