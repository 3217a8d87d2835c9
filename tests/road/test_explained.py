"""What was decided about a request can be read afterwards, and what would be, before."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.road.asking import Reply, chat, post
from tests.support.cast import LLAMA
from tests.support.world import World
from tokenhub.errors import RequestError
from tokenhub.simulator import Failure


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        for cannot_chat in ("gpt-3.5-turbo-instruct", "text-embedding-3-small"):
            await made.admin.delete_model(cannot_chat)
        yield made


async def explained(world: World, reply: Reply) -> dict[str, Any]:
    return await world.admin.decision(reply.headers["X-Request-Id"])


async def test_a_choice_is_explained_as_its_headers_told_it(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", chat("auto:cheap", n=2))
    told = await explained(world, reply)
    assert told["mode"] == "cheap"
    assert told["reason"] == reply.headers["X-TokenHub-Reason"]
    assert told["chosen"]["model_id"] == reply.headers["X-TokenHub-Model"]
    assert told["cost_usd"] == float(reply.headers["X-TokenHub-Cost-USD"])
    assert told["estimated_cost_usd"] == pytest.approx(
        float(reply.headers["X-TokenHub-Estimated-Cost-USD"])
    )
    assert [one["error_class"] for one in told["attempts"]] == [None]
    best, *others = told["eligible"]
    assert best["score"] == min(one["score"] for one in told["eligible"])
    assert {"gpt-4o", "gpt-5", LLAMA} <= {one["model_id"] for one in [best, *others]}
    assert {one["reason"] for one in told["rejected"]} == {"protocol"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_attempt_that_failed_is_there_with_its_class(world: World, stream: bool) -> None:
    world.simulators["vllm"].fail(Failure.answer(429))
    reply = await post(world, "/v1/chat/completions", chat(LLAMA, stream=stream))
    assert reply.status == 200
    first, last = (await explained(world, reply))["attempts"]
    assert (first["provider_id"], first["error_class"]) == ("vllm", "rate_limited")
    assert (last["provider_id"], last["error_class"]) == ("anthropic", None)
    assert first["end_ms"] <= last["start_ms"] <= last["end_ms"]


async def test_a_choice_that_was_made_again_is_explained_beside_the_first(world: World) -> None:
    world.simulators["vllm"].fail(Failure.answer(429))
    told = await explained(world, await post(world, "/v1/chat/completions", chat(LLAMA)))
    first, again = told["eligible"], told["redecided"]
    assert (told["chosen"]["model_id"], told["reason"]) == (LLAMA, "named")
    assert [one["model_id"] for one in first] == [LLAMA]
    assert told["estimated_cost_usd"] == first[0]["estimated_cost_usd"]
    assert told["not_considered"]["reason"] == "named"
    assert again["after_attempts"] == 1
    assert again["reason"].startswith("substitute for")
    answered = told["answered_by"]
    assert answered["model_id"] == again["chosen"]["model_id"]
    assert answered["substitution"]
    assert told["usage"]["output_tokens"] > 0
    assert (told["request"]["model"], told["request"]["kind"]) == (LLAMA, "named")


async def test_a_refused_request_is_explained_too(world: World) -> None:
    reply = await post(
        world, "/v1/chat/completions", chat("gpt-4o"), **{"X-TokenHub-Max-Budget-USD": "0"}
    )
    assert reply.status == 402
    told = await explained(world, reply)
    assert (told["chosen"], told["eligible"], told["attempts"]) == (None, [], [])
    assert "budget" in {one["reason"] for one in told["rejected"]}
    assert told["cost_usd"] == 0


async def test_a_request_about_which_nothing_was_decided_has_no_explanation(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", chat("gpt-4x"))
    assert reply.status == 404
    with pytest.raises(RequestError, match="no decision"):
        await explained(world, reply)


async def test_a_simulation_decides_as_the_road_and_calls_nobody(world: World) -> None:
    before = [len(one.calls) for one in world.simulators.values()]
    simulated = await world.admin.simulate({"mode": "cheap", "token_count": 10})
    assert [len(one.calls) for one in world.simulators.values()] == before
    reply = await post(world, "/v1/chat/completions", chat("auto:cheap"))
    assert simulated["decision"]["model_id"] == reply.headers["X-TokenHub-Model"]


async def test_a_changed_configuration_counts_for_the_next_request(world: World) -> None:
    await world.admin.put_routing_config({"default_mode": "cheap", "unknown_model": "route"})
    reply = await post(world, "/v1/chat/completions", chat("gpt-4x"))
    assert reply.headers["X-TokenHub-Reason"].startswith("auto:cheap for an unknown model")
    assert (await world.admin.info())["default_mode"] == "cheap"


async def test_calls_show_in_the_models_figures_and_the_providers_health(world: World) -> None:
    world.simulators["openai"].fail(Failure.answer(500), times=3)
    await post(world, "/v1/chat/completions", chat("gpt-4o"))
    health = {one["provider_id"]: one for one in await world.admin.health()}
    assert health["openai"]["last_error_class"] == "transient"
    assert health["vllm"]["state"] == "healthy"
    figures = {one["model_id"]: one for one in await world.admin.engine_models()}
    assert figures["gpt-4o"]["requests"] >= 3
    assert figures["gpt-4o"]["success_rate"] < 1
    assert figures["gpt-5"]["requests"] + figures[LLAMA]["requests"] >= 1
