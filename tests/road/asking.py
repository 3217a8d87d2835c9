"""How the tests of this folder ask a hub in their own process, and what they get."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multidict import CIMultiDictProxy

from tests.support.world import World
from tokenhub.wire.sse import EventSplitter

NOW_S = 1_790_000_000.0
"""The time by which simulators date their answers."""
VERSION = {"anthropic-version": "2023-06-01"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[bytes]:
        return EventSplitter().feed(self.body)


async def post(world: World, path: str, body: bytes | Any, **headers: str) -> Reply:
    """Send `body` as it is, or as JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"Authorization": f"Bearer {world.key}", "Content-Type": "application/json"}
    own |= VERSION if path.startswith("/v1/messages") else {}
    return await fetch(world, world.url + path, sent, own | headers)


async def fetch(world: World, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    async with world.http.post(url, data=body, headers=headers) as response:
        return Reply(response.status, response.headers, await response.read())


def chat(model: str = "gpt-4o", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
