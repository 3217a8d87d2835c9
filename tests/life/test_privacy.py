"""What is said and what opens doors stays out of logs, database, admin answers, metrics, events."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.support.process import HubProcess
from tests.support.raw import exchange
from tokenhub.client import Client
from tokenhub.errors import RequestError
from tokenhub.simulator import Failure, Profile, Simulator

PROMPT = "zebraquartz"
SYSTEM = "walruspepper"
TOOL = "giraffethimble"
ANSWER = "okapilantern"
PROVIDER_KEY = "sk-live-Qm7xV2Lk9TzR4wB8nH3c"
SUBSCRIPTION = "sk-ant-oat01-Yw5pD8sK2mF6vG1j"
ADMIN_TOKEN = "5e1f7a" * 10
VAULT_PASSWORD = "correct heron battery"
NEW_PASSWORD = "correct ibis battery"
WRONG_PASSWORD = "mistaken heron battery"
WRONG_KEY = "tokenhub_" + "9d3c5a" * 10
WRONG_TOKEN = "7b2e9f" * 10

CHAT = {
    "model": "gpt-4o",
    "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
    "tools": [{"type": "function", "function": {"name": TOOL, "parameters": {"type": "object"}}}],
    "max_tokens": 50,
    "user": PROMPT,
}
ENVELOPE = {
    "model": CHAT["model"],
    "messages": CHAT["messages"],
    "parameters": {name: CHAT[name] for name in ("tools", "max_tokens", "user")},
    "meta": {"note": PROMPT},
}
CLAUDE = {
    "model": "claude-haiku-4-5",
    "system": SYSTEM,
    "messages": [{"role": "user", "content": PROMPT}],
    "max_tokens": 50,
    "metadata": {"user_id": PROMPT},
}
KINDS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("/v1/chat/completions", CHAT),
    ("/v1/messages", CLAUDE),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": PROMPT}),
    ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": PROMPT, "max_tokens": 50}),
    ("/v1/chat", {"request": ENVELOPE}),
)
ECHO = json.dumps(
    {
        "type": "error",
        "error": {
            "type": PROVIDER_KEY,
            "code": PROVIDER_KEY,
            "param": PROMPT,
            "message": f"{PROVIDER_KEY} {SUBSCRIPTION} may not say {PROMPT} {SYSTEM} {ANSWER}",
        },
    }
)
FAILURES = (
    *(
        Failure.answer(status, body=ECHO)
        for status in (302, 400, 401, 402, 404, 405, 413, 422, 429)
    ),
    *(Failure.answer(status, body=ECHO) for status in (500, 503, 529)),
    Failure.answer(500, headers={"X-Debug": PROVIDER_KEY, "Retry-After": PROMPT}, body=ECHO),
    Failure.garbage(f"<html>{PROVIDER_KEY} {PROMPT}</html>"),
    Failure.garbage(f"data: {ECHO}\n\n"),
    Failure.cut(1),
    Failure.reset(),
    Failure.reset(after_events=1),
    Failure.error_event(1),
)

ADMIN_PATHS = (
    "info vault providers providers/presets providers/openai models apikeys stats "
    "decisions health engine/models"
)
SHOWN = (
    *(f"/admin/v1/{path}" for path in ADMIN_PATHS.split()),
    "/admin/v1/routing-config",
    "/admin/v1/logs?limit=1000",
    "/metrics",
    "/readyz",
    "/healthz",
)


@dataclass
class Traces:
    """What one hub left behind after requests of every kind, and what clients were told."""

    places: dict[str, bytes] = field(default_factory=dict)
    refusals: list[bytes] = field(default_factory=list)
    client_keys: list[str] = field(default_factory=list)


@dataclass
class Scene:
    """A hub at log level debug in the middle of its traffic."""

    hub: HubProcess
    admin: Client
    session: aiohttp.ClientSession
    simulators: Mapping[str, Simulator]
    traces: Traces

    async def ask(self, path: str, body: Any, **headers: str) -> int:
        """POST `body`, and keep the answer if it is our own refusal."""
        key = {"X-TokenHub-Key": self.traces.client_keys[-1]}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        typed = {"Content-Type": "application/json"}
        async with self.session.post(
            self.hub.url + path, data=data, headers=typed | (headers or key)
        ) as answer:
            text = b""
            with suppress(aiohttp.ClientPayloadError):
                text = await answer.read()
            if answer.status in (401, 402, 403, 429) or answer.status >= 500:
                self.traces.refusals.append(text)
            return answer.status

    async def traffic(self) -> None:
        """Ask for everything: what works, and whatever can go wrong."""
        for path, body in KINDS:
            for sent in (body, {**body, "stream": True}, _streamed(body)):
                await self.ask(path, sent)
            for failure, stream in itertools.product(FAILURES, (False, True)):
                for simulator in self.simulators.values():
                    simulator.fail(failure, times=1)
                await self.ask(path, _streamed(body) if stream else body)
                for kind in self.simulators:  # that the hub leaves it alone is not wanted here
                    await self.admin.edit_provider(kind, {"enabled": True})
            for simulator in self.simulators.values():
                simulator.set(Profile(answer=ANSWER))
            await self._wrong(path, body)

    async def _wrong(self, path: str, body: Mapping[str, Any]) -> None:
        own = self.traces.client_keys[-1]
        await self.ask(path, body, Authorization=f"Bearer {WRONG_KEY}")
        await self.ask(path, body, Authorization=f"Basic {WRONG_KEY}")
        await self.ask(path, body, **{"x-api-key": WRONG_KEY})
        await self.ask(path + f"?key={own}&token={ADMIN_TOKEN}", body)
        await self.ask(path, json.dumps(body).encode()[:-1])
        await self.ask(path, b'{"model":"gpt-4o",' + PROMPT.encode())
        await self.ask(path, b"[" + json.dumps(PROMPT).encode() + b"]")
        await self.ask(path, {**body, "messages": PROMPT, "input": {PROMPT: 1}, "request": PROMPT})
        await self.ask(path, {**body, "max_tokens": PROMPT, "stream": PROMPT})
        await self.ask(
            path, body, **{"X-TokenHub-Key": own, "Authorization": f"Bearer {SUBSCRIPTION}"}
        )

    async def abort(self) -> None:
        """Go away in the middle of a stream."""
        self.simulators["openai"].fail(Failure.hang(after_events=3), times=1)
        headers = {"Authorization": f"Bearer {self.traces.client_keys[-1]}"}
        url = f"{self.hub.url}/v1/chat/completions"
        body = {**CHAT, "stream": True}
        async with self.session.post(url, json=body, headers=headers) as answer:
            await answer.content.readany()
            answer.close()

    async def malformed(self) -> None:
        """Send what is no HTTP, with secrets in it."""
        host = self.hub.url.removeprefix("http://")
        key = self.traces.client_keys[-1]
        for head in (
            f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nAuthorization Bearer {key}\r\n\r\n",
            f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\x00\r\n\r\n",
            f"{key} {PROMPT}\r\n\r\n",
            f"GET /{key}/{PROMPT} HTTP/9.9\r\nHost: {host}\r\n\r\n",
            f"POST /v1/chat HTTP/1.1\r\nHost: {host}\r\nContent-Length: {PROMPT}\r\n\r\n{PROMPT}",
        ):
            self.traces.refusals.append(await exchange(self.hub.url, head.encode()))

    async def administration(self) -> None:
        """Change what can be changed, and do it wrong too."""
        for work in (
            self.admin.vault_unlock(WRONG_PASSWORD),
            self.admin.vault_rotate(WRONG_PASSWORD, NEW_PASSWORD),
            self.admin.vault_init(WRONG_PASSWORD),
            self.admin.add_provider({"id": "x", "type": "openai", "api_key": [PROVIDER_KEY]}),
            self.admin.add_provider({"id": "x", "type": PROVIDER_KEY, "key": PROVIDER_KEY}),
            self.admin.add_provider({"id": "x", "base_url": f"http://u:{PROVIDER_KEY}@localhost"}),
            self.admin.edit_provider("openai", {"key_env": [PROVIDER_KEY]}),
            self.admin.create_api_key({"name": {"x": PROVIDER_KEY}}),
            self.admin.rotate_admin_token(),
        ):
            with suppress(RequestError):
                await work
        async with Client(self.hub.url, WRONG_TOKEN) as stranger:
            with pytest.raises(RequestError):
                await stranger.info()
        await self.admin.vault_rotate(VAULT_PASSWORD, NEW_PASSWORD)
        await self.admin.vault_lock()
        await self.ask("/v1/chat/completions", CHAT)
        await self.admin.vault_unlock(NEW_PASSWORD)
        key_id = (await self.admin.api_keys())[0]["id"]
        fresh = (await self.admin.rotate_api_key(key_id))["key"]
        await self.ask("/v1/chat/completions", CHAT)  # with the old one
        self.traces.client_keys.append(fresh)

    async def look(self) -> None:
        """Keep all that the hub shows."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        for path in SHOWN:
            async with self.session.get(self.hub.url + path, headers=headers) as answer:
                assert answer.status == 200, path
                self.traces.places[path] = await answer.read()
        running = {f"{name} while running": content for name, content in _files(self.hub.home)}
        self.traces.places |= running


