"""`POST /v1/responses`, passed on to providers that have it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.road.asking import post
from tests.support.cast import LLAMA
from tests.support.world import World
from tokenhub.simulator.profile import Failure, FailureKind

ASKED: dict[str, Any] = {
    "model": "gpt-5",
    "input": [{"role": "user", "content": "Why?"}],
    "store": False,
    "include": ["reasoning.encrypted_content"],
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(substitutes=False) as made:
        yield made


@pytest.fixture
async def openai(world: World) -> AsyncIterator[AsyncOpenAI]:
    client = AsyncOpenAI(base_url=f"{world.url}/v1", api_key=world.key, max_retries=0)
    yield client
    await client.close()


async def heard(openai: AsyncOpenAI, **changes: Any) -> list[Any]:
    async with openai.responses.stream(**ASKED | changes) as events:
        return [event async for event in events]


@pytest.mark.parametrize(("model", "provider"), [("gpt-5", "openai"), (LLAMA, "vllm")])
async def test_a_response_comes_from_the_providers_own_api(
    world: World, model: str, provider: str
) -> None:
    body = {**ASKED, "model": model}
    reply = await post(world, "/v1/responses", body)
    assert (reply.status, reply.json["object"]) == (200, "response")
    (call,) = world.simulators[provider].calls
    assert (call.path, call.json) == ("/v1/responses", body)
    usage = reply.json["usage"]
    row = await world.log_of(reply.headers["X-Request-Id"])
    assert (row["input_tokens"], row["output_tokens"]) == (
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert row["cost_usd"] > 0
    assert not row["estimated"]


async def test_a_stream_ends_with_the_whole_response(openai: AsyncOpenAI) -> None:
    events = await heard(openai)
    assert events[-1].type == "response.completed"
    assert events[-1].response.output[0].encrypted_content


async def test_a_stream_that_its_limit_cuts_is_incomplete(openai: AsyncOpenAI) -> None:
    events = await heard(openai, model="gpt-4o", include=[], max_output_tokens=16)
    assert events[-1].type == "response.incomplete"


@pytest.mark.parametrize("kind", [FailureKind.CUT, FailureKind.RESET, FailureKind.ERROR_EVENT])
async def test_a_stream_that_breaks_off_ends_as_one_that_has_failed(
    world: World, openai: AsyncOpenAI, kind: FailureKind
) -> None:
    world.simulators["openai"].fail(Failure(kind, after_events=8))
    events = await heard(openai, model="gpt-4o", include=[])
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.failed"
    assert events[-1].response.id == events[0].response.id
    assert events[-1].response.error.code == "server_error"


async def test_a_reference_to_an_earlier_response_is_refused(world: World) -> None:
    reply = await post(world, "/v1/responses", {**ASKED, "previous_response_id": "resp_1"})
    assert (reply.status, reply.json["error"]["param"]) == (400, "previous_response_id")
    assert not world.simulators["openai"].calls
