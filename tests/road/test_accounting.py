"""Every endpoint costs what its tokens cost; a client that leaves pays for what came."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.cast import LLAMA
from tests.support.world import World
from tokenhub.simulator import Failure, Profile

Ask = tuple[str, dict[str, Any]]

HI = [{"role": "user", "content": "Tell me a story."}]
CHAT: Ask = ("/v1/chat/completions", {"model": "gpt-4o", "messages": HI})
MESSAGES: Ask = ("/v1/messages", {"model": "claude-sonnet-4-5", "max_tokens": 300, "messages": HI})
COMPLETIONS = ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon"})
EMBEDDINGS = ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "Once upon a time"})
NATIVE: Ask = ("/v1/chat", {"request": {"messages": HI, "model_hint": "gpt-4o"}})
REASONING = ("/v1/chat/completions", {"model": "gpt-5", "messages": HI})
LOCAL = ("/v1/chat/completions", {"model": LLAMA, "messages": HI})
NANO_A_TOKEN = {
    "gpt-4o": (2500, 10_000),
    "gpt-5": (1250, 10_000),
    "gpt-3.5-turbo-instruct": (1500, 2000),
    "text-embedding-3-small": (20, 0),
    "claude-sonnet-4-5": (3000, 15_000),
    LLAMA: (100, 200),
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


def headers(world: World, request_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.key}", "X-Request-Id": request_id}


def streamed(body: dict[str, Any]) -> dict[str, Any]:
    if "request" in body:
        return {"request": body["request"] | {"stream": True}}
    return body | {"stream": True}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("path", "body"),
    [CHAT, MESSAGES, COMPLETIONS, EMBEDDINGS, NATIVE, REASONING, LOCAL],
    ids=["chat", "messages", "completions", "embeddings", "native", "reasoning", "local"],
)
async def test_a_request_costs_what_its_tokens_cost(
    world: World, path: str, body: dict[str, Any], stream: bool
) -> None:
    sent = streamed(body) if stream else body
    async with world.http.post(world.url + path, json=sent, headers=headers(world, "r1")) as reply:
        assert reply.status == 200, await reply.text()
        content = await reply.read()
    row = await world.log_of("r1")
    into, out = NANO_A_TOKEN[row["model"]]
    nano = row["input_tokens"] * into + row["output_tokens"] * out
    assert row["input_tokens"] > 0
    assert (row["output_tokens"] > 0) is (path != "/v1/embeddings")
    assert round(row["cost_usd"] * 1e9) == nano
    assert (row["estimated"], row["status"], row["endpoint"]) == (False, 200, path)
    assert round((await world.admin.stats())["global"]["cost_usd"] * 1e9) == nano
    if not stream and path != "/v1/chat":
        usage = json.loads(content)["usage"]
        assert row["input_tokens"] in (usage.get("prompt_tokens"), usage.get("input_tokens"))


async def test_the_envelope_tells_the_cost_too(world: World) -> None:
    path, body = NATIVE
    async with world.http.post(world.url + path, json=body, headers=headers(world, "r1")) as reply:
        told = await reply.json()
    assert told["negotiated_model"] == "gpt-4o"
    assert told["negotiated_provider"] == "openai"
    assert told["response"]["object"] == "chat.completion"
    assert told["estimated_cost_usd"] == (await world.log_of("r1"))["cost_usd"]


@pytest.mark.parametrize("stream", [False, True])
async def test_cached_tokens_cost_their_own_price(world: World, stream: bool) -> None:
    turns = [{"role": "user", "content": "The same long story. " * 600}]
    for request_id in ("r1", "r2"):
        body = {"model": "gpt-4o", "messages": turns, "stream": stream}
        async with world.http.post(
            world.url + CHAT[0], json=body, headers=headers(world, request_id)
        ) as reply:
            await reply.read()
    row = await world.log_of("r2")
    cached = row["cached_input_tokens"]
    assert cached > 1024
    # OpenAI's row names no price for cached input: it costs what input costs.
    assert round(row["cost_usd"] * 1e9) == row["input_tokens"] * 2500 + row["output_tokens"] * 10000


@pytest.mark.parametrize("stream", [False, True])
async def test_without_a_report_the_cost_is_our_estimate(world: World, stream: bool) -> None:
    world.simulators["openai"].set(Profile(usage=False, answer="a" * 400))
    body = CHAT[1] | {"stream": stream}
    async with world.http.post(
        world.url + CHAT[0], json=body, headers=headers(world, "r1")
    ) as reply:
        await reply.read()
    row = await world.log_of("r1")
    assert row["estimated"] is True
    assert row["output_tokens"] == pytest.approx(100, abs=20)
    assert round(row["cost_usd"] * 1e9) == row["input_tokens"] * 2500 + row["output_tokens"] * 10000


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/chat"])
async def test_a_client_that_leaves_closes_the_upstream_and_pays_for_what_came(
    world: World, path: str
) -> None:
    kind = "anthropic" if path == "/v1/messages" else "openai"
    simulator = world.simulators[kind]
    simulator.fail(Failure.hang(after_events=12))
    body = streamed({"/v1/messages": MESSAGES, "/v1/chat": NATIVE}.get(path, CHAT)[1])
    async with world.http.post(world.url + path, json=body, headers=headers(world, "r1")) as reply:
        while b"delta" not in await reply.content.readany():
            pass
        (call,) = simulator.calls
        reply.close()
    await call.wait_ended(1.0)
    assert call.aborted
    row = await world.log_of("r1")
    assert (row["status"], row["error_class"], row["estimated"]) == (499, "cancelled", True)
    assert row["output_tokens"] > 0
    assert row["cost_usd"] > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_anything_came_pays_nothing(
    world: World, stream: bool
) -> None:
    simulator = world.simulators["openai"]
    simulator.fail(Failure.hang())
    body = CHAT[1] | {"stream": stream}

    async def ask() -> None:
        async with world.http.post(world.url + CHAT[0], json=body, headers=headers(world, "r1")):
            pass

    asking = asyncio.get_running_loop().create_task(ask())
    call = await simulator.wait_for_call()
    asking.cancel()
    await call.wait_ended(1.0)
    assert call.aborted
    row = await world.log_of("r1")
    assert (row["status"], row["error_class"], row["cost_usd"]) == (499, "cancelled", 0)


async def test_a_client_that_left_has_its_budget_back(world: World) -> None:
    await world.admin.put_routing_config({"named_fallback": "none"})
    simulator = world.simulators["openai"]
    made = await world.admin.create_api_key({"name": "small", "monthly_budget_usd": 0.011})
    own = {"Authorization": f"Bearer {made['key']}"}
    body = CHAT[1] | {"max_tokens": 1000}
    simulator.fail(Failure.hang(), times=1)

    async def ask() -> int:
        async with world.http.post(world.url + CHAT[0], json=body, headers=own) as reply:
            return reply.status

    asking = asyncio.get_running_loop().create_task(ask())
    call = await simulator.wait_for_call()
    assert await ask() == 402
    asking.cancel()
    await call.wait_ended(1.0)
    assert await ask() == 200
