import asyncio

from tests.health.world import Clocks
from tokenhub.health.activity import IDLE_AFTER_S, Activity


async def waits(activity: Activity) -> bool:
    """Whether it waits for a request."""
    waiting = asyncio.ensure_future(activity.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    return not waiting.done()


async def test_before_the_first_request_it_waits() -> None:
    assert await waits(Activity(Clocks().clock.monotonic))


async def test_a_request_wakes_it() -> None:
    activity = Activity(Clocks().clock.monotonic)
    waiting = asyncio.ensure_future(activity.wait())
    await asyncio.sleep(0)
    activity.touch()
    await waiting


async def test_five_minutes_after_the_last_request_it_waits_again() -> None:
    clocks = Clocks()
    activity = Activity(clocks.clock.monotonic)
    activity.touch()
    clocks.advance(IDLE_AFTER_S - 1)
    assert not await waits(activity)
    clocks.advance(1)
    assert await waits(activity)
