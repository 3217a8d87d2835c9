import asyncio

from tokenhub.api.traffic import Traffic


async def test_traffic_is_idle_before_the_first_request() -> None:
    assert await Traffic().idle(0.01)


async def test_traffic_is_not_idle_while_a_request_runs() -> None:
    traffic = Traffic()
    traffic.enter()
    assert traffic.running == 1
    assert not await traffic.idle(0.01)


async def test_traffic_is_idle_after_the_last_request() -> None:
    traffic = Traffic()
    traffic.enter()
    traffic.enter()
    traffic.leave()
    waiting = asyncio.ensure_future(traffic.idle(10))
    await asyncio.sleep(0)
    assert not waiting.done()
    traffic.leave()
    assert await waiting
