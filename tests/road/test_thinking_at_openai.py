"""A client of messages that asks an OpenAI model to think: by which API, and what is learned."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.road.asking import Reply, post
from tests.road.reading import data_of
from tests.support.world import World
from tokenhub.hub import SYSTEM_CLOCK
from tokenhub.simulator import Call, Failure, Profile
from tokenhub.types import Clock
from tokenhub.wire.translation.seals import own_seal

Json = dict[str, Any]
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
HI: Json = {"role": "user", "content": "hi"}
ENABLED = {"type": "enabled", "budget_tokens": 3000}
SEALED = {"type": "thinking", "thinking": "hm", "signature": "gAAAAABnobodys"}
OURS = {"type": "thinking", "thinking": "hm", "signature": own_seal("hm")}
ANSWER = {"type": "text", "text": "Hello."}
LATER_S = 3601.0

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


class Time:
    """The hub's clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.clock = Clock(
            lambda: SYSTEM_CLOCK.now_ms() + int(self.ahead_s * 1000),
            lambda: SYSTEM_CLOCK.monotonic() + self.ahead_s,
        )


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def world(time: Time) -> AsyncIterator[World]:
    async with World(clock=time.clock, substitutes=False) as made:
        yield made


def body(model: str = "gpt-5", *, stream: bool = False, **fields: Any) -> Json:
    asked: Json = {"model": model, "max_tokens": 4000, "messages": [HI], "thinking": ENABLED}
    return asked | ({"stream": True} if stream else {}) | fields


async def ask(world: World, *args: Any, **fields: Any) -> Reply:
    reply = await post(world, "/v1/messages", body(*args, **fields))
    assert reply.status == 200, reply.body
    return reply


def calls(world: World) -> list[Call]:
    return world.simulators["openai"].calls


def paths(world: World) -> list[str]:
    return [call.path for call in calls(world)]


def told(reply: Reply, *, stream: bool) -> tuple[str, str, str]:
    """The thinking that a client is told of, its seal, and the text."""
    found = {"thinking": "", "signature": "", "text": ""}
    parts = (
        reply.json["content"] if not stream else [one.get("delta", {}) for one in data_of(reply)]
    )
    for part in parts:
        for name in found:
            found[name] += part.get(name, "")
    return found["thinking"], found["signature"], found["text"]


@both_ways
async def test_what_it_thinks_is_shown_and_sealed(world: World, stream: bool) -> None:
    reply = await ask(world, stream=stream)
    assert paths(world) == [RESPONSES]
    thinking, seal, text = told(reply, stream=stream)
    assert "\n\n" in thinking  # the parts of its summary
    assert seal.startswith("gAAAAA")
    assert text
    reason = "named, translated to the responses API"
    assert reply.headers["X-TokenHub-Reason"] == reason
    decision = await world.admin.decision(reply.headers["X-Request-Id"])
    assert (decision["reason"], decision["eligible"][0]["api"]) == (reason, "responses")
    assert [one["api"] for one in decision["attempts"]] == ["responses"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"thinking": {"type": "adaptive"}}, RESPONSES),
        ({"thinking": {"type": "disabled"}}, CHAT),
        ({"thinking": None}, CHAT),
        ({"stop_sequences": ["END"]}, CHAT),
        ({"stop_sequences": []}, RESPONSES),
    ],
    ids=str,
)
async def test_it_is_asked_by_chat_where_nothing_is_lost_or_nothing_else_will_do(
    world: World, fields: Json, path: str
) -> None:
    reply = await ask(world, **fields)
    assert paths(world) == [path]
    by = "chat" if path == CHAT else "responses"
    assert reply.headers["X-TokenHub-Reason"].endswith(f"translated to the {by} API")


@pytest.mark.parametrize(
    ("block", "path"), [(SEALED, RESPONSES), (OURS, CHAT), (ANSWER, CHAT)], ids=str
)
@pytest.mark.parametrize("length", [1, 200_000], ids=["short", "long"])
async def test_a_session_that_thought_stays_with_responses(
    world: World, block: Json, path: str, length: int
) -> None:
    turns = [{"role": "user", "content": "hi " * length}, {"role": "assistant"}, HI]
    turns[1]["content"] = [block, ANSWER]
    await ask(world, thinking={"type": "disabled"}, messages=turns)
    assert paths(world) == [path]


