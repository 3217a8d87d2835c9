"""What `/v1/chat/completions` refuses, and in which words."""

from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator

HELLO = [{"role": "user", "content": "Hello"}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def calls(*calls: Any) -> dict[str, Any]:
    """An assistant's message with `calls` and its answers."""
    ids = [call["id"] for call in calls if "id" in call]
    answers = [{"role": "tool", "tool_call_id": id_, "content": "x"} for id_ in ids]
    return {"messages": [*HELLO, {"role": "assistant", "tool_calls": list(calls)}, *answers]}


def function(**change: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "arguments": "{}"} | change}


def tools(**function: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": function}]}


@pytest.mark.parametrize(
    ("change", "status", "code", "param", "words"),
    [
        ({"model": None}, 400, None, None, "you must provide a model parameter"),
        ({"model": 7}, 400, "invalid_type", "model", "expected a string"),
        ({"model": "gpt-9"}, 404, "model_not_found", None, "`gpt-9` does not exist"),
        ({"model": "text-embedding-3-small"}, 404, None, "model", "not a chat model"),
        ({"messages": None}, 400, "missing_required_parameter", "messages", "Missing required"),
        ({"messages": "hi"}, 400, "invalid_type", "messages", "expected an array of objects"),
        ({"messages": []}, 400, "empty_array", "messages", "empty array"),
        ({"messages": [3]}, 400, "invalid_type", "messages[0]", "expected an object"),
        ({"messages": [{}]}, 400, "missing_required_parameter", "messages[0].role", "role"),
        ({"messages": [{"role": "x"}]}, 400, "invalid_value", "messages[0].role", "'developer'."),
        ({"messages": [{"role": "user"}]}, 400, "invalid_type", "messages.[0].content", "got null"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            400,
            "invalid_type",
            "messages[0].content",
            "but got an integer",
        ),
        (
            {"messages": [*HELLO, {"role": "tool", "tool_call_id": "x", "content": ""}]},
            400,
            "invalid_value",
            "messages.[1].role",
            "must be a response to a preceeding message",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [CALL]}, *HELLO]},
            400,
            "invalid_value",
            "messages.[1].role",
            "did not have response messages: call_1",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [CALL]}]},
            400,
            "invalid_value",
            "messages.[1].role",
            "did not have response messages: call_1",
        ),
        ({"max_tokens": 0}, 400, "integer_below_min_value", "max_tokens", ">= 1, but got 0"),
        ({"max_tokens": 99999}, 400, "invalid_value", "max_tokens", "at most 16384 completion"),
        ({"max_tokens": True}, 400, "invalid_type", "max_tokens", "but got a boolean"),
        ({"max_tokens": 1.5}, 400, "invalid_type", "max_tokens", "but got a decimal number"),
        ({"tools": {}}, 400, "invalid_type", "tools", "but got an object"),
        ({"stop": [None]}, 400, "invalid_type", "stop[0]", "but got null"),
        ({"temperature": 3}, 400, "decimal_above_max_value", "temperature", "<= 2, but got 3"),
        ({"stream": "yes"}, 400, "invalid_type", "stream", "expected a boolean"),
        ({"stop": ["a"] * 5}, 400, "array_above_max_length", "stop", "maximum length 4"),
        ({"stop": [1]}, 400, "invalid_type", "stop[0]", "expected a string"),
        ({"stream_options": {"include_usage": True}}, 400, None, "stream_options", "only allowed"),
        ({"tool_choice": "required"}, 400, "invalid_value", "tool_choice", "'tools' are specified"),
        (
            {"tools": [{"type": "function"}]},
            400,
            "missing_required_parameter",
            "tools[0].function",
            "",
        ),
        (
            {"tools": [{"function": {}}]},
            400,
            "missing_required_parameter",
            "tools[0].function.name",
            "",
        ),
        (
            {"tools": [{"function": {"name": "f"}}], "tool_choice": "maybe"},
            400,
            "invalid_value",
            "tool_choice",
            "'required'.",
        ),
        (
            {"response_format": {"type": "json_object"}},
            400,
            None,
            "messages",
            "must contain the word 'json'",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            400,
            "missing_required_parameter",
            "response_format.json_schema",
            "",
        ),
        (
            {"response_format": {"type": "yaml"}},
            400,
            "invalid_value",
            "response_format.type",
            "yaml",
        ),
        ({"model": "o3", "max_tokens": 9}, 400, "unsupported_parameter", "max_tokens", "max_compl"),
        ({"model": "o3", "temperature": 0.5}, 400, "unsupported_value", "temperature", "0.5"),
        ({"model": "o3", "reasoning_effort": "wild"}, 400, "invalid_value", "reasoning_effort", ""),
        (
            {"messages": [{"role": "user", "content": "word " * 110_000}]},
            400,
            "context_length_exceeded",
            "messages",
            "maximum context length is 128000 tokens",
        ),
        ({"foo": 1}, 400, None, None, "Unrecognized request argument supplied: foo"),
        ({"foo": 1, "bar": 2}, 400, None, None, "arguments supplied: foo, bar"),
        ({"reasoning_effort": "low"}, 400, None, None, "supplied: reasoning_effort"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            400,
            "invalid_value",
            "messages[0].content[0].type",
            "'image'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
        ),
        (
            {"messages": [{"role": "user", "content": []}]},
            400,
            "empty_array",
            "messages[0].content",
            "empty array",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            400,
            "missing_required_parameter",
            "messages[0].content[0].text",
            "",
        ),
        (
            {"messages": [{"role": "system", "content": [IMAGE]}]},
            400,
            "invalid_value",
            "messages[0]",
            "Image URLs are only allowed for messages with role 'user', but this message with role "
            "'system' contains an image URL.",
        ),
        (
            {"messages": [{"role": "user", "content": [IMAGE | {"image_url": {"url": "x"}}]}]},
            400,
            "invalid_value",
            "messages[0].content[0].image_url.url",
            "Expected a valid URL",
        ),
        (
            calls(CALL | {"id": "c" * 41}),
            400,
            "string_above_max_length",
            "messages[1].tool_calls[0].id",
            "maximum length 40, but got a string with length 41",
        ),
        (
            calls(function()),
            400,
            "missing_required_parameter",
            "messages[1].tool_calls[0].id",
            "",
        ),
        (
            calls({"id": "c"} | function(arguments={})),
            400,
            "invalid_type",
            "messages[1].tool_calls[0].function.arguments",
            "expected a string, but got an object",
        ),
        (
            calls({"id": "c"} | function(name="a.b")),
            400,
            "invalid_value",
            "messages[1].tool_calls[0].function.name",
            "string does not match pattern",
        ),
        (
            calls({"id": "c", "type": "tool_use"}),
            400,
            "invalid_value",
            "messages[1].tool_calls[0].type",
            "'function' and 'custom'.",
        ),
        (
            calls({"id": "c", "type": "function"}),
            400,
            "missing_required_parameter",
            "messages[1].tool_calls[0].function",
            "",
        ),
        (calls(), 400, "empty_array", "messages[1].tool_calls", "empty array"),
        (
            {"messages": [*HELLO, {"role": "tool", "content": ""}]},
            400,
            "missing_required_parameter",
            "messages[1].tool_call_id",
            "",
        ),
        (tools(name="a b"), 400, "invalid_value", "tools[0].function.name", "'^[a-zA-Z0-9_-]+$'"),
        (
            tools(name="f" * 65),
            400,
            "string_above_max_length",
            "tools[0].function.name",
            "maximum length 64",
        ),
        (
            tools(name="f", parameters={"properties": {}}),
            400,
            "invalid_function_parameters",
            "tools[0].function.parameters",
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
        ),
        (
            {"tools": [{"type": "custom"}]},
            400,
            "missing_required_parameter",
            "tools[0].custom",
            "",
        ),
        ({"model": "o3", "stop": "x"}, 400, "unsupported_parameter", "stop", "not supported with"),
        ({"model": "gpt-5", "top_p": 0.5}, 400, "unsupported_parameter", "top_p", "not supported"),
        (
            {"model": "gpt-5", "logprobs": True},
            400,
            "unsupported_parameter",
            "logprobs",
            "not supported",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_openais_words(
    openai_sim: Simulator,
    raw: Raw,
    change: dict[str, Any],
    status: int,
    code: str | None,
    param: str | None,
    words: str,
) -> None:
    body = {"model": "gpt-4o", "messages": HELLO} | change
    answer = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", body)
    error = answer.json["error"]
    assert answer.status == status
    assert error["type"] == "invalid_request_error"
    assert (error["code"], error["param"]) == (code, param)
    assert words in error["message"]


async def test_the_sdk_raises_what_it_would_for_the_real_service(
    openai_client: AsyncOpenAI,
) -> None:
    with pytest.raises(NotFoundError) as missing:
        await openai_client.chat.completions.create(
            model="gpt-9", messages=[{"role": "user", "content": "x"}]
        )
    assert missing.value.code == "model_not_found"
    with pytest.raises(BadRequestError) as refused:
        await openai_client.chat.completions.create(
            model="gpt-5", messages=[{"role": "user", "content": "x"}], max_tokens=3
        )
    assert refused.value.param == "max_tokens"


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "object", "properties": {}}, "'additionalProperties' is required"),
        (
            {
                "type": "object",
                "properties": {"a": {"anyOf": [{"type": "object"}]}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "In context=('properties', 'a', 'anyOf', '0'), 'additionalProperties'",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            "Missing 'a'.",
        ),
    ],
)
async def test_a_loose_schema_is_refused_in_strict_mode(
    openai_sim: Simulator, raw: Raw, schema: dict[str, Any], problem: str
) -> None:
    wanted = {"name": "x", "schema": schema, "strict": True}
    body = {
        "model": "gpt-4o",
        "messages": HELLO,
        "response_format": {"type": "json_schema", "json_schema": wanted},
    }
    answer = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", body)
    assert answer.json["error"]["code"] == "invalid_json_schema"
    assert problem in answer.json["error"]["message"]


