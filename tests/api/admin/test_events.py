import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.api.admin.service import HEADERS, Caller
from tokenhub.api.admin import events


async def next_event(response: aiohttp.ClientResponse) -> tuple[int, dict[str, Any]]:
    """Id and data of the next event that is not a keep-alive."""
    async with asyncio.timeout(10):
        while True:
            block = (await response.content.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.strip().split("\n"))
            if "data" in fields:
                return int(fields["id"]), json.loads(fields["data"])


async def test_events_come_live_with_their_fields(admin: Caller) -> None:
    url = f"{admin.base}/admin/v1/events"
    async with admin.session.get(url, headers=HEADERS) as response:
        assert response.content_type == "text/event-stream"
        await response.content.readuntil(b"\n\n")
        made = (await admin("POST", "apikeys", {"name": "a"})).json
        _, data = await next_event(response)
    assert data["type"] == "key_changed"
    assert data["api_key_id"] == made["id"]
    assert data["timestamp"].endswith("Z")


async def test_a_client_that_comes_back_gets_what_it_missed(admin: Caller) -> None:
    url = f"{admin.base}/admin/v1/events"
    admin.office.events.publish("first", n=1)
    async with admin.session.get(url, headers={**HEADERS, "Last-Event-ID": "0"}) as response:
        while (event := await next_event(response))[1]["type"] != "first":
            pass
    admin.office.events.publish("second", n=2)
    again = {**HEADERS, "Last-Event-ID": str(event[0])}
    async with admin.session.get(url, headers=again) as response:
        assert (await next_event(response))[1]["type"] == "second"


async def test_a_wrong_last_event_id_is_a_400(admin: Caller) -> None:
    reply = await admin("GET", "events", headers={**HEADERS, "Last-Event-ID": "x"})
    assert reply.status == 400


async def test_a_silent_stream_is_kept_alive(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.01)
    async with admin.session.get(f"{admin.base}/admin/v1/events", headers=HEADERS) as response:
        for _ in range(3):
            async with asyncio.timeout(10):
                assert await response.content.readuntil(b"\n\n") == events.KEEP_ALIVE


async def test_the_stream_ends_with_the_hub(admin: Caller) -> None:
    async with admin.session.get(f"{admin.base}/admin/v1/events", headers=HEADERS) as response:
        await response.content.readuntil(b"\n\n")
        admin.office.events.close()
        async with asyncio.timeout(10):
            assert await response.content.read() == b""


async def test_a_client_that_leaves_is_unsubscribed(admin: Caller) -> None:
    async with admin.session.get(f"{admin.base}/admin/v1/events", headers=HEADERS) as response:
        await response.content.readuntil(b"\n\n")
        assert admin.office.events.subscribers == 1
        response.close()
    async with asyncio.timeout(10):
        while admin.office.events.subscribers:
            await admin("GET", "info")
