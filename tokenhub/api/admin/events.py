"""`/admin/v1/events`: what happens, live, as server-sent events.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from typing import Final

from aiohttp import web

from tokenhub.administration.units import timestamp
from tokenhub.errors import BadRequest
from tokenhub.observe.events import Event, EventBus, Subscription

KEEP_ALIVE_S: Final = 15.0
WRITE_TIMEOUT_S: Final = 60.0
KEEP_ALIVE: Final = b": keep-alive\n\n"


def routes(bus: EventBus) -> list[web.RouteDef]:
    """Return the route of the live events."""

    async def events(request: web.Request) -> web.StreamResponse:
        with bus.subscribe(_last_id(request)) as subscription:
            response = web.StreamResponse(
                headers={
                    "Content-Type": "text/event-stream; charset=utf-8",
                    "Cache-Control": "no-cache",
                }
            )
            await response.prepare(request)
            await _relay(subscription, response)
        return response

    return [web.get("/admin/v1/events", events)]


async def _relay(subscription: Subscription, response: web.StreamResponse) -> None:
    """Write events until the hub ends them or the client no longer takes them."""
    await response.write(KEEP_ALIVE)  # so that a client sees at once that it is connected
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                data = _encoded(await anext(subscription))
        except StopAsyncIteration:
            return
        except TimeoutError:
            data = KEEP_ALIVE
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await response.write(data)
        except (TimeoutError, ConnectionError):
            return


def _encoded(event: Event) -> bytes:
    fields = {"type": event.type, "timestamp": timestamp(event.timestamp_ms), **event.fields}
    return f"id: {event.id}\ndata: {json.dumps(fields)}\n\n".encode()


def _last_id(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequest("Last-Event-ID: expected the id of an event", param="Last-Event-ID")
    return int(text)
