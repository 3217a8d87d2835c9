import json

import pytest

from tests.api.edge import serving
from tokenhub.api.hello import hello_routes


async def test_claude_code_finds_the_hub_without_a_key() -> None:
    async with serving(hello_routes()) as hub, hub.wire() as wire:
        await wire.send(b"HEAD /api/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, body = (await wire.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b""


@pytest.mark.parametrize("path", ["/api/hello", "/api/hello?beta=true"])
async def test_whoever_reads_the_greeting_gets_it_whatever_the_query_says(path: str) -> None:
    async with serving(hello_routes()) as hub:
        reply = await hub.get(path)
    assert (reply.status, json.loads(reply.body)) == (200, {"message": "hello"})


async def test_a_strange_host_is_not_greeted() -> None:
    async with serving(hello_routes()) as hub:
        assert (await hub.ask("GET /api/hello HTTP/1.1\nHost: evil.example")).status == 403