async def test_a_vllm_shows_what_it_thinks_in_chat(world: World) -> None:
    row = {"id": "qwen", "provider_id": "vllm", "upstream_name": "Qwen/Qwen3-8B"}
    sizes = {"max_context_tokens": 40_000, "max_output_tokens": 8_000}
    await world.admin.add_model({**row, **sizes, "input_per_1k": 1, "output_per_1k": 1})
    reply = await ask(world, "qwen")
    assert [call.path for call in world.simulators["vllm"].calls] == [CHAT]
    assert told(reply, stream=False)[0]


@both_ways
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, "404 page not found"),
        (404, '{"detail":"Not Found"}'),
        (404, '{"error":{"message":"Invalid URL (POST /v1/responses)"}}'),
        (405, '{"detail":"Method Not Allowed"}'),
    ],
)
async def test_who_has_no_responses_is_asked_by_chat_with_one_more_call_an_hour(
    world: World, time: Time, status: int, error: str, stream: bool
) -> None:
    failure = Failure.answer(status, body=error)
    world.simulators["openai"].fail(failure, times=1)
    replies = [await ask(world, stream=stream) for _ in range(2)]
    assert paths(world) == [RESPONSES, CHAT, CHAT]
    assert [call.json["reasoning_effort"] for call in calls(world)[1:]] == ["medium"] * 2
    assert [reply.headers["X-TokenHub-Attempts"] for reply in replies] == ["2", "1"]
    for reply in replies:
        assert told(reply, stream=stream)[2]
        row = await world.log_of(reply.headers["X-Request-Id"])
        assert row["reason"] == "named, translated to the chat API"
    (row,) = [one for one in await world.admin.providers() if one["id"] == "openai"]
    assert (row["health"]["state"], row["health"]["consecutive_errors"]) == ("healthy", 0)
    time.ahead_s += LATER_S
    world.simulators["openai"].fail(failure, times=1)
    for _ in range(2):
        await ask(world, stream=stream)
    assert paths(world)[3:] == [RESPONSES, CHAT, CHAT]


@both_ways
async def test_who_is_not_verified_is_asked_for_no_summary_for_an_hour(
    world: World, time: Time, stream: bool
) -> None:
    openai = world.simulators["openai"]
    openai.set(Profile(verified=False))
    replies = [await ask(world, stream=stream) for _ in range(2)]
    assert [call.status for call in calls(world)] == [400, 200, 200]
    asked = [call.json["reasoning"] for call in calls(world)]
    assert asked == [{"effort": "medium", "summary": "auto"}, *[{"effort": "medium"}] * 2]
    assert all(call.json["include"] == ["reasoning.encrypted_content"] for call in calls(world))
    for reply in replies:
        thinking, seal, text = told(reply, stream=stream)
        assert (thinking, seal[:6], bool(text)) == ("", "gAAAAA", True)
        warning = "left out: the summary of the thinking, which is not given for this model"
        assert reply.headers["X-TokenHub-Warning"] == warning
    openai.set(Profile())
    time.ahead_s += LATER_S
    reply = await ask(world, stream=stream)
    assert told(reply, stream=stream)[0]
    assert "X-TokenHub-Warning" not in reply.headers


@both_ways
async def test_a_model_that_does_not_reason_is_asked_not_to_once(
    world: World, stream: bool
) -> None:
    for _ in range(2):
        reply = await ask(world, "gpt-4o", stream=stream)
        assert told(reply, stream=stream)[:2] == ("", "")
        assert "how much to think" in reply.headers["X-TokenHub-Warning"]
    assert [call.status for call in calls(world)] == [400, 200, 200]
    assert [call.json.keys() & {"reasoning", "include"} for call in calls(world)][1:] == [set()] * 2
    await ask(world, "gpt-5")
    assert "reasoning" in calls(world)[-1].json
