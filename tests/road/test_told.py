"""What a client, and later its decision, is told of what no model can take or is left out."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.road.asking import Reply, chat, post
from tests.support.world import World

SECRET = "Mornington"
PREFILL = [{"role": "user", "content": SECRET}, {"role": "assistant", "content": f"{SECRET} is"}]
PREFILLED = (
    "messages.1: a last turn of the assistant that the answer goes on from (prefill) has no"
    " equivalent in OpenAI's chat completions"
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


def claude_asks(model: str, **fields: Any) -> dict[str, Any]:
    return chat(model, max_tokens=9, **fields)


async def explained(world: World, reply: Reply) -> dict[str, Any]:
    return await world.admin.decision(reply.headers["X-Request-Id"])


async def test_a_refusal_says_what_stands_there_and_the_way_out(world: World) -> None:
    reply = await post(world, "/v1/messages", claude_asks("openai/gpt-4o", messages=PREFILL))
    assert reply.status == 400
    assert reply.json["error"]["message"] == (
        f"{PREFILLED}; end with a turn of the user, or ask a model that speaks the messages API"
    )
    assert world.simulators["openai"].calls == []


async def test_the_decision_names_the_thing_and_no_word_of_the_client(world: World) -> None:
    reply = await post(world, "/v1/messages", claude_asks("openai/gpt-4o", messages=PREFILL))
    told = await explained(world, reply)
    assert {one["detail"] for one in told["rejected"] if one["reason"] == "protocol"} == {PREFILLED}
    assert SECRET not in str(told)
    body = claude_asks("openai/gpt-4o", **{SECRET: 1})
    reply = await post(world, "/v1/messages", body)
    assert reply.json["error"]["message"].startswith(
        f"{SECRET}: a field that is not known or not translated here has no equivalent"
    )
    told = await explained(world, reply)
    assert "a field that is not known or not translated here has no equivalent" in str(told)
    assert SECRET not in str(told)


async def test_who_stands_in_tells_for_what(world: World) -> None:
    reply = await post(world, "/v1/messages", claude_asks("gpt-4o", messages=PREFILL))
    assert (reply.status, reply.headers["X-TokenHub-Provider"]) == (200, "anthropic")
    reason = f"substitute for 'gpt-4o' (equivalent): {PREFILLED}"
    assert reply.headers["X-TokenHub-Reason"] == reason
    assert (await explained(world, reply))["reason"] == reason


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_a_translation_left_out_is_kept_with_its_attempt(
    world: World, stream: bool
) -> None:
    tool = {"name": SECRET, "input_schema": {"type": "object"}, "defer_loading": True}
    cached = {"type": "text", "text": SECRET, "cache_control": {"type": "ephemeral"}}
    body = claude_asks(
        "openai/gpt-4o",
        messages=[{"role": "user", "content": [cached]}],
        tools=[tool],
        metadata={"user_id": SECRET},
        stream=stream,
    )
    reply = await post(world, "/v1/messages", body)
    assert reply.headers["X-TokenHub-Warning"] == "left out: tools.0.defer_loading; cache_control"
    told = await explained(world, reply)
    (attempt,) = told["attempts"]
    assert attempt["left_out"] == ["tools.0.defer_loading", "cache_control"]
    assert SECRET not in str(told)


async def test_what_is_passed_on_leaves_nothing_out(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", chat(verbosity="low", seed=1))
    assert "X-TokenHub-Warning" not in reply.headers
    (attempt,) = (await explained(world, reply))["attempts"]
    assert attempt["left_out"] == []


LONG = {"messages": [{"role": "user", "content": "word " * 2000}]}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/messages", {**LONG, "max_tokens": 9}),
        ("/v1/messages", {**LONG, "max_tokens": 9, "stream": True}),
        ("/v1/chat/completions", LONG),
        ("/v1/responses", {"input": LONG["messages"], "stream": True}),
    ],
)
async def test_a_prompt_that_is_too_long_is_told_as_its_clients_know_it(
    world: World, path: str, fields: dict[str, Any]
) -> None:
    await world.admin.edit_model("gpt-4o", {"max_context_tokens": 1000})
    body = {"model": "gpt-4o", **fields}
    reply = await post(world, path, body, **{"X-TokenHub-Fallback": "off"})
    error = reply.json["error"]
    found = re.match(
        r"prompt is too long: (\d+) tokens > 1000 maximum \((\d+) as", error["message"]
    )
    assert found is not None
    assert int(found[1]) == -(-int(found[2]) * 115 // 100)
    assert "This model's maximum context length is 1000 tokens" in error["message"]
    assert (reply.status, reply.headers["x-should-retry"]) == (503, "false")
    assert "Retry-After" not in reply.headers
    assert error["type"] in ("api_error", "server_error")
    assert error.get("code", "no_eligible_model") == "no_eligible_model"
    assert (await explained(world, reply))["reason"] == "no_eligible_model"
    assert world.simulators["openai"].calls == []