async def test_a_refused_field_is_named(openai_sim: Simulator, raw: Raw) -> None:
    openai_sim.set(Profile(refused_fields=("stream_options",)))
    body = {"model": "gpt-4o", "messages": HELLO, "stream": True, "stream_options": {}}
    answer = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", body)
    assert answer.status == 400
    assert answer.json["error"]["message"] == (
        "Unrecognized request argument supplied: stream_options"
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"a": \xff}', b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(
    openai_sim: Simulator, raw: Raw, body: bytes
) -> None:
    answer = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", body)
    assert answer.status == 400
    assert answer.json["error"]["message"].startswith("We could not parse the JSON body")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "x"}, 404, "The model `x` does not exist."),
        ({"max_tokens": 140_000}, 400, "'max_tokens' or 'max_completion_tokens' is too large"),
        (
            {"messages": [{"role": "user", "content": "word " * 110_000}]},
            400,
            "maximum context length is 131072 tokens. However, your request has",
        ),
    ],
)
async def test_vllm_has_its_own_words_and_the_status_as_code(
    vllm_sim: Simulator, raw: Raw, change: dict[str, Any], status: int, words: str
) -> None:
    body = {"model": "meta-llama/Llama-3.1-8B-Instruct", "messages": HELLO} | change
    answer = await raw.post(f"{vllm_sim.base_url}/v1/chat/completions", body)
    assert answer.status == status
    assert answer.json["error"]["code"] == status
    assert answer.json["error"]["type"] in ("NotFoundError", "BadRequestError")
    assert words in answer.json["error"]["message"]


async def test_vllm_says_that_a_body_is_no_json(vllm_sim: Simulator, raw: Raw) -> None:
    answer = await raw.post(f"{vllm_sim.base_url}/v1/chat/completions", b"{")
    assert answer.status == 400
    assert "json_invalid" in answer.json["error"]["message"]


async def test_vllm_ignores_what_openai_refuses(vllm_sim: Simulator, raw: Raw) -> None:
    body = {"model": "Qwen/Qwen3-8B", "messages": HELLO, "top_k": 5, "reasoning_effort": "low"}
    answer = await raw.post(f"{vllm_sim.base_url}/v1/chat/completions", body)
    assert answer.status == 200