def _streamed(body: Mapping[str, Any]) -> dict[str, Any]:
    if "request" in body:
        return {"request": {**body["request"], "stream": True}}
    return {**body, "stream": True}


async def _listen(admin: Client, heard: list[str]) -> None:
    async for event in admin.events():
        heard += [event.type, json.dumps(event.fields)]


async def _furnish(admin: Client, simulators: Mapping[str, Simulator]) -> str:
    rows = [
        {"id": kind, "type": kind, "base_url": one.base_url, "api_key": PROVIDER_KEY}
        for kind, one in simulators.items()
    ]
    for row in rows:
        await admin.add_provider(row)
    sizes = {"input_per_1k": 1, "output_per_1k": 1, "max_context_tokens": 100_000}
    for name in ("gpt-4o", "gpt-3.5-turbo-instruct", "text-embedding-3-small"):
        await admin.add_model({"id": name, "provider_id": "openai", **sizes})
    await admin.add_model({"id": "claude-haiku-4-5", "provider_id": "anthropic", **sizes})
    await admin.put_routing_config({"named_fallback": "none"})
    return str((await admin.create_api_key({"name": "test"}))["key"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traces(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traces]:
    home = tmp_path_factory.mktemp("privacy") / "home"
    environ = {
        "TOKENHUB_LOG_LEVEL": "debug",
        "TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN,
        "TOKENHUB_VAULT_PASSWORD": VAULT_PASSWORD,
    }
    left, heard = Traces(), list[str]()
    async with (
        Simulator("openai", Profile(answer=ANSWER)) as openai,
        Simulator("anthropic", Profile(answer=ANSWER)) as anthropic,
        HubProcess(home, environ) as hub,
        Client(hub.url, ADMIN_TOKEN) as admin,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session,
    ):
        simulators = {"openai": openai, "anthropic": anthropic}
        left.client_keys.append(await _furnish(admin, simulators))
        listener = asyncio.ensure_future(_listen(admin, heard))
        scene = Scene(hub, admin, session, simulators, left)
        await scene.traffic()
        await scene.abort()
        await scene.malformed()
        await scene.administration()
        await scene.look()
        listener.cancel()
        await asyncio.wait({listener})
    left.places["events"] = "\n".join(heard).encode()
    left.places["stderr"] = hub.stderr.encode()
    left.places |= dict(_files(home))
    yield left


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in home.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_traffic_left_its_traces(traces: Traces) -> None:
    assert b"route_error" in traces.places["events"]
    logs = json.loads(traces.places["/admin/v1/logs?limit=1000"])["items"]
    assert len(logs) > 150
    assert {row["status"] for row in logs if row["endpoint"] == "/v1/chat"} >= {200, 502}
    classes = {"auth", "budget", "rate_limited", "invalid", "context_overflow", "unsupported"}
    assert {row["error_class"] for row in logs} >= classes | {None, "cancelled"}
    assert b'"error_class": "transient"' in traces.places["events"]
    assert b"tokenhub_request_errors_total" in traces.places["/metrics"]
    assert len(traces.places["tokenhub.sqlite"]) > 50_000
    assert len(traces.refusals) > 50
    assert b"provider:openai" in traces.places["tokenhub.sqlite"]  # its key, encrypted
    assert b"refused a malformed request" in traces.places["stderr"]


@pytest.mark.parametrize("said", [PROMPT, SYSTEM, TOOL, ANSWER])
async def test_nothing_that_was_said_is_kept_or_shown(traces: Traces, said: str) -> None:
    found = [name for name, content in traces.places.items() if said.encode() in content]
    assert not found


@pytest.mark.parametrize(
    "secret",
    [
        PROVIDER_KEY,
        SUBSCRIPTION,
        ADMIN_TOKEN,
        VAULT_PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        WRONG_KEY,
        WRONG_TOKEN,
    ],
)
async def test_no_secret_is_kept_or_shown(traces: Traces, secret: str) -> None:
    part = secret.encode()[6:24]  # a piece of it is too much already
    found = [name for name, content in traces.places.items() if part in content]
    assert not found


async def test_the_value_of_a_client_key_is_kept_or_shown_nowhere(traces: Traces) -> None:
    for key in traces.client_keys:
        part = key.encode()[20:40]
        assert not [name for name, content in traces.places.items() if part in content]


async def test_our_own_errors_tell_clients_no_secret(traces: Traces) -> None:
    secrets = (PROVIDER_KEY, SUBSCRIPTION, ADMIN_TOKEN, WRONG_KEY, *traces.client_keys)
    for refusal in traces.refusals:
        for secret in secrets:
            assert secret.encode()[6:24] not in refusal, refusal[:300]
