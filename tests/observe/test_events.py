import asyncio

import pytest

from tokenhub.errors import RequestError
from tokenhub.observe import events as module
from tokenhub.observe.events import LOST, QUEUE_EVENTS, RING_EVENTS, EventBus, Subscription

NOW_MS = 1_800_000_000_000


@pytest.fixture
def bus() -> EventBus:
    return EventBus(lambda: NOW_MS)


async def everything(subscription: Subscription, bus: EventBus) -> list[tuple[str, object]]:
    """What the subscription gives until it ends, as types and first fields."""
    bus.close()
    return [(event.type, next(iter(event.fields.values()), None)) async for event in subscription]


async def test_a_subscriber_gets_what_is_published_from_then_on(bus: EventBus) -> None:
    bus.publish("before", n=0)
    subscription = bus.subscribe()
    bus.publish("key_changed", n=1)
    bus.publish("config_changed", n=2)
    assert await everything(subscription, bus) == [("key_changed", 1), ("config_changed", 2)]


async def test_an_event_has_its_time_and_an_id_that_rises(bus: EventBus) -> None:
    with bus.subscribe() as subscription:
        bus.publish("one")
        bus.publish("two")
        one, two = await anext(subscription), await anext(subscription)
    assert (one.timestamp_ms, two.id) == (NOW_MS, one.id + 1)


async def test_a_subscriber_waits_for_the_next_event(bus: EventBus) -> None:
    with bus.subscribe() as subscription:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(anext(subscription))
            await asyncio.sleep(0)
            assert not waiting.done()
            bus.publish("one")
        assert waiting.result().type == "one"


async def test_leaving_ends_the_subscription(bus: EventBus) -> None:
    with bus.subscribe() as subscription:
        assert bus.subscribers == 1
    assert bus.subscribers == 0
    bus.publish("late")
    assert [event async for event in subscription] == []


async def test_who_comes_back_gets_what_was_missed(bus: EventBus) -> None:
    with bus.subscribe() as subscription:
        bus.publish("seen", n=1)
        last_id = (await anext(subscription)).id
    bus.publish("missed", n=2)
    again = bus.subscribe(last_id)
    bus.publish("new", n=3)
    assert await everything(again, bus) == [("missed", 2), ("new", 3)]


async def test_who_comes_back_too_late_is_told_how_many_events_are_lost(bus: EventBus) -> None:
    with bus.subscribe() as subscription:
        bus.publish("seen")
        last_id = (await anext(subscription)).id
    for n in range(RING_EVENTS + 3):
        bus.publish("one", n=n)
    got = await everything(bus.subscribe(last_id), bus)
    assert got[:2] == [(LOST, 3), ("one", 3)]
    assert len(got) == 1 + RING_EVENTS


async def test_who_comes_back_to_another_run_of_the_process_is_told_so(bus: EventBus) -> None:
    assert await everything(bus.subscribe(NOW_MS - 1000), bus) == []
    bus.publish("one", n=1)
    assert await everything(bus.subscribe(NOW_MS - 1000), bus) == [(LOST, None), ("one", 1)]


async def test_an_id_from_the_future_gives_what_comes(bus: EventBus) -> None:
    bus.publish("old", n=1)
    subscription = bus.subscribe(NOW_MS * 2)
    bus.publish("new", n=2)
    assert await everything(subscription, bus) == [("new", 2)]


async def test_a_subscriber_that_is_too_slow_is_dropped_with_a_marker(bus: EventBus) -> None:
    slow, other = bus.subscribe(), bus.subscribe()
    for n in range(QUEUE_EVENTS):
        bus.publish("one", n=n)
    await anext(other)
    bus.publish("one", n=QUEUE_EVENTS)
    assert bus.subscribers == 1
    bus.publish("two")
    got = [event async for event in slow]
    assert [event.type for event in got] == ["one"] * QUEUE_EVENTS + [LOST]
    with bus.subscribe(got[-1].id) as again:
        event = await anext(again)
        assert (event.type, event.fields) == ("one", {"n": QUEUE_EVENTS})


async def test_there_are_not_more_subscribers_than_allowed(
    bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SUBSCRIBERS", 1)
    with bus.subscribe():
        with pytest.raises(RequestError, match="1 clients read events already") as caught:
            bus.subscribe()
        assert (caught.value.status, caught.value.code) == (503, "too_many_subscribers")
    bus.subscribe()


async def test_closing_the_bus_ends_those_who_wait(bus: EventBus) -> None:
    async def read() -> int:
        with bus.subscribe() as subscription:
            return len([event async for event in subscription])

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await asyncio.sleep(0)
        bus.close()
    assert reading.result() == 0
