"""Budgets through the whole hub: nothing is overspent, nothing is left out."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tests.support.world import World
from tokenhub.hub import SYSTEM_CLOCK
from tokenhub.simulator import Failure, Profile
from tokenhub.types import Clock

HELLO = [{"role": "user", "content": "hi there"}]
GPT = {"model": "gpt-4o", "messages": HELLO, "max_tokens": 100}
CLAUDE = {"model": "claude-haiku-4-5", "messages": HELLO, "max_tokens": 100}
PRICED = {"input_per_1k": 0.0, "output_per_1k": 1.0, "max_context_tokens": 128_000}
"""A dollar for 1,000 tokens of the output, whose limit is known exactly before the call."""

ENDPOINTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("/v1/chat/completions", GPT),
    ("/v1/chat/completions", {**GPT, "stream": True}),
    ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "a", "max_tokens": 50}),
    (
        "/v1/completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": "a", "max_tokens": 50, "stream": True},
    ),
    ("/v1/messages", CLAUDE),
    ("/v1/messages", {**CLAUDE, "stream": True}),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hello there, all of you"}),
    ("/v1/chat", {"request": {"model": "gpt-4o", "messages": HELLO, "parameters": {}}}),
    ("/v1/chat", {**GPT, "stream": True}),
)


class Till:
    """A key with a budget, and what is asked with it."""

    def __init__(self, world: World, key_id: str, token: str) -> None:
        self.world = world
        self.key_id = key_id
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def open(cls, world: World, budget_usd: float | None) -> "Till":
        """Make a key that may spend `budget_usd` a month."""
        made = await world.admin.create_api_key({"name": "b", "monthly_budget_usd": budget_usd})
        return cls(world, made["id"], made["key"])

    async def ask(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """POST `body`; return status, headers and body."""
        url = self.world.url + path
        async with self.world.http.post(url, json=body, headers=self._headers) as answer:
            return answer.status, answer.headers, await answer.read()

    async def spent_usd(self) -> float:
        """What the ledger says the key has spent, when everything is written."""
        await _settled(self.world)
        sums = (await self.world.admin.stats())["by_key"]
        return float(sums[self.key_id]["cost_usd"]) if self.key_id in sums else 0.0


async def _settled(world: World) -> None:
    """Wait until no settlement waits for the database."""

    async def written() -> bool:
        async with world.http.get(f"{world.url}/metrics") as answer:
            return "tokenhub_settlement_queue_depth 0.0" in await answer.text()

    await until(written)


async def _priced(world: World, name: str, provider_id: str) -> None:
    await world.admin.add_model({"id": name, "provider_id": provider_id, **PRICED})


async def test_200_parallel_requests_cannot_overspend_a_key_or_the_hub() -> None:
    async with World(substitutes=False) as world:
        await _priced(world, "gpt-4o", "openai")
        world.simulators["openai"].set(Profile(output_tokens=50, ttft_ms=20))
        body = {**GPT, "max_tokens": 50}
        key = await Till.open(world, 1.0)
        statuses = await asyncio.gather(
            *(key.ask("/v1/chat/completions", {**body, "stream": n % 2 == 0}) for n in range(200))
        )
        served = sum(status == 200 for status, _, _ in statuses)
        assert {status for status, _, _ in statuses} == {200, 402}
        assert served == 20
        assert len(world.simulators["openai"].calls) == served
        spent_by_key = await key.spent_usd()
        assert 0.5 < spent_by_key <= 1.0

        await world.admin.put_routing_config({"hub_daily_usd": spent_by_key + 1.0})
        others = [await Till.open(world, None) for _ in range(4)]
        statuses = await asyncio.gather(
            *(others[n % 4].ask("/v1/chat/completions", body) for n in range(200))
        )
        assert {status for status, _, _ in statuses} == {200, 402}
        spent = spent_by_key + sum([await other.spent_usd() for other in others])
        assert spent_by_key + 0.5 < spent <= spent_by_key + 1.0


async def test_what_was_reserved_and_not_used_can_be_spent() -> None:
    async with World(substitutes=False) as world:
        await _priced(world, "gpt-4o", "openai")
        world.simulators["openai"].set(Profile(output_tokens=10))
        key = await Till.open(world, 0.2)
        for _ in range(5):  # each reserves half of the budget and uses a tenth
            status, _, _ = await key.ask("/v1/chat/completions", GPT)
            assert status == 200
        assert 0.05 <= await key.spent_usd() <= 0.2


@pytest.mark.parametrize("path", sorted({path for path, _ in ENDPOINTS}))
async def test_a_budget_that_is_used_up_is_told_in_the_shape_of_the_protocol(path: str) -> None:
    async with World(substitutes=False) as world:
        key = await Till.open(world, 0.0)
        for body in (body for endpoint, body in ENDPOINTS if endpoint == path):
            status, headers, text = await key.ask(path, body)
            answer = json.loads(text)
            error = answer["error"]
            assert status == 402
            assert "monthly_budget_usd" in error["message"]
            assert "resets at" in error["message"]
            if path == "/v1/messages":
                assert error["type"] == "billing_error"
                assert answer["request_id"] == headers["X-Request-Id"]
            elif path == "/v1/chat":
                assert error["code"] == "budget_exceeded"
            else:
                assert (error["type"], error["code"]) == ("insufficient_quota", "budget_exceeded")
        assert all(not simulator.calls for simulator in world.simulators.values())
        assert await key.spent_usd() == 0


async def test_a_request_that_does_not_fit_is_told_what_would_and_the_event_goes_out() -> None:
    async with World(substitutes=False) as world:
        await _priced(world, "gpt-4o", "openai")
        world.simulators["openai"].set(Profile(output_tokens=90))
        key = await Till.open(world, 0.1)
        assert (await key.ask("/v1/chat/completions", GPT))[0] == 200
        status, _, text = await key.ask("/v1/chat/completions", GPT)
        assert status == 402
        message = json.loads(text)["error"]["message"]
        assert "of $0.10, $0.09 is spent" in message
        assert "a smaller max_tokens" in message
        assert len(world.simulators["openai"].calls) == 1
        async with asyncio.timeout(10):
            async for event in world.admin.events("0"):
                if event.type == "budget_exceeded":
                    break


@pytest.mark.parametrize(("path", "body"), ENDPOINTS)
async def test_every_endpoint_is_charged(path: str, body: Mapping[str, Any]) -> None:
    async with World(substitutes=False) as world:
        key = await Till.open(world, 10.0)
        status, headers, _ = await key.ask(path, body)
        assert status == 200
        row = await world.log_of(headers["X-Request-Id"])
        assert row["cost_usd"] > 0
        assert row["estimated"] is False
        assert row["input_tokens"] > 0
        assert await key.spent_usd() == pytest.approx(row["cost_usd"], abs=1e-9)
        if "X-TokenHub-Cost-USD" in headers:
            assert float(headers["X-TokenHub-Cost-USD"]) == pytest.approx(row["cost_usd"], abs=1e-9)


async def test_a_request_that_fails_gives_its_reservation_back() -> None:
    async with World(substitutes=False) as world:
        key = await Till.open(world, 0.0015)  # room for one request at a time
        for failure in (
            Failure.answer(500),
            Failure.reset(),
            Failure.answer(429),
            Failure.garbage(),
        ):
            world.simulators["openai"].fail(failure, times=3)
            status, _, _ = await key.ask("/v1/chat/completions", GPT)
            assert status in (429, 502)
            world.simulators["openai"].set(Profile())
            await world.admin.edit_provider("openai", {"enabled": True})  # to forget its failures
        status, _, _ = await key.ask("/v1/chat/completions", GPT)
        assert status == 200
        assert 0 < await key.spent_usd() <= 0.0015


async def test_a_stream_that_is_cut_is_charged_for_what_had_come() -> None:
    async with World(substitutes=False) as world:
        key = await Till.open(world, 10.0)
        world.simulators["openai"].fail(Failure.cut(after_events=6), times=1)
        status, headers, text = await key.ask("/v1/chat/completions", {**GPT, "stream": True})
        assert (status, text.endswith(b"[DONE]\n\n")) == (200, False)
        row = await world.log_of(headers["X-Request-Id"])
        assert row["estimated"] is True
        assert row["cost_usd"] > 0
        assert await key.spent_usd() == pytest.approx(row["cost_usd"], abs=1e-9)


async def test_a_budget_survives_a_restart(tmp_path: Path) -> None:
    async with World(home=tmp_path, substitutes=False) as world:
        await _priced(world, "gpt-4o", "openai")
        world.simulators["openai"].set(Profile(output_tokens=90))
        made = await world.admin.create_api_key({"name": "b", "monthly_budget_usd": 0.15})
        key = Till(world, made["id"], made["key"])
        assert (await key.ask("/v1/chat/completions", GPT))[0] == 200
        assert (await key.ask("/v1/chat/completions", GPT))[0] == 402
        spent = await key.spent_usd()
        await world.admin.put_routing_config({"hub_monthly_usd": 5.0})
    async with World(home=tmp_path, substitutes=False) as world:
        await _priced(world, "gpt-4o", "openai")
        key = Till(world, made["id"], made["key"])
        status, _, text = await key.ask("/v1/chat/completions", GPT)
        assert status == 402
        assert f"${spent:.9f}".rstrip("0") in json.loads(text)["error"]["message"]
        assert (await world.admin.routing_config())["hub_monthly_usd"] == 5.0
        await world.admin.edit_api_key(key.key_id, {"monthly_budget_usd": 1.0})
        assert (await key.ask("/v1/chat/completions", GPT))[0] == 200


async def test_a_day_and_a_month_begin_with_their_budgets_whole() -> None:
    day_ms = 86_400_000
    moment = [1_800_403_199_000]  # 2027-01-19, a second before midnight

    clock = Clock(lambda: moment[0], SYSTEM_CLOCK.monotonic)
    async with World(clock=clock, substitutes=False) as world:
        await _priced(world, "gpt-4o", "openai")
        world.simulators["openai"].set(Profile(output_tokens=90))
        await world.admin.put_routing_config({"hub_daily_usd": 0.15})
        key = await Till.open(world, 0.25)
        found = []
        for step_ms in (0, 0, day_ms, 0, day_ms, 12 * day_ms, 0):
            moment[0] += step_ms
            found.append((await key.ask("/v1/chat/completions", GPT))[0])
        # Twice a day is too much for the hub, a third time in a month for the key.
        assert found == [200, 402, 200, 402, 402, 200, 402]


async def test_a_price_that_is_not_known_is_refused_only_where_a_budget_needs_it() -> None:
    async with World(substitutes=False) as world:
        public = "http://llm.invalid"  # no such host is ever called: its key is refused first
        await world.admin.add_provider({"id": "far", "type": "openai", "base_url": public})
        await world.admin.add_model({"id": "mystery", "provider_id": "far"})
        body = {"model": "mystery", "messages": HELLO}

        status, _, text = await (await Till.open(world, 5.0)).ask("/v1/chat/completions", body)
        assert status == 503
        assert "no_price" in json.loads(text)["error"]["message"]

        free = await Till.open(world, None)
        assert (await free.ask("/v1/chat/completions", body))[0] == 502  # it was called
        await world.admin.put_routing_config({"hub_daily_usd": 1.0})
        assert (await free.ask("/v1/chat/completions", body))[0] == 503


async def test_a_local_model_without_a_price_costs_nothing_and_needs_no_budget() -> None:
    async with World(substitutes=False) as world:
        await world.admin.add_model({"id": "Qwen/Qwen3-8B", "provider_id": "vllm"})
        key = await Till.open(world, 0.0)
        body = {"model": "Qwen/Qwen3-8B", "messages": HELLO}
        status, headers, _ = await key.ask("/v1/chat/completions", body)
        assert status == 200
        row = await world.log_of(headers["X-Request-Id"])
        assert (row["cost_usd"], row["estimated"]) == (0, False)


async def test_the_fee_is_kept_apart_and_counts_against_the_budget() -> None:
    async with World({"TOKENHUB_ROUTING_FEE_USD": "0.25"}) as world:
        key = await Till.open(world, 0.6)
        found = [await key.ask("/v1/chat/completions", GPT) for _ in range(3)]
        assert [status for status, _, _ in found] == [200, 200, 402]
        row = await world.log_of(found[0][1]["X-Request-Id"])
        assert row["fee_usd"] == 0.25
        assert 0 < row["cost_usd"] < 0.01
