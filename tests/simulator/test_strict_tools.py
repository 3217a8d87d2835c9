"""Functions and schemas as strict as OpenAI makes them, and as vLLM leaves them."""

from typing import Any

import pytest
from openai.types.responses import Response

from tests.simulator.raw import Answered, Raw
from tokenhub.simulator import Simulator

LOOSE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "when": {"anyOf": [{"type": "object", "properties": {"day": {}}}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["city"],
}
CLOSED = {"properties": {}, "required": [], "additionalProperties": False}
STRICT = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "when": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {"day": {}},
                    "required": ["day"],
                    "additionalProperties": False,
                },
                {"type": "null"},
            ]
        },
        "tags": {"type": "array", "items": {"type": "object"} | CLOSED},
    },
    "required": ["city", "when", "tags"],
    "additionalProperties": False,
}


def tool(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function", "name": "look_up", "parameters": schema, **more}


async def respond(simulator: Simulator, raw: Raw, **change: Any) -> Answered:
    model = "Qwen/Qwen3-8B" if simulator.kind == "vllm" else "gpt-4o"
    body = {"model": model, "input": "Use look_up", **change}
    return await raw.post(f"{simulator.base_url}/v1/responses", body)


@pytest.mark.parametrize("more", [{}, {"strict": None}])
async def test_a_function_that_leaves_it_open_is_made_strict(
    openai_sim: Simulator, raw: Raw, more: dict[str, Any]
) -> None:
    answer = await respond(openai_sim, raw, tools=[tool(LOOSE, **more)])
    assert answer.status == 200
    assert Response.model_validate(answer.json).tools[0].to_dict() == tool(STRICT, strict=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": True},
        {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}]}}},
        {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {}}}},
        {"type": "object", "properties": 1},
        {"type": "object", "patternProperties": {"^x": {}}},
    ],
)
async def test_a_function_that_cannot_be_strict_stays_loose(
    openai_sim: Simulator, raw: Raw, schema: dict[str, Any]
) -> None:
    answer = await respond(openai_sim, raw, tools=[tool(schema)])
    assert answer.status == 200
    assert answer.json["tools"] == [tool(schema, strict=False)]


async def test_a_function_that_says_loose_stays_as_it_is(openai_sim: Simulator, raw: Raw) -> None:
    answer = await respond(openai_sim, raw, tools=[tool(LOOSE, strict=False)])
    assert answer.status == 200
    assert answer.json["tools"] == [tool(LOOSE, strict=False)]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            LOOSE,
            "In context=(), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            CLOSED
            | {
                "type": "object",
                "properties": {"a": {"oneOf": [{"type": "string"}]}},
                "required": ["a"],
            },
            "In context=('properties', 'a'), 'oneOf' is not permitted.",
        ),
    ],
)
async def test_a_function_that_says_strict_must_be(
    openai_sim: Simulator, raw: Raw, schema: dict[str, Any], words: str
) -> None:
    answer = await respond(openai_sim, raw, tools=[tool(schema, strict=True)])
    assert answer.status == 400
    assert answer.json["error"]["message"] == f"Invalid schema for function 'look_up': {words}"


async def test_vllm_takes_any_function_and_format(vllm_sim: Simulator, raw: Raw) -> None:
    wanted = {"type": "json_schema", "name": "a b", "schema": LOOSE, "strict": True}
    for more in ({}, {"strict": True}):
        tools = [tool(LOOSE, **more)]
        answer = await respond(
            vllm_sim, raw, tools=tools, text={"format": wanted}, max_output_tokens=5
        )
        assert answer.status == 200
        assert answer.json["tools"] == tools


async def test_vllm_takes_any_function_and_format_in_chat(vllm_sim: Simulator, raw: Raw) -> None:
    named = {"name": "a b", "schema": LOOSE, "strict": True}
    for wanted in ({"type": "json_schema", "json_schema": named}, {"type": "json_object"}):
        body = {
            "model": "Qwen/Qwen3-8B",
            "messages": [{"role": "user", "content": "Use look_up"}],
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "look_up", "parameters": LOOSE, "strict": True},
                }
            ],
            "response_format": wanted,
        }
        answer = await raw.post(f"{vllm_sim.base_url}/v1/chat/completions", body)
        assert answer.status == 200


async def test_vllm_takes_outputs_without_their_calls(vllm_sim: Simulator, raw: Raw) -> None:
    output = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    answer = await respond(
        vllm_sim,
        raw,
        input=[{"role": "user", "content": "Hi"}, output],
        reasoning={"effort": "low"},
        temperature=0.5,
    )
    assert answer.status == 200


@pytest.mark.parametrize("kind", ["openai", "vllm"])
async def test_a_function_needs_a_name(
    openai_sim: Simulator, vllm_sim: Simulator, raw: Raw, kind: str
) -> None:
    simulator = vllm_sim if kind == "vllm" else openai_sim
    answer = await respond(simulator, raw, tools=[{"type": "function"}])
    assert answer.status == 400


async def test_the_metadata_of_a_client_is_taken(openai_sim: Simulator, raw: Raw) -> None:
    taken = await respond(openai_sim, raw, client_metadata={"session_id": "s1"})
    assert taken.status == 200
    refused = await respond(openai_sim, raw, client_metadata={"turn": 1})
    assert refused.status == 400
    assert refused.json["error"]["message"] == (
        "Invalid type for 'client_metadata.turn': expected a string, but got an integer instead."
    )
