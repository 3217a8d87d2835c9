"""The recorded streams: reading them, their shapes, and a server that plays them."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

FOLDER = Path(__file__).parent / "golden"

Event = tuple[str, Any]
"""An event's name (empty in chat) and its data; `[DONE]` is text."""


def recorded(name: str) -> list[Event]:
    """The events of the golden file `name`."""
    found: list[Event] = []
    for block in (FOLDER / f"{name}.sse").read_text().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            fields = dict(line.split(": ", 1) for line in lines)
            data = fields["data"]
            found.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


def step(event: Event) -> str:
    """What `event` is, so that two streams can be compared: its type, and what it is about."""
    name, data = event
    if name:
        inner = data.get("delta", data.get("content_block", data.get("item", data.get("part"))))
        kind = inner.get("type", "") if isinstance(inner, dict) else ""
        reason = inner.get("stop_reason") or "" if isinstance(inner, dict) else ""
        places = [str(data[key]) for key in ("index", "output_index") if key in data]
        return " ".join([name, kind, reason, *places]).strip()
    if data == "[DONE]":
        return "[DONE]"
    if "error" in data:
        return "error"
    if not data["choices"]:
        return "usage"
    choice = data["choices"][0]
    if choice["finish_reason"]:
        return f"finish {choice['finish_reason']}"
    delta = choice["delta"]
    calls = [f"{c['index']}{'+' if 'id' in c else ''}" for c in delta.get("tool_calls", ())]
    about = "role" if "role" in delta else next(iter(delta))
    return " ".join([about, *calls])


def steps(events: Iterable[Event]) -> list[str]:
    """The steps of a stream; repeated ones are one, and pings, which may come anywhere, none."""
    found: list[str] = []
    for one in map(step, events):
        if not one.startswith("ping") and one not in found[-1:]:
            found.append(one)
    return found


def shape(value: Any, path: str = "") -> set[str]:
    """The paths of all fields in `value`."""
    if isinstance(value, list):
        return {inner for item in value for inner in shape(item, f"{path}[]")}
    if not isinstance(value, dict):
        return set()
    found: set[str] = set()
    for key, inner in value.items():
        found |= {f"{path}.{key}"} | shape(inner, f"{path}.{key}")
    return found


def shapes(events: Iterable[Event]) -> dict[str, set[str]]:
    """The fields that the events of each step have."""
    found: dict[str, set[str]] = {}
    for event in events:
        if event[1] != "[DONE]":
            found[step(event)] = found.get(step(event), set()) | shape(event[1])
    return found


@asynccontextmanager
async def player(name: str) -> AsyncIterator[str]:
    """The base URL of a server that answers every request with the golden file `name`."""
    body = (FOLDER / f"{name}.sse").read_bytes()

    async def play(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/event-stream")

    server = web.Application()
    server.router.add_route("*", "/{path:.*}", play)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
