"""`/v1/messages` through the official SDK and on the wire."""

import asyncio
import re
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import MessageParam, ToolParam
from pydantic import BaseModel

from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator
from tokenhub.simulator.anthropic.messages_input import REDACT, REFUSE

MODEL = "claude-haiku-4-5"
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello"}]
THINK: Any = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
def tools(weather: dict[str, Any]) -> list[ToolParam]:
    return [{"name": name, "input_schema": weather} for name in ("get_weather", "get_time")]


async def test_a_message_has_text_ids_and_usage(anthropic_client: AsyncAnthropic) -> None:
    message = await anthropic_client.messages.create(model=MODEL, max_tokens=500, messages=HELLO)
    assert re.fullmatch(r"msg_01[1-9A-HJ-NP-Za-km-z]{22}", message.id)
    assert message.model == "claude-haiku-4-5-20251001"
    assert message.stop_reason == "end_turn"
    assert message.content[0].type == "text"
    assert message.usage.output_tokens > 1
    assert message.usage.service_tier == "standard"
    assert re.fullmatch(r"req_011C[1-9A-HJ-NP-Za-km-z]{20}", message._request_id or "")


async def test_the_synchronous_client_is_served_too(sync_anthropic: Anthropic) -> None:
    message = await asyncio.to_thread(
        sync_anthropic.messages.create, model=MODEL, max_tokens=500, messages=HELLO
    )
    assert message.content

    def stream() -> str:
        with sync_anthropic.messages.stream(model=MODEL, max_tokens=500, messages=HELLO) as events:
            return events.get_final_text()

    assert await asyncio.to_thread(stream) == message.content[0].to_dict()["text"]


async def test_a_stream_accumulates_to_the_whole_message(anthropic_client: AsyncAnthropic) -> None:
    whole = await anthropic_client.messages.create(model=MODEL, max_tokens=500, messages=HELLO)
    async with anthropic_client.messages.stream(
        model=MODEL, max_tokens=500, messages=HELLO
    ) as stream:
        final = await stream.get_final_message()
    assert final.to_dict() | {"id": ""} == whole.to_dict() | {"id": ""}


async def test_the_events_come_in_the_documented_order(anthropic_sim: Simulator, raw: Raw) -> None:
    anthropic_sim.set(Profile(answer="Hello there"))
    body = {"model": MODEL, "max_tokens": 50, "messages": HELLO, "stream": True}
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert all(name == data["type"] for name, data in answer.events)
    assert [name for name, _ in answer.events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start, end = answer.events[0][1]["message"], answer.events[-2][1]
    assert start["content"] == []
    assert start["stop_reason"] is None
    assert start["usage"]["output_tokens"] == 1
    assert end["delta"] == {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None}
    assert end["usage"]["output_tokens"] == 2
    assert end["usage"]["input_tokens"] == start["usage"]["input_tokens"]


async def test_thinking_comes_first_and_signed(anthropic_client: AsyncAnthropic) -> None:
    async with anthropic_client.messages.stream(
        model=MODEL, max_tokens=2000, messages=HELLO, thinking=THINK
    ) as stream:
        deltas = [event.delta.type async for event in stream if event.type == "content_block_delta"]
        final = await stream.get_final_message()
    thinking, text = final.content
    assert thinking.type == "thinking"
    assert thinking.thinking
    assert thinking.signature.startswith("E")
    assert text.type == "text"
    assert deltas.index("signature_delta") == deltas.index("text_delta") - 1
    details = final.usage.output_tokens_details
    assert details is not None
    assert 0 < details.thinking_tokens < final.usage.output_tokens


@pytest.mark.parametrize(
    "thinking", [{"type": "adaptive", "display": "omitted"}, {"type": "adaptive"}]
)
async def test_omitted_thinking_is_empty_and_still_accepted_back(
    anthropic_client: AsyncAnthropic, thinking: Any
) -> None:
    message = await anthropic_client.messages.create(
        model="claude-sonnet-5-5", max_tokens=2000, messages=HELLO, thinking=thinking
    )
    assert message.content[0].type == "thinking"
    assert message.content[0].thinking == ""
    history: list[MessageParam] = [*HELLO, message.to_param(), *HELLO]
    again = await anthropic_client.messages.create(
        model="claude-sonnet-5-5", max_tokens=50, messages=history
    )
    assert again.content


async def test_thinking_and_tools_round_trip(
    anthropic_client: AsyncAnthropic, tools: list[ToolParam]
) -> None:
    asked: list[MessageParam] = [{"role": "user", "content": "get_weather and get_time please"}]
    async with anthropic_client.messages.stream(
        model=MODEL, max_tokens=2000, messages=asked, tools=tools, thinking=THINK
    ) as stream:
        first = await stream.get_final_message()
    assert first.stop_reason == "tool_use"
    assert [b.type for b in first.content] == ["thinking", "text", "tool_use", "tool_use"]
    uses = [block for block in first.content if block.type == "tool_use"]
    assert [use.name for use in uses] == ["get_weather", "get_time"]
    assert all(re.fullmatch(r"toolu_01[1-9A-HJ-NP-Za-km-z]{22}", use.id) for use in uses)
    assert all(set(use.input) == {"city", "days"} for use in uses)
    results: MessageParam = {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"} for use in uses
        ],
    }
    second = await anthropic_client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[*asked, first.to_param(), results],
        tools=tools,
        thinking=THINK,
    )
    assert second.stop_reason == "end_turn"


