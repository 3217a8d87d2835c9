"""A hub killed with SIGKILL under load keeps what it acknowledged, and starts again on its home."""

import asyncio
import itertools
import json
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.cast import ADMIN_TOKEN, furnish
from tests.support.process import HubProcess
from tokenhub.client import Client
from tokenhub.simulator import Profile, Simulator

CLIENTS = 12
ADMINISTRATORS = 3
GROUP_S = 0.1
COMMIT_S = 0.25
"""What a commit and a busy machine may take on top of the group's 100 ms."""

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
PRICES = {"input_per_1k": 1, "output_per_1k": 1, "max_context_tokens": 9}
GONE = (aiohttp.ClientError, ConnectionError, TimeoutError)


@dataclass
class Load:
    """What clients and administrators of one hub do, and what was acknowledged to them.

    `answered` is when each request's answer was whole, by the wall clock in seconds. `keys` and
    `weights` are what the hub must have: by key the name (None when revoked), by model the weight.
    What was asked for and not acknowledged is in `open_keys` and `open_weights`, and may be so or
    not.
    """

    url: str
    key: str
    run: int
    session: aiohttp.ClientSession
    kill_after: int
    answered: dict[str, float] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    keys: dict[str, str | None] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    open_keys: set[str] = field(default_factory=set)
    open_weights: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def client(self, number: int) -> None:
        """Ask until the hub is gone, every second answer as a stream."""
        with suppress(*GONE):
            for count in range(10_000):
                request_id = f"chat-{self.run}-{number}-{count}"
                body = {**BODY, "stream": count % 2 == 0}
                headers = {"Authorization": f"Bearer {self.key}", "X-Request-Id": request_id}
                url = f"{self.url}/v1/chat/completions"
                async with self.session.post(url, json=body, headers=headers) as answer:
                    text = await answer.read()
                assert answer.status == 200, text
                self.answered[request_id] = time.time()
                if len(self.answered) >= self.kill_after:
                    self.enough.set()

    async def administrator(self, number: int) -> None:
        """Create, rename and revoke keys and set a model's weight, until the hub is gone."""
        model = f"gpt-5-{number}"
        with suppress(*GONE):
            for count in range(10_000):
                name = f"key-{self.run}-{number}-{count}"
                key_id = (await self._admin("POST", "apikeys", {"name": name}))["id"]
                self.keys[key_id] = name
                await self._weigh(model, random.Random(name).randint(0, 10))
                self.open_keys.add(key_id)
                if count % 2:
                    await self._admin("DELETE", f"apikeys/{key_id}", None)
                    self.keys[key_id] = None
                else:
                    await self._admin("PATCH", f"apikeys/{key_id}", {"name": name + "-renamed"})
                    self.keys[key_id] = name + "-renamed"
                self.open_keys.remove(key_id)

    async def _weigh(self, model: str, weight: int) -> None:
        self.open_weights.add(model)
        fields = {"id": model, "provider_id": "openai", "weight": weight, "enabled": False}
        await self._admin("POST", "models", fields | PRICES)
        self.weights[model] = weight
        self.open_weights.remove(model)

    async def _admin(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        request_id = f"admin-{self.run}-{next(self.numbers)}"
        async with self.session.request(
            method,
            f"{self.url}/admin/v1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "X-Request-Id": request_id},
        ) as answer:
            result = await answer.json()
        assert answer.status in (200, 201), result
        self.changes.append(request_id)
        return result


async def killed_under_load(
    home: Path, base_url: str, run: int, key: str, rng: random.Random
) -> tuple[Load, float]:
    """Run a hub under load and kill it; return what was acknowledged and when it was killed."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session, HubProcess(home) as hub:
        async with Client(hub.url, ADMIN_TOKEN) as admin:
            key = key or await furnish(admin, {"openai": base_url})
        load = Load(hub.url, key, run, session, kill_after=rng.randint(20, 600))
        async with asyncio.TaskGroup() as tasks:
            for number in range(CLIENTS):
                tasks.create_task(load.client(number), name=f"client {number}")
            for number in range(ADMINISTRATORS):
                tasks.create_task(load.administrator(number), name=f"administrator {number}")
            async with asyncio.timeout(20):
                await load.enough.wait()
            killed_at = time.time()
            hub.kill()
    return load, killed_at


def _rows(connection: sqlite3.Connection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def _check_file(home: Path, load: Load, killed_at: float) -> dict[str, int]:
    """Look at a copy of the file that the dead process left; return what each key has spent."""
    copy = home.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home, copy)
    with closing(sqlite3.connect(copy / "tokenhub.sqlite")) as connection:
        assert _rows(connection, "PRAGMA integrity_check") == [("ok",)]
        assert _rows(connection, "PRAGMA foreign_key_check") == []

        audited = [name for (name,) in _rows(connection, "SELECT request_id FROM audit")]
        assert set(load.changes) <= set(audited)
        count = json.loads((home / "audit.head").read_text())["count"]
        assert len(audited) - 1 <= count <= len(audited)

        settled = [name for (name,) in _rows(connection, "SELECT request_id FROM settlements")]
        assert len(settled) == len(set(settled))
        missing = [at for name, at in load.answered.items() if name not in set(settled)]
        assert all(at >= killed_at - GROUP_S - COMMIT_S for at in missing), [
            round(killed_at - at, 3) for at in missing
        ]

        # A request that was refused is in the sums of its day only: it has cost nothing.
        sums = "SELECT api_key_id, sum(cost_nano + fee_nano) AS nano FROM {}"
        sums += " GROUP BY api_key_id HAVING nano > 0"
        spent = dict(_rows(connection, sums.format("settlements")))
        assert spent == dict(_rows(connection, sums.format("ledger_daily")))
    return spent


async def _check_restarted(home: Path, load: Load, spent: Mapping[str, int]) -> None:
    """Start a hub on the home again: it has what was acknowledged, and goes on counting."""
    async with HubProcess(home) as hub, Client(hub.url, ADMIN_TOKEN) as admin:
        names = {key["id"]: key["name"] for key in await admin.api_keys()}
        for key_id, name in load.keys.items():
            if key_id not in load.open_keys:
                assert names.get(key_id) == name
        weights = {model["id"]: model["weight"] for model in await admin.models()}
        for model, weight in load.weights.items():
            if model not in load.open_weights:
                assert weights[model] == weight

        main = next(key_id for key_id, name in names.items() if name == "test")
        await admin.edit_api_key(main, {"monthly_budget_usd": 0.0})
        headers = {"Authorization": f"Bearer {load.key}"}
        url = f"{hub.url}/v1/chat/completions"
        async with aiohttp.request("POST", url, json=BODY, headers=headers) as answer:
            message = (await answer.json())["error"]["message"]
            assert answer.status == 402
        found = re.search(r"\$([0-9.]+) is spent", message)
        assert found is not None
        assert round(float(found[1]) * 1e9) == spent.get(main, 0)
        await admin.edit_api_key(main, {"monthly_budget_usd": None})
    assert hub.exit_code == 0


async def _kill_rounds(folder: Path, rounds: int, seed: int) -> None:
    rng, home, key = random.Random(seed), folder / "home", ""
    simulator = Simulator("openai", Profile(output_tokens=5))
    async with simulator:
        for run in range(rounds):
            load, killed_at = await killed_under_load(home, simulator.base_url, run, key, rng)
            key = load.key
            spent = _check_file(home, load, killed_at)
            await _check_restarted(home, load, spent)


async def test_a_hub_killed_under_load_three_times_has_lost_nothing(tmp_path: Path) -> None:
    await _kill_rounds(tmp_path, 3, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_hub_killed_under_load_a_hundred_times_has_lost_nothing(tmp_path: Path) -> None:
    await _kill_rounds(tmp_path, 100, seed=2)
