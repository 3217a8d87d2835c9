"""`/v1/chat/completions` through the official SDK and on the wire."""

import asyncio
import json
import re
from typing import Any

import pytest
from openai import AsyncOpenAI, LengthFinishReasonError, OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


def tool(name: str, parameters: dict[str, Any]) -> ChatCompletionToolParam:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


async def test_an_answer_has_text_ids_and_usage(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert re.fullmatch(r"chatcmpl-[A-Za-z0-9]{29}", answer.id)
    assert answer.model == "gpt-4o-2024-08-06"
    assert answer.object == "chat.completion"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer._request_id or "")


async def test_the_synchronous_client_is_served_too(sync_openai: OpenAI) -> None:
    answer = await asyncio.to_thread(
        sync_openai.chat.completions.create, model="gpt-4o", messages=HELLO
    )
    assert answer.choices[0].message.content


async def test_the_same_request_gets_the_same_words_and_a_new_id(
    openai_client: AsyncOpenAI,
) -> None:
    one = await openai_client.chat.completions.create(model="gpt-4o", messages=HELLO)
    two = await openai_client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert one.choices[0].message.content == two.choices[0].message.content
    assert one.id != two.id


async def test_a_stream_says_the_same_as_the_whole_answer(openai_client: AsyncOpenAI) -> None:
    whole = await openai_client.chat.completions.create(model="gpt-4o", messages=HELLO)
    stream = await openai_client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_begins_with_the_role_and_ends_with_finish_reason_and_done(
    openai_sim: Simulator, raw: Raw
) -> None:
    body = {"model": "gpt-4o", "messages": HELLO, "stream": True}
    answer = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", body)
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    data = [value for _, value in answer.events]
    assert data[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert all(set(value["choices"][0]["delta"]) == {"content"} for value in data[1:-2])
    assert data[-2]["choices"][0]["delta"] == {}
    assert data[-2]["choices"][0]["finish_reason"] == "stop"
    assert data[-1] == "[DONE]"
    assert all("usage" not in value for value in data[:-1])


async def test_obfuscation_can_be_switched_off(openai_sim: Simulator, raw: Raw) -> None:
    body: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO, "stream": True}
    url = f"{openai_sim.base_url}/v1/chat/completions"
    padded = await raw.post(url, body)
    plain = await raw.post(url, body | {"stream_options": {"include_obfuscation": False}})
    assert b'"obfuscation"' in padded.body
    assert b'"obfuscation"' not in plain.body


async def test_a_tool_that_the_user_names_is_called(
    openai_client: AsyncOpenAI, weather: dict[str, Any]
) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "Use get_weather for Oslo"}],
        tools=[tool("get_weather", weather), tool("get_time", weather)],
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city", "days"}
    assert re.fullmatch(r"call_[A-Za-z0-9]{24}", call.id)


async def test_parallel_tool_calls_keep_their_own_indices_in_a_stream(
    openai_client: AsyncOpenAI, weather: dict[str, Any]
) -> None:
    async with openai_client.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "get_weather here, get_weather there and get_time"}],
        tools=[
            tool(name, weather)
            | {"function": {"name": name, "parameters": weather, "strict": True}}
            for name in ("get_weather", "get_time")
        ],
    ) as stream:
        starts = []
        async for event in stream:
            if event.type == "chunk" and event.chunk.choices:
                calls = event.chunk.choices[0].delta.tool_calls or []
                starts += [(call.index, call.id) for call in calls if call.id]
        final = await stream.get_final_completion()
    assert [index for index, _ in starts] == [0, 1, 2]
    calls_made = final.choices[0].message.tool_calls or []
    assert [c.function.name for c in calls_made] == ["get_weather", "get_weather", "get_time"]
    assert len({call.id for call in calls_made}) == 3
    assert all(json.loads(call.function.arguments) for call in calls_made)


async def test_a_single_call_starts_in_the_first_event(
    openai_sim: Simulator, vllm_sim: Simulator, raw: Raw, weather: dict[str, Any]
) -> None:
    body = {
        "messages": [{"role": "user", "content": "get_weather"}],
        "tools": [tool("get_weather", weather)],
        "stream": True,
    }
    url = f"{openai_sim.base_url}/v1/chat/completions"
    answer = await raw.post(url, body | {"model": "gpt-4o"})
    first = answer.events[0][1]["choices"][0]["delta"]
    assert first["content"] is None
    assert first["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": ""}
    url = f"{vllm_sim.base_url}/v1/chat/completions"
    answer = await raw.post(url, body | {"model": "Qwen/Qwen3-8B", "reasoning_effort": "none"})
    assert "tool_calls" not in answer.events[0][1]["choices"][0]["delta"]
    second = answer.events[1][1]["choices"][0]["delta"]["tool_calls"][0]
    assert re.fullmatch(r"chatcmpl-tool-[0-9a-f]{32}", second["id"])


async def test_one_call_only_when_parallel_calls_are_off(
    openai_client: AsyncOpenAI, weather: dict[str, Any]
) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "get_weather and get_weather"}],
        tools=[tool("get_weather", weather)],
        parallel_tool_calls=False,
    )
    assert len(answer.choices[0].message.tool_calls or []) == 1


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
    ],
)
async def test_tool_choice_is_obeyed(
    openai_client: AsyncOpenAI, weather: dict[str, Any], choice: Any, called: list[str]
) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o",
        messages=HELLO,
        tools=[tool("get_weather", weather), tool("get_time", weather)],
        tool_choice=choice,
    )
    calls = answer.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls if call.type == "function"] == called


