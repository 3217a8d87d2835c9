"""What happens, as numbered events for whoever is subscribed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from tokenhub.errors import RequestError
from tokenhub.types import per_request

RING_EVENTS = 1000
QUEUE_EVENTS = 1000
MAX_SUBSCRIBERS = 64
LOST = "events_lost"
"""The type of the marker that stands for `missed` events (None: nobody knows how many)."""


@per_request
class Event:
    """One event; `id` rises from event to event, over a restart too."""

    id: int
    type: str
    timestamp_ms: int
    fields: Mapping[str, Any]


class Subscription(AsyncIterator[Event]):
    """The events from one moment on; use it as a context manager so that it ends.

    A subscriber that falls more than QUEUE_EVENTS behind gets what was queued, then a LOST marker,
    and then no more: it may come back with the id of the last event it saw.
    """

    def __init__(self, bus: "EventBus") -> None:
        self._bus = bus
        self._queue: deque[Event] = deque()
        self._ready = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bus.leave(self)
        self.end()

    def put(self, event: Event) -> bool:
        """Queue `event`; False when the queue was full and the subscription has ended."""
        full = len(self._queue) >= QUEUE_EVENTS
        self._queue.append(_lost(event, None) if full else event)
        if full:
            self._ended = True
        self._ready.set()
        return not full

    def catch_up(self, events: list[Event]) -> None:
        """Begin with events of the past."""
        self._queue.extend(events)

    def end(self) -> None:
        """Let the iteration end after what is queued."""
        self._ended = True
        self._ready.set()


class EventBus:
    """Publishes events to the subscribers of this moment; the last RING_EVENTS can be read again.

    For the loop's thread only.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        # Starting from the clock, ids of a later run of the process are higher.
        self._last_id = self._first_id = now_ms()
        self._ring: deque[Event] = deque(maxlen=RING_EVENTS)
        self._subscriptions: set[Subscription] = set()

    @property
    def subscribers(self) -> int:
        """How many are subscribed."""
        return len(self._subscriptions)

    def publish(self, type: str, **fields: Any) -> None:
        """Publish an event; `fields` are JSON values without secrets and without prompts."""
        self._last_id += 1
        event = Event(self._last_id, type, self._now_ms(), fields)
        self._ring.append(event)
        if self._subscriptions:
            full = [one for one in self._subscriptions if not one.put(event)]
            self._subscriptions.difference_update(full)

    def subscribe(self, last_id: int | None = None) -> Subscription:
        """Subscribe to what is published from now on, after what came since event `last_id`.

        Where that is no longer known whole, a LOST marker comes first. Raises RequestError 503
        when there are MAX_SUBSCRIBERS.
        """
        if len(self._subscriptions) >= MAX_SUBSCRIBERS:
            message = f"{MAX_SUBSCRIBERS} clients read events already: end one of them"
            raise RequestError(503, "too_many_subscribers", message)
        subscription = Subscription(self)
        if last_id is not None:
            subscription.catch_up(self._since(last_id))
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Forget `subscription`."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all subscriptions, so that a server can stop."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()

    def _since(self, last_id: int) -> list[Event]:
        newer = [event for event in self._ring if event.id > last_id]
        first = self._ring[0].id if self._ring else self._last_id + 1
        if last_id < self._first_id and newer:
            return [_lost(newer[0], None), *newer]
        if self._first_id <= last_id < first - 1:
            return [_lost(newer[0], first - 1 - last_id), *newer]
        return newer


def _lost(before: Event, missed: int | None) -> Event:
    """Return the marker that stands where events are missing, right before `before`."""
    return Event(before.id - 1, LOST, before.timestamp_ms, {"missed": missed})
