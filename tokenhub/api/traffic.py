"""How many requests run, and whether new ones may begin."""

import asyncio


class Traffic:
    """Counts the requests that run; once closed, none may begin."""

    def __init__(self) -> None:
        self._running = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> int:
        """How many requests run."""
        return self._running

    @property
    def closed(self) -> bool:
        """Whether new requests are refused."""
        return self._closed

    def close(self) -> None:
        """Let no more requests begin."""
        self._closed = True

    def enter(self) -> None:
        """Count a request in."""
        self._running += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count a request out."""
        self._running -= 1
        if not self._running:
            self._idle.set()

    async def idle(self, timeout_s: float) -> bool:
        """Wait until no request runs, at most `timeout_s` seconds; return whether none does."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
