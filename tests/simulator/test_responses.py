"""`/v1/responses` through the official SDK and on the wire."""

import json
import re
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator


@pytest.fixture
def tools(weather: dict[str, Any]) -> list[Any]:
    return [
        {"type": "function", "name": name, "parameters": weather, "strict": True}
        for name in ("get_weather", "get_time")
    ]


async def test_a_response_has_text_ids_and_usage(openai_client: AsyncOpenAI) -> None:
    response = await openai_client.responses.create(model="gpt-4o", input="Hello")
    assert re.fullmatch(r"resp_[0-9a-f]{50}", response.id)
    assert response.status == "completed"
    assert response.output_text
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert [item.type for item in response.output] == ["message"]


async def test_a_stream_accumulates_to_the_whole_response(openai_client: AsyncOpenAI) -> None:
    whole = await openai_client.responses.create(model="gpt-4o", input="Hello")
    async with openai_client.responses.stream(model="gpt-4o", input="Hello") as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    assert final.output_text == whole.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"


async def test_the_events_come_in_the_documented_order(openai_sim: Simulator, raw: Raw) -> None:
    body = {"model": "o3", "input": "Hi", "stream": True, "reasoning": {"summary": "auto"}}
    answer = await raw.post(f"{openai_sim.base_url}/v1/responses", body)
    names = [name.removeprefix("response.") for name, _ in answer.events]
    assert all(name == data["type"] for name, data in answer.events)
    assert list(dict.fromkeys(names)) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "completed",
    ]


async def test_functions_are_called_and_their_results_taken(
    openai_client: AsyncOpenAI, tools: list[Any]
) -> None:
    asked: list[Any] = [{"role": "user", "content": "get_weather and get_time"}]
    async with openai_client.responses.stream(model="o3", input=asked, tools=tools) as stream:
        first = await stream.get_final_response()
    calls = [item for item in first.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert all(set(json.loads(call.arguments)) == {"city", "days"} for call in calls)
    outputs: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        for call in calls
    ]
    items: list[Any] = [item.to_dict() for item in first.output]
    for item in items:
        item.pop("parsed_arguments", None)
    second = await openai_client.responses.create(
        model="o3", input=[*asked, *items, *outputs], tools=tools
    )
    assert second.output_text


async def test_encrypted_reasoning_comes_when_asked_for_and_is_bound_to_its_model(
    openai_sim: Simulator, openai_client: AsyncOpenAI, raw: Raw
) -> None:
    first = await openai_client.responses.create(
        model="o3", input="Hello", include=["reasoning.encrypted_content"], store=False
    )
    reasoning, said = (item.to_dict() for item in first.output)
    assert str(reasoning["encrypted_content"]).startswith("gAAAAA")
    history = [reasoning, said, {"role": "user", "content": "And?"}]
    url = f"{openai_sim.base_url}/v1/responses"
    kept = await raw.post(url, {"model": "o3", "input": history})
    foreign = await raw.post(url, {"model": "o4-mini", "input": history})
    assert kept.status == 200
    assert foreign.status == 400
    assert foreign.json["error"]["code"] == "invalid_encrypted_content"


async def test_a_cut_response_is_incomplete(openai_client: AsyncOpenAI) -> None:
    stream = await openai_client.responses.create(
        model="gpt-4o", input="Hello", max_output_tokens=16, stream=True
    )
    events = [event async for event in stream]
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert last.response.usage is not None
    assert last.response.usage.output_tokens == 16


class City(BaseModel):
    name: str
    inhabitants: int


async def test_structured_output_is_valid(openai_client: AsyncOpenAI) -> None:
    response = await openai_client.responses.parse(model="gpt-4o", input="Hi", text_format=City)
    assert isinstance(response.output_parsed, City)


@pytest.mark.parametrize("format_", [{"type": "json_object"}, {"type": "text"}])
async def test_the_answers_form_is_followed(openai_client: AsyncOpenAI, format_: Any) -> None:
    response = await openai_client.responses.create(
        model="gpt-4o", input="json", text={"format": format_}
    )
    assert response.output_text.startswith("{") == (format_["type"] == "json_object")


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_time"}, ["get_time"]),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, []),
    ],
)
async def test_tool_choice_is_obeyed(
    openai_client: AsyncOpenAI, tools: list[Any], choice: Any, called: list[str]
) -> None:
    response = await openai_client.responses.create(
        model="gpt-4o", input="Hello", tools=tools, tool_choice=choice
    )
    assert [item.name for item in response.output if item.type == "function_call"] == called