async def test_after_the_tools_results_the_model_answers_in_words(
    openai_client: AsyncOpenAI, weather: dict[str, Any]
) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "get_weather, please"}
    ]
    tools = [tool("get_weather", weather)]
    first = await openai_client.chat.completions.create(
        model="gpt-4o", messages=messages, tools=tools
    )
    (call,) = first.choices[0].message.tool_calls or []
    history: list[Any] = [
        *messages,
        first.choices[0].message.to_dict(),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    second = await openai_client.chat.completions.create(
        model="gpt-4o", messages=history, tools=tools
    )
    assert second.choices[0].message.content


class City(BaseModel):
    name: str
    inhabitants: int
    rivers: list[str]


async def test_structured_output_is_valid(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.parse(
        model="gpt-4o", messages=HELLO, response_format=City
    )
    assert isinstance(answer.choices[0].message.parsed, City)


async def test_structured_output_is_valid_in_a_stream(openai_client: AsyncOpenAI) -> None:
    async with openai_client.chat.completions.stream(
        model="gpt-4o", messages=HELLO, response_format=City
    ) as stream:
        final = await stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, City)


async def test_a_json_object_is_one(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "Answer in JSON"}],
        response_format={"type": "json_object"},
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


async def test_max_tokens_cut_the_answer(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o", messages=HELLO, max_tokens=5
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    with pytest.raises(LengthFinishReasonError):
        await openai_client.chat.completions.parse(
            model="gpt-4o", messages=HELLO, response_format=City, max_tokens=3
        )


async def test_a_stop_sequence_ends_the_answer_before_itself(
    openai_sim: Simulator, openai_client: AsyncOpenAI
) -> None:
    openai_sim.set(Profile(answer="one two three four"))
    answer = await openai_client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stop=["four", " three"]
    )
    assert answer.choices[0].message.content == "one two"
    assert answer.choices[0].finish_reason == "stop"


async def test_several_choices_differ(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.create(model="gpt-4o", messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3


async def test_logprobs_come_for_each_token(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o", messages=HELLO, logprobs=True, top_logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(t.token for t in logprobs.content or []) == answer.choices[0].message.content
    assert all(len(t.top_logprobs) == 2 and t.logprob <= 0 for t in logprobs.content or [])
    stream = await openai_client.chat.completions.create(
        model="gpt-4o", messages=HELLO, logprobs=True, stream=True
    )
    tokens = [
        token.token
        async for chunk in stream
        if chunk.choices[0].logprobs
        for token in chunk.choices[0].logprobs.content or []
    ]
    assert "".join(tokens) == answer.choices[0].message.content


async def test_a_reasoning_model_counts_its_thoughts_and_shows_none(
    openai_client: AsyncOpenAI,
) -> None:
    answer = await openai_client.chat.completions.create(model="o4-mini", messages=HELLO)
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    reasoning = answer.usage.completion_tokens_details.reasoning_tokens or 0
    assert 0 < reasoning < answer.usage.completion_tokens
    silent = await openai_client.chat.completions.create(
        model="gpt-5", messages=HELLO, reasoning_effort="none"
    )
    assert silent.usage is not None
    assert silent.usage.completion_tokens_details is not None
    assert silent.usage.completion_tokens_details.reasoning_tokens == 0


async def test_a_long_prefix_is_cached_the_second_time(openai_client: AsyncOpenAI) -> None:
    async def cached(question: str) -> int:
        answer = await openai_client.chat.completions.create(
            model="gpt-4o",
            messages=[
                {"role": "system", "content": "Know this. " * 800},
                {"role": "user", "content": question},
            ],
        )
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        return answer.usage.prompt_tokens_details.cached_tokens or 0

    assert await cached("First?") == 0
    again = await cached("Second?")
    assert again >= 1024
    assert again % 128 == 0


async def test_an_image_costs_its_tokens(openai_client: AsyncOpenAI) -> None:
    async def tokens(detail: Any) -> int:
        image = {"url": "data:image/png;base64," + "A" * 9000, "detail": detail}
        answer = await openai_client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": [{"type": "image_url", "image_url": image}]}],  # type: ignore[misc, list-item]
        )
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    assert await tokens("high") - await tokens("low") == 765 - 85


async def test_vllm_shows_its_reasoning_and_has_its_own_ids(vllm_client: AsyncOpenAI) -> None:
    answer = await vllm_client.chat.completions.create(
        model="Qwen/Qwen3-8B", messages=HELLO, max_tokens=200
    )
    message = answer.choices[0].message.to_dict()
    assert message["reasoning_content"]
    assert re.fullmatch(r"chatcmpl-[0-9a-f]{32}", answer.id)
    stream = await vllm_client.chat.completions.create(
        model="Qwen/Qwen3-8B", messages=HELLO, max_tokens=200, stream=True
    )
    deltas = [chunk.choices[0].delta.to_dict() async for chunk in stream]
    assert (
        "".join(str(d.get("reasoning_content", "")) for d in deltas) == message["reasoning_content"]
    )
    assert "".join(str(d.get("content") or "") for d in deltas) == message["content"]


async def test_a_server_without_usage_reports_none(
    openai_sim: Simulator, openai_client: AsyncOpenAI
) -> None:
    openai_sim.set(Profile(usage=False))
    answer = await openai_client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert answer.usage is None
