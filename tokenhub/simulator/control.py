"""The switches of a simulator for other processes: `/_simulator/profile`, `/_simulator/calls`."""

import json
from typing import Protocol

from aiohttp import web

from tokenhub.simulator.calls import Call
from tokenhub.simulator.profile import Profile

PREFIX = "/_simulator/"


class Switches(Protocol):
    """What can be seen and switched from outside."""

    @property
    def profile(self) -> Profile:
        """The profile in force."""
        ...

    def set(self, profile: Profile) -> None:
        """Switch to `profile`."""
        ...

    @property
    def calls(self) -> list[Call]:
        """The calls received."""
        ...

    def clear_calls(self) -> None:
        """Forget the calls received."""
        ...


async def answer(simulator: Switches, request: web.Request) -> web.Response:
    """Answer a request to the switches.

    GET and PUT `profile` (the JSON of `Profile.to_json`, absent fields have their defaults), GET
    and DELETE `calls` (bodies as text).
    """
    match request.method, request.path.removeprefix(PREFIX):
        case "GET", "profile":
            return web.json_response(simulator.profile.to_json())
        case "PUT", "profile":
            return await _switch(simulator, request)
        case "GET", "calls":
            return web.json_response({"calls": [_shown(call) for call in simulator.calls]})
        case "DELETE", "calls":
            simulator.clear_calls()
            return web.Response(status=204)
        case _:
            raise web.HTTPNotFound


async def _switch(simulator: Switches, request: web.Request) -> web.Response:
    try:
        profile = Profile.from_json(json.loads(await request.read()))
    except (ValueError, TypeError, KeyError) as error:
        return web.json_response({"error": f"not a profile: {error}"}, status=400)
    simulator.set(profile)
    return web.json_response(profile.to_json())


def _shown(call: Call) -> dict[str, object]:
    return {
        "number": call.number,
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "headers": call.headers,
        "body": call.body.decode(errors="replace"),
        "status": call.status,
        "failed": call.failed,
        "aborted": call.aborted,
        "ended": call.ended,
        "events_sent": call.events_sent,
        "started_s": call.started_s,
        "ended_s": call.ended_s,
    }
