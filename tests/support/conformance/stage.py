"""One hub in front of the simulators, with a tap on each wire between them."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import aiohttp
from aiohttp import web

from tests.support.cast import MODELS, provider
from tests.support.conformance.features import ONE_API, kind_of
from tests.support.conformance.sayings import Wire
from tests.support.conformance.tokens import MORE_MODELS, Tokens
from tests.support.world import PATIENCE_S, World
from tokenhub.simulator import Profile

PATHS: Final = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "own": "/v1/chat",
}
"""Where each kind of client asks."""

_HOP: Final = frozenset({"content-length", "transfer-encoding", "connection", "date", "server"})


@dataclass
class Passed:
    """One call that went through a tap: where to, what was asked, what came back until now."""

    path: str
    asked: bytes
    answer: Wire

    @property
    def api(self) -> str:
        """The API that was asked."""
        return {path: name for name, path in PATHS.items()}[self.path]


class Tap:
    """A server that passes everything on to the provider at `behind` and keeps what it passed."""

    def __init__(self, behind: str) -> None:
        self.calls: list[Passed] = []
        self.url = ""
        self._behind = behind
        self._parts = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._http = await self._parts.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False)
        )
        server = web.Application(client_max_size=2**24)
        server.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._parts.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        asked = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in (*_HOP, "host")}
        url = self._behind + request.path_qs
        async with self._http.request(request.method, url, data=asked, headers=headers) as answer:
            passed = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
            response = web.StreamResponse(status=answer.status, headers=passed)
            await response.prepare(request)
            stream = answer.content_type == "text/event-stream"
            came = Wire(answer.status, _lowered(answer.headers), b"", stream)
            call = Passed(request.path, asked, came)
            self.calls.append(call)
            async for chunk in answer.content.iter_any():
                call.answer = replace(call.answer, body=call.answer.body + chunk)
                await response.write(chunk)
        await response.write_eof()
        return response


class Stage:
    """`async with Stage() as stage`: ask it as a client, see what a provider was asked."""

    def __init__(self) -> None:
        self._parts = AsyncExitStack()
        self.world = World(substitutes=False)
        self.taps: dict[str, Tap] = {}
        self._number = 0
        self._failed: set[str] = set()
        self._owed: dict[str, Charge] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            await parts.enter_async_context(self.world)
            admin = self.world.admin
            for name, simulator in self.world.simulators.items():
                tap = await parts.enter_async_context(Tap(simulator.base_url))
                self.taps[name] = tap
                await admin.edit_provider(name, {"base_url": tap.url})
            for model in MORE_MODELS:
                await admin.add_model(model)
            for name in ONE_API:
                await self._add_one_api(name)
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def _add_one_api(self, name: str) -> None:
        """Register the provider `name`, which is OpenAI's but for all but one of its APIs."""
        kind, _, api = name.partition("-")
        row = provider(kind, self.taps[kind].url) | {"id": name, "apis": [api]}
        await self.world.admin.add_provider(row)
        for model in (*MODELS, *MORE_MODELS):
            if model["provider_id"] == kind and "capabilities" not in model:
                await self.world.admin.add_model({**model, "provider_id": name})

    async def play(self, provider: str, profile: Profile) -> Tap:
        """Let `provider` behave by `profile`, and return its tap, with no calls.

        If it failed before it is well again in the eyes of the hub.
        """
        kind = kind_of(provider)
        if provider in self._failed:
            await self.world.admin.edit_provider(provider, {"enabled": True})
            self._failed.remove(provider)
        if profile.failure is not None:
            self._failed.add(provider)
        self.world.simulators[kind].set(profile)
        self.taps[kind].calls.clear()
        return self.taps[kind]

    async def ask(self, client: str, body: Any) -> "Reply":
        """What the hub answers to `client`."""
        self._number += 1
        request_id = f"r{self._number}"
        headers = {"Authorization": f"Bearer {self.world.key}", "X-Request-Id": request_id}
        if client == "messages":
            headers["anthropic-version"] = "2023-06-01"
        url = self.world.url + PATHS[client]
        async with self.world.http.post(url, json=body, headers=headers) as reply:
            stream = reply.content_type == "text/event-stream"
            wire = Wire(reply.status, _lowered(reply.headers), await reply.read(), stream)
        return Reply(request_id, wire)

    def owes(self, reply: "Reply", charge: "Charge") -> None:
        """Note what the request log must say of `reply`, as soon as it is written."""
        self._owed[reply.request_id] = charge

    async def settle(self) -> None:
        """Compare all that is owed with the request log."""
        rows: dict[str, Charge] = {}
        async with asyncio.timeout(PATIENCE_S):
            while not self._owed.keys() <= rows.keys():
                rows = {row["request_id"]: Charge.of(row) for row in await self._rows()}
        wrong = [(due, rows[name]) for name, due in self._owed.items() if rows[name] != due]
        assert wrong == []

    async def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = await self.world.admin.logs(limit=100, offset=len(rows))
            rows += page["items"]
            if len(page["items"]) < 100:
                return rows


@dataclass(frozen=True)
class Charge:
    """What a request cost and why."""

    provider: str
    model: str
    tokens: Tokens
    nano: int
    estimated: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The charge in a row of the request log, which does not tell how long a cache lives."""
        tokens = Tokens(
            input=row["input_tokens"],
            cached=row["cached_input_tokens"],
            written_5m=row["cache_write_tokens"],
            written_1h=0,
            output=row["output_tokens"],
            reasoning=row["reasoning_tokens"],
        )
        nano = round((row["cost_usd"] or 0) * 1e9)
        return cls(row["provider_id"], row["model"], tokens, nano, row["estimated"])


@dataclass(frozen=True)
class Reply:
    """What a client got."""

    request_id: str
    wire: Wire

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.wire.body)

    def header(self, name: str) -> str | None:
        """The header `name`, given in lower case."""
        return self.wire.headers.get(name)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
