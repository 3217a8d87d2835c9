"""Waiting for what tells no event: what another process does, or what is written behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 15.0


async def until(look: Callable[[], Awaitable[T]]) -> T:
    """Look again and again until something is there; return it. A TimeoutError ends the wait."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.02)