async def test_an_image_and_a_long_prefix_are_counted(openai_client: AsyncOpenAI) -> None:
    async def usage() -> Any:
        image = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"}
        content: list[Any] = [{"type": "input_text", "text": "Know this. " * 500}, image]
        response = await openai_client.responses.create(
            model="gpt-4o", input=[{"role": "user", "content": content}]
        )
        return response.usage

    first, second = await usage(), await usage()
    assert first.input_tokens > 1375 + 765
    assert first.input_tokens_details.cached_tokens == 0
    assert second.input_tokens_details.cached_tokens >= 1024


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
FUNCTION = {"type": "function", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"model": "x"}, 404, "model_not_found", "does not exist"),
        ({"model": "text-embedding-3-small"}, 400, "invalid_value", "Responses API"),
        ({"input": None}, 400, "missing_required_parameter", "'input'"),
        ({"input": 1}, 400, "invalid_type", "string or array of input items"),
        ({"input": [1]}, 400, "invalid_type", "expected an object"),
        (
            {"previous_response_id": "resp_1"},
            400,
            "previous_response_not_found",
            "'resp_1' not found",
        ),
        ({"max_output_tokens": 5}, 400, "integer_below_min_value", ">= 16, but got 5"),
        ({"tool_choice": "x"}, 400, "invalid_value", "'required'."),
        ({"tools": [FUNCTION]}, 400, "missing_required_parameter", "tools[0].name"),
        (
            {"tools": [FUNCTION | {"name": "f", "strict": True}]},
            400,
            "invalid_json_schema",
            "additionalProperties",
        ),
        (
            {"text": {"format": {"type": "json_schema"}}},
            400,
            "missing_required_parameter",
            "schema",
        ),
        ({"reasoning": {"effort": "low"}}, 400, "unsupported_parameter", "reasoning.effort"),
        ({"model": "o3", "temperature": 0.1}, 400, "unsupported_parameter", "temperature"),
        ({"model": "o3", "reasoning": {"effort": "x"}}, 400, "invalid_value", "'medium'"),
        (
            {"input": "word " * 110_000},
            400,
            "context_length_exceeded",
            "exceeds the context window",
        ),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": ""}]},
            400,
            None,
            "No tool call found for function call output with call_id c.",
        ),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}]},
            400,
            None,
            "No tool output found for function call c.",
        ),
        ({"foo": 1}, 400, "unknown_parameter", "Unknown parameter: 'foo'."),
        (
            {"input": [{"role": "user", "content": "x", "name": "ada"}]},
            400,
            "unknown_parameter",
            "Unknown parameter: 'input[0].name'.",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
            400,
            "invalid_value",
            "Supported values are: 'input_text', 'input_image', and 'input_file'.",
        ),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            400,
            "invalid_value",
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        ),
        ({"input": [{"type": "tool_use"}]}, 400, "invalid_value", "'tool_use'. Supported values"),
        ({"input": [{"role": "tool", "content": "x"}]}, 400, "invalid_value", "'developer'"),
        ({"input": [{"content": "x"}]}, 400, "missing_required_parameter", "input[0].role"),
        ({"input": [{"role": "user"}]}, 400, "missing_required_parameter", "input[0].content"),
        (
            {"input": [CALL | {"call_id": "c" * 65}]},
            400,
            "string_above_max_length",
            "'input[0].call_id': string too long. Expected a string with maximum length 64",
        ),
        (
            {"input": [CALL | {"id": "call_1"}]},
            400,
            "invalid_value",
            "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'.",
        ),
        ({"input": [CALL | {"arguments": {}}]}, 400, "invalid_type", "expected a string"),
        (
            {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]},
            400,
            None,
            "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        ),
        (
            {"input": [{"type": "custom_tool_call_output", "call_id": "c", "output": "x"}]},
            400,
            None,
            "No tool call found for custom tool call output with call_id c.",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
            400,
            "invalid_value",
            "Expected a valid URL",
        ),
        (
            {"tools": [FUNCTION | {"name": "f", "parameters": {"properties": {}}}]},
            400,
            "invalid_function_parameters",
            "schema must be a JSON Schema",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_openais_words(
    openai_sim: Simulator,
    raw: Raw,
    change: dict[str, Any],
    status: int,
    code: str | None,
    words: str,
) -> None:
    body = {"model": "gpt-4o", "input": "Hello"} | change
    answer = await raw.post(f"{openai_sim.base_url}/v1/responses", body)
    assert answer.status == status
    assert answer.json["error"]["code"] == code
    assert words in answer.json["error"]["message"]


async def test_a_custom_tool_gets_text_and_its_output_is_taken(openai_client: AsyncOpenAI) -> None:
    tools: list[Any] = [{"type": "custom", "name": "run", "description": "Runs code"}]
    asked: list[Any] = [{"role": "user", "content": "Please run it"}]
    async with openai_client.responses.stream(model="gpt-5", input=asked, tools=tools) as stream:
        first = await stream.get_final_response()
    [call] = [item for item in first.output if item.type == "custom_tool_call"]
    assert call.name == "run"
    assert call.input
    items: list[Any] = [item.to_dict() for item in first.output]
    output: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "done"}
    second = await openai_client.responses.create(
        model="gpt-5", input=[*asked, *items, output], tools=tools
    )
    assert second.output_text


@pytest.mark.parametrize(
    ("options", "hidden"), [({}, True), ({"include_obfuscation": False}, False)]
)
async def test_obfuscation_can_be_switched_off(
    openai_sim: Simulator, raw: Raw, options: dict[str, Any], hidden: bool
) -> None:
    body = {"model": "gpt-4o", "input": "Hi", "stream": True, "stream_options": options}
    answer = await raw.post(f"{openai_sim.base_url}/v1/responses", body)
    deltas = [data for name, data in answer.events if name.endswith(".delta")]
    assert all(("obfuscation" in data) == hidden for data in deltas)


async def test_a_refusal_streams_as_one(openai_sim: Simulator, openai_client: AsyncOpenAI) -> None:
    openai_sim.set(Profile(refusal="No."))
    async with openai_client.responses.stream(model="gpt-4o", input="Hi") as stream:
        final = await stream.get_final_response()
    [item] = final.output
    assert item.type == "message"
    assert item.content[0].type == "refusal"
    assert item.content[0].refusal == "No."
