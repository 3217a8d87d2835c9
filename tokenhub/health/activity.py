"""Whether anybody uses the hub: an idle laptop need not be woken by our probes."""

import asyncio
from collections.abc import Callable

IDLE_AFTER_S = 300.0


class Activity:
    """Remembers when the last request came."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._used_at: float | None = None
        self._in_use = asyncio.Event()

    def touch(self) -> None:
        """A request came."""
        self._used_at = self._monotonic()
        self._in_use.set()

    async def wait(self) -> None:
        """Return at once if a request came within the last five minutes, else with the next one."""
        if self._used_at is None or self._monotonic() >= self._used_at + IDLE_AFTER_S:
            self._in_use.clear()
        await self._in_use.wait()