async def test_each_block_has_one_start_and_one_stop_with_contiguous_indices(
    anthropic_sim: Simulator, raw: Raw, tools: list[ToolParam]
) -> None:
    body = {
        "model": MODEL,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": "get_weather, get_time"}],
        "tools": tools,
        "thinking": THINK,
        "stream": True,
    }
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    blocks = [d for n, d in answer.events if n.startswith("content_block_") and "delta" not in n]
    assert [block["index"] for block in blocks] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert all(
        b["content_block"]["input"] == {}
        for b in blocks
        if b.get("content_block", {}).get("type") == "tool_use"
    )


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"type": "none"}, []),
        ({"type": "any"}, ["get_weather"]),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
        ({"type": "auto", "disable_parallel_tool_use": True}, ["get_time"]),
    ],
)
async def test_tool_choice_is_obeyed(
    anthropic_client: AsyncAnthropic, tools: list[ToolParam], choice: Any, called: list[str]
) -> None:
    text = "get_time and get_weather" if choice["type"] == "auto" else "Hello"
    message = await anthropic_client.messages.create(
        model=MODEL,
        max_tokens=500,
        messages=[{"role": "user", "content": text}],
        tools=tools,
        tool_choice=choice,
    )
    assert [block.name for block in message.content if block.type == "tool_use"] == called


class City(BaseModel):
    name: str
    inhabitants: int


async def test_structured_output_is_valid(anthropic_client: AsyncAnthropic) -> None:
    message = await anthropic_client.messages.parse(
        model=MODEL, max_tokens=500, messages=HELLO, output_format=City
    )
    assert isinstance(message.parsed_output, City)


async def test_max_tokens_and_stop_sequences_end_the_message(
    anthropic_sim: Simulator, anthropic_client: AsyncAnthropic
) -> None:
    anthropic_sim.set(Profile(answer="one two three four"))
    cut = await anthropic_client.messages.create(model=MODEL, max_tokens=2, messages=HELLO)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 2)
    stopped = await anthropic_client.messages.create(
        model=MODEL, max_tokens=50, messages=HELLO, stop_sequences=[" three"]
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " three")
    assert stopped.content[0].to_dict()["text"] == "one two"


async def test_a_call_cut_by_max_tokens_has_no_input(
    anthropic_client: AsyncAnthropic, tools: list[ToolParam]
) -> None:
    message = await anthropic_client.messages.create(
        model=MODEL,
        max_tokens=10,
        messages=HELLO,
        tools=tools,
        tool_choice={"type": "any"},
    )
    assert message.stop_reason == "max_tokens"
    assert message.content[0].to_dict()["input"] == {}


async def test_the_cache_is_written_where_it_is_asked_for_and_read_the_next_time(
    anthropic_client: AsyncAnthropic,
) -> None:
    async def usage(question: str, ttl: Any) -> tuple[int, int, int, int]:
        message = await anthropic_client.messages.create(
            model=MODEL,
            max_tokens=50,
            system=[
                {
                    "type": "text",
                    "text": f"{ttl} know this. " * 400,
                    "cache_control": {"type": "ephemeral", "ttl": ttl},
                }
            ],
            messages=[{"role": "user", "content": question}],
        )
        used = message.usage
        assert used.cache_creation is not None
        return (
            used.cache_read_input_tokens or 0,
            used.cache_creation.ephemeral_5m_input_tokens,
            used.cache_creation.ephemeral_1h_input_tokens,
            used.input_tokens,
        )

    written = await usage("First?", "5m")
    assert written[1] > 1024
    assert (written[0], written[2]) == (0, 0)
    read = await usage("Second?", "5m")
    assert read[0] == written[1]
    assert read[1:3] == (0, 0)
    assert 0 < read[3] < 20
    hour = await usage("Third?", "1h")
    assert hour[2] > 1024
    assert hour[:2] == (0, 0)


async def test_top_level_cache_control_caches_the_whole_prompt(
    anthropic_client: AsyncAnthropic,
) -> None:
    async def usage() -> tuple[int, int]:
        message = await anthropic_client.messages.create(
            model=MODEL,
            max_tokens=50,
            messages=[{"role": "user", "content": "Know this. " * 500}],
            cache_control={"type": "ephemeral"},
        )
        used = message.usage
        return used.cache_read_input_tokens or 0, used.cache_creation_input_tokens or 0

    first, second = await usage(), await usage()
    assert first[1] > 1024
    assert second == (first[1], 0)


async def test_count_tokens_agrees_with_the_usage(
    anthropic_client: AsyncAnthropic, tools: list[ToolParam]
) -> None:
    image: Any = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    messages: list[MessageParam] = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image", "source": image}],
        }
    ]
    counted = await anthropic_client.messages.count_tokens(
        model=MODEL, messages=messages, tools=tools, system="Be brief"
    )
    message = await anthropic_client.messages.create(
        model=MODEL, max_tokens=50, messages=messages, tools=tools, system="Be brief"
    )
    assert counted.input_tokens == message.usage.input_tokens > 1568


async def test_the_documented_words_make_it_redact_its_thinking(
    anthropic_client: AsyncAnthropic,
) -> None:
    asked: list[MessageParam] = [{"role": "user", "content": REDACT}]
    message = await anthropic_client.messages.create(
        model=MODEL, max_tokens=2000, messages=asked, thinking=THINK
    )
    assert message.content[0].type == "redacted_thinking"
    history: list[MessageParam] = [*asked, message.to_param(), *HELLO]
    again = await anthropic_client.messages.create(model=MODEL, max_tokens=50, messages=history)
    assert again.content


async def test_the_documented_words_make_it_refuse(anthropic_client: AsyncAnthropic) -> None:
    async with anthropic_client.messages.stream(
        model=MODEL, max_tokens=50, messages=[{"role": "user", "content": REFUSE}]
    ) as stream:
        message = await stream.get_final_message()
    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.content == []
    assert message.usage.output_tokens == 1
