"""`POST /v1/messages/count_tokens`: by the provider where it can, else by our estimate."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.road.asking import VERSION, chat, post
from tests.support.world import World
from tokenhub.simulator.profile import Failure, FailureKind

PATH = "/v1/messages/count_tokens"
WARNING = "X-TokenHub-Warning"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World({"TOKENHUB_ROUTING_FEE_USD": "0.01"}) as made:
        yield made


def asked(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": chat()["messages"], **more}


async def test_the_provider_counts_and_nothing_is_charged(world: World) -> None:
    reply = await post(world, PATH, asked("claude-haiku-4-5"), **VERSION)
    assert reply.status == 200
    assert WARNING not in reply.headers
    (call,) = world.simulators["anthropic"].calls
    assert call.path == PATH
    row = await world.log_of(reply.headers["X-Request-Id"])
    spent = [row[name] for name in ("input_tokens", "output_tokens", "cost_usd", "fee_usd")]
    assert spent == [0, 0, 0, 0]


async def test_no_other_model_counts_for_one_whose_provider_cannot(world: World) -> None:
    reply = await post(world, PATH, asked("gpt-4o"), **VERSION)
    assert (reply.status, reply.headers[WARNING]) == (200, "estimated")
    assert reply.json["input_tokens"] > 0
    assert not world.simulators["anthropic"].calls


async def test_our_estimate_stands_in_for_a_provider_that_fails(world: World) -> None:
    world.simulators["anthropic"].fail(Failure(FailureKind.ANSWER, status=529))
    reply = await post(world, PATH, asked("claude-haiku-4-5"), **VERSION)
    assert (reply.status, reply.headers[WARNING]) == (200, "estimated")


async def test_what_exceeds_the_context_is_counted_all_the_same(world: World) -> None:
    await world.admin.edit_model("claude-haiku-4-5", {"max_context_tokens": 1000})
    long = [{"role": "user", "content": "word " * 3000}]
    reply = await post(world, PATH, asked("claude-haiku-4-5", messages=long), **VERSION)
    assert reply.status == 200
    assert reply.json["input_tokens"] > 1000


async def test_errors_about_the_request_are_the_clients(world: World) -> None:
    assert (await post(world, PATH, asked("no-such-model"), **VERSION)).status == 404
    assert (await post(world, PATH, asked("gpt-4o", messages=[]), **VERSION)).status == 400
    wrong = await post(world, PATH, asked("claude-haiku-4-5", messages=[{}]), **VERSION)
    assert (wrong.status, wrong.json["type"]) == (400, "error")


async def test_a_key_without_the_scope_may_not_count(world: World) -> None:
    made = await world.admin.create_api_key({"name": "k", "scopes": ["embeddings"]})
    key = {"Authorization": f"Bearer {made['key']}"}
    assert (await post(world, PATH, asked("claude-haiku-4-5"), **VERSION, **key)).status == 403
