"""A real hub process in trouble: signals that end or reload it, and a disk that fills up."""

import asyncio
import json
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.cast import ADMIN_TOKEN, KEYS, furnish
from tests.support.process import HubProcess
from tests.support.waiting import until
from tokenhub.client import Client
from tokenhub.errors import RequestError
from tokenhub.simulator import Failure, Profile, Simulator

PATIENCE_S = 15.0
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}


@dataclass
class Scene:
    """A hub process with one simulated provider, and a client of it."""

    hub: HubProcess
    simulator: Simulator
    admin: Client
    session: aiohttp.ClientSession
    key: str

    async def ask(self, *, stream: bool = False) -> aiohttp.ClientResponse:
        """Ask for a chat completion; the body is not read yet."""
        return await self.session.post(
            f"{self.hub.url}/v1/chat/completions",
            json={**CHAT, "stream": stream},
            headers={"Authorization": f"Bearer {self.key}"},
        )

    async def served(self, *, stream: bool = False) -> str:
        """Ask, and return the request's id when all of a good answer came."""
        async with await self.ask(stream=stream) as answer:
            text = await answer.read()
            assert answer.status == 200, text
            return answer.headers["X-Request-Id"]

    async def draining(self) -> aiohttp.ClientResponse:
        """Ask again and again until the hub refuses because it stops."""
        while True:
            answer = await self.ask()
            await answer.read()
            if answer.status == 503:
                return answer
            await asyncio.sleep(0.01)

    def settlements(self) -> list[tuple[str, int]]:
        """Request id and whether it is estimated, of what the stopped hub has charged."""
        with closing(sqlite3.connect(self.hub.home / "tokenhub.sqlite")) as connection:
            return connection.execute("SELECT request_id, estimated FROM settlements").fetchall()


@asynccontextmanager
async def scene(home: Path) -> AsyncIterator[Scene]:
    """Build one; at the end the hub is stopped if it still runs."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with (
        Simulator("openai", Profile(output_tokens=10), api_key=KEYS["openai"]) as simulator,
        HubProcess(home) as hub,
        Client(hub.url, ADMIN_TOKEN) as admin,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        key = await furnish(admin, {"openai": simulator.base_url})
        yield Scene(hub, simulator, admin, session, key)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_a_running_stream_end_and_refuses_new_requests(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with scene(tmp_path) as it:
        # The answer stops in the middle until new requests have been refused.
        it.simulator.fail(Failure.hang(after_events=5, seconds=1.0), times=1)
        running = await it.ask(stream=True)
        first = await running.content.readany()
        it.hub.signal(number)
        refused = await it.draining()
        assert refused.headers["Retry-After"].isdigit()
        assert (await refused.json())["error"]["code"] == "draining"

        whole = first + await running.content.read()
        assert whole.endswith(b"data: [DONE]\n\n")
        assert await asyncio.to_thread(it.hub.wait) == 0
        assert "Traceback" not in it.hub.stderr
        assert dict(it.settlements())[running.headers["X-Request-Id"]] == 0


async def test_a_second_signal_ends_the_drain_and_charges_what_had_come(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.simulator.fail(Failure.hang(after_events=5), times=1)
        running = await it.ask(stream=True)
        await running.content.readany()
        it.hub.signal(signal.SIGTERM)
        await it.draining()
        it.hub.signal(signal.SIGTERM)

        assert await asyncio.to_thread(it.hub.wait) == 0
        with pytest.raises(aiohttp.ClientPayloadError):
            await running.content.read()
        running.close()
        assert dict(it.settlements())[running.headers["X-Request-Id"]] == 1
        assert "Traceback" not in it.hub.stderr


async def test_sighup_takes_up_the_credentials_file(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        file = tmp_path / "credentials"
        file.touch(mode=0o600)
        row = {"id": "local", "type": "vllm", "base_url": it.simulator.base_url}
        file.write_text(json.dumps({"providers": [row], "models": []}))

        async def taken_up() -> bool:
            return "local" in {provider["id"] for provider in await it.admin.providers()}

        assert not await taken_up()
        it.hub.signal(signal.SIGHUP)
        await until(taken_up)

        file.chmod(0o644)
        it.hub.signal(signal.SIGHUP)

        async def told() -> bool:
            return "chmod 600" in it.hub.stderr

        await until(told)
        await it.served()


async def test_sighup_with_a_wrong_setting_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        (tmp_path / "config.toml").write_text('log_level = "loud"\n')
        it.hub.signal(signal.SIGHUP)

        async def told() -> bool:
            return "debug, info, warn or error" in it.hub.stderr

        await until(told)
        await it.served()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's own")
async def test_a_full_disk_refuses_changes_loses_no_settlement_and_is_got_over(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as it:
        key_id = (await it.admin.api_keys())[0]["id"]
        soft, hard = resource.prlimit(it.hub.pid, resource.RLIMIT_FSIZE)
        # Nothing can be written behind this offset: not the write-ahead log, which is longer.
        resource.prlimit(it.hub.pid, resource.RLIMIT_FSIZE, (16_384, hard))

        changes: list[Callable[[], Awaitable[Any]]] = [
            lambda: it.admin.create_api_key({"name": "no room"}),
            lambda: it.admin.edit_api_key(key_id, {"name": "other"}),
            lambda: it.admin.edit_model("gpt-4o", {"weight": 9}),
            lambda: it.admin.delete_provider("openai"),
            lambda: it.admin.put_routing_config({"hub_daily_usd": 0.0}),
            lambda: it.admin.vault_init("long enough"),
            lambda: it.admin.delete_api_key(key_id),
        ]
        for change in changes:
            with pytest.raises(RequestError) as caught:
                await change()
            assert (caught.value.status, caught.value.code) == (503, "storage_unavailable")

        wanted = {await it.served(stream=number % 2 == 0) for number in range(4)}
        assert [key["name"] for key in await it.admin.api_keys()] == ["test"]
        assert (await it.admin.vault())["state"] == "uninitialised"

        resource.prlimit(it.hub.pid, resource.RLIMIT_FSIZE, (soft, hard))
        await it.admin.edit_api_key(key_id, {"name": "room again"})

        async def written() -> bool:
            rows = (await it.admin.logs(limit=100))["items"]
            return wanted <= {row["request_id"] for row in rows if row["cost_usd"] > 0}

        await until(written)
        assert it.hub.stderr.count("the database cannot be written") >= 1
        assert "the database can be written again" in it.hub.stderr
        assert await asyncio.to_thread(it.hub.stop) == 0
        assert wanted <= dict(it.settlements()).keys()
