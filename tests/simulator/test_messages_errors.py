"""What `/v1/messages` refuses, and in which words."""

import re
from typing import Any

import pytest
from anthropic import AsyncAnthropic, BadRequestError, NotFoundError

from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator
from tokenhub.simulator.model.signatures import sign

MODEL = "claude-haiku-4-5"
HELLO = [{"role": "user", "content": "Hello"}]
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
THINK = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
TEXT = {"type": "text", "text": "x"}


PNG = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [*HELLO, {"role": "assistant", "content": list(blocks)}, *HELLO]}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def results(*blocks: dict[str, Any], uses: tuple[dict[str, Any], ...] = (USE,)) -> dict[str, Any]:
    asked = {"role": "assistant", "content": list(uses)}
    return {"messages": [*HELLO, asked, {"role": "user", "content": list(blocks)}]}


def schema(value: dict[str, Any]) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": value}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": None}, "model: Field required"),
        ({"model": 1}, "model: Input should be a valid string"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": "1"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        (
            {"max_tokens": 64_001},
            "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for "
            "claude-haiku-4-5-20251001",
        ),
        ({"messages": None}, "messages: Field required"),
        ({"messages": "x"}, "messages: Input should be a valid list"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [1]}, "messages.0: Input should be an object"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "bot", "content": "x"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        (
            {"messages": [{"role": "user", "content": 1}]},
            "messages.0.content: Input should be a valid list",
        ),
        (
            {"messages": [{"role": "user", "content": []}]},
            "messages.0: all messages must have non-empty content except for the optional final "
            "assistant message",
        ),
        (
            {"messages": [{"role": "user", "content": ["x"]}]},
            "messages.0.content.0: Input should be an object",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages.0.content.0.type: Field required",
        ),
        (
            {"messages": [{"role": "user", "content": ""}]},
            "messages: text content blocks must be non-empty",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages.0.content.0.text.text: Input should be a valid string",
        ),
        ({"stream": 1}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": "x"}, "stop_sequences: Input should be a valid list"),
        (assistant({"type": "tool_use"}), "messages.1.content.0.tool_use.id: Field required"),
        (
            assistant(USE),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
            "toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the "
            "next message.",
        ),
        (
            {"messages": [{"role": "user", "content": [RESULT]}]},
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            "toolu_1. Each `tool_result` block must have a corresponding `tool_use` block in the "
            "previous message.",
        ),
        (
            {"tool_choice": {"type": "any"}},
            "tool_choice: may only be specified while providing tools",
        ),
        ({"tools": [{}]}, "tools.0.custom.name: Field required"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        (
            {"output_config": {"format": {"type": "x"}}},
            "output_config.format.type: Input should be 'json_schema'",
        ),
        (
            {"output_config": {"format": {"type": "json_schema"}}},
            "output_config.format.schema: Field required",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 200_000}]},
            "prompt is too long: 250003 tokens > 200000 maximum",
        ),
        (
            {"system": [TEXT | {"cache_control": {"type": "ephemeral"}}] * 5},
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            {"system": [TEXT | {"cache_control": {"type": "eternal"}}]},
            "cache_control.type: Input should be 'ephemeral'",
        ),
        (
            {"cache_control": {"type": "ephemeral", "ttl": "2h"}},
            "cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 100}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": "1024"}},
            "thinking.enabled.budget_tokens: Input should be a valid integer",
        ),
        (
            THINK
            | {
                "tools": [{"name": "f", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "any"},
            },
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            assistant({"type": "thinking", "thinking": "x", "signature": "forged"}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "y", "signature": sign(MODEL, "x")}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "x", "signature": sign("claude-x", "x")}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "x"}),
            "messages.1.content.0.thinking.signature: Field required",
        ),
        (
            assistant({"type": "redacted_thinking", "data": "gAAAAABp*"}),
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "x", "signature": "E"}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "redacted_thinking", "data": "%"}),
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        ),
        ({"foo": 1}, "foo: Extra inputs are not permitted"),
        ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
        ({"metadata": {"user": "x"}}, "metadata.user: Extra inputs are not permitted"),
        (
            {"messages": [HELLO[0] | {"name": "ada"}]},
            "messages.0.name: Extra inputs are not permitted",
        ),
        (
            user(TEXT | {"foo": 1}),
            "messages.0.content.0.text.foo: Extra inputs are not permitted",
        ),
        (
            {"tools": [TOOL | {"parameters": {}}]},
            "tools.0.custom.parameters: Extra inputs are not permitted",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
            "tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted",
        ),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        (
            {"tools": [TOOL | {"name": "a.b"}]},
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        ),
        (
            {"tools": [{"name": "f", "input_schema": {}}]},
            "tools.0.custom.input_schema.type: Field required",
        ),
        (
            {"tools": [{"name": "f", "input_schema": {"type": "array"}}]},
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        (
            {"tools": [{"name": "f", "input_schema": {"type": "object", "anyOf": []}}]},
            "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at "
            "the top level",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool"}},
            "tool_choice.tool.name: Field required",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}},
            "Tool 'g' not found in provided tools",
        ),
        (
            assistant(USE | {"id": "call.1"}),
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        (
            assistant(USE | {"input": "{}"}),
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        ),
        (assistant(USE, USE), "messages.1.content.1: `tool_use` ids must be unique"),
        (user(USE), "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
        (
            results(TEXT, RESULT),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
            "toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the "
            "next message.",
        ),
        (
            results(RESULT, RESULT),
            "messages.2.content.1: each tool_use must have a single result. Found multiple "
            "`tool_result` blocks with id: toolu_1",
        ),
        (
            results(RESULT | {"is_error": True, "content": [{"type": "image", "source": PNG}]}),
            "messages.2.content.0.tool_result: all content must be type `text` if `is_error` is "
            "true",
        ),
        (
            results(RESULT | {"is_error": "yes"}),
            "messages.2.content.0.tool_result.is_error: Input should be a valid boolean",
        ),
        (
            user({"type": "image", "source": PNG | {"media_type": "image/bmp"}}),
            "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', "
            "'image/png', 'image/gif' or 'image/webp'",
        ),
        (
            user({"type": "image", "source": PNG | {"data": "data:image/png;base64,AAAA"}}),
            "messages.0.content.0.image.source.base64.data: Input should be valid base64",
        ),
        (
            user({"type": "image", "source": {"type": "url", "url": "http://x/y.png"}}),
            "messages.0.content.0.image.source.url.url: Only HTTPS URLs are supported.",
        ),
        (
            user({"type": "document", "source": PNG}),
            "messages.0.content.0.document.source.base64.media_type: Input should be "
            "'application/pdf'",
        ),
        (
            user({"type": "document", "source": PNG | {"type": "text"}}),
            "messages.0.content.0.document.source.text.media_type: Input should be 'text/plain'",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "data": "AAAA"}}),
            "messages.0.content.0.image.source.base64.media_type: Field required",
        ),
        (
            user({"type": "image", "source": {"type": "data"}}),
            "messages.0.content.0.image.source: Input tag 'data' found using 'type' does not match "
            "any of the expected tags: 'base64', 'file', 'url'",
        ),
        ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
        ({"temperature": -1}, "temperature: Input should be greater than or equal to 0"),
        ({"top_p": "x"}, "top_p: Input should be a valid number"),
        ({"top_k": 1.5}, "top_k: Input should be a valid integer"),
        (
            {"stop_sequences": ["\n\n"]},
            "stop_sequences: each stop sequence must contain non-whitespace",
        ),
        ({"service_tier": "default"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        ({"system": [{"type": "image", "source": PNG}]}, "system.0.type: Input should be 'text'"),
        ({"system": [{"type": "text"}]}, "system.0.text: Field required"),
        ({"system": [TEXT | {"text": ""}]}, "system: text content blocks must be non-empty"),
        (
            {"messages": [{"role": "system", "content": "Be brief"}, *HELLO]},
            "messages.0: use the top-level 'system' parameter for the initial system prompt; the "
            "directive-only form (content: [] with output_config) is accepted at any position",
        ),
        (
            {
                "model": "claude-sonnet-5-5",
                "messages": [*HELLO, {"role": "system", "content": "Be brief"}, *HELLO],
            },
            "messages.1: role 'system' must precede an 'assistant' message or end the array; the "
            "directive-only form (content: [] with output_config) is accepted at any position",
        ),
        (
            {"messages": [*HELLO, {"role": "assistant", "content": "Well "}]},
            "messages: final assistant content cannot end with trailing whitespace",
        ),
        (
            schema({"type": "object"}),
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
            "explicitly set to false",
        ),
        (
            schema({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 2}}),
            "output_config.format.schema: For 'integer' type, properties maximum, minimum are not "
            "supported",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "none"}},
            "thinking.enabled.display: Input should be 'summarized', 'omitted'",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_anthropics_words(
    anthropic_sim: Simulator, raw: Raw, change: dict[str, Any], words: str
) -> None:
    body = {"model": MODEL, "max_tokens": 50, "messages": HELLO} | change
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    assert answer.status == 400
    assert answer.json["error"] == {"type": "invalid_request_error", "message": words}
    assert answer.json["type"] == "error"
    assert answer.json["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (
            THINK | {"max_tokens": 1024},
            "^`max_tokens` must be greater than `thinking.budget_tokens`",
        ),
        (THINK | {"temperature": 0.2}, "^`temperature` may only be set to 1 when thinking"),
        ({"thinking": {"type": "deep"}}, "^thinking: Input tag 'deep' found"),
        (
            {
                "tools": [{"name": "f", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "all"},
            },
            "^tool_choice: Input tag 'all' found",
        ),
        (
            THINK
            | {
                "messages": [
                    *HELLO,
                    {"role": "assistant", "content": [USE]},
                    {"role": "user", "content": [RESULT]},
                ]
            },
            r"^messages\.1\.content\.0\.type: Expected `thinking` or `redacted_thinking`, but "
            "found `tool_use`. When `thinking` is enabled, a final `assistant` message must start "
            "with a thinking block",
        ),
    ],
)
async def test_what_thinking_does_not_go_with_is_explained(
    anthropic_sim: Simulator, raw: Raw, change: dict[str, Any], pattern: str
) -> None:
    body = {"model": MODEL, "max_tokens": 50, "messages": HELLO} | change
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    assert answer.status == 400
    assert re.search(pattern, answer.json["error"]["message"])


async def test_the_sdk_raises_what_it_would_for_the_real_service(
    anthropic_client: AsyncAnthropic,
) -> None:
    with pytest.raises(NotFoundError) as missing:
        await anthropic_client.messages.create(
            model="claude-9", max_tokens=5, messages=[{"role": "user", "content": "x"}]
        )
    assert missing.value.body == {
        "type": "error",
        "error": {"type": "not_found_error", "message": "model: claude-9"},
        "request_id": missing.value.request_id,
    }
    with pytest.raises(BadRequestError):
        await anthropic_client.messages.create(model=MODEL, max_tokens=5, messages=[])


async def test_a_request_without_a_version_is_refused(anthropic_sim: Simulator, raw: Raw) -> None:
    async with raw.session.post(f"{anthropic_sim.base_url}/v1/messages", json={}) as response:
        answer = await response.json()
    assert response.status == 400
    assert answer["error"]["message"] == "anthropic-version: header is required"


async def test_a_body_that_is_no_json_is_refused(anthropic_sim: Simulator, raw: Raw) -> None:
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", b"{")
    assert answer.status == 400
    assert answer.json["error"]["message"].startswith("The request body is not valid JSON")


async def test_messages_cannot_be_got(anthropic_sim: Simulator, raw: Raw) -> None:
    answer = await raw.get(f"{anthropic_sim.base_url}/v1/messages")
    assert answer.status == 405
    assert answer.json["error"]["type"] == "invalid_request_error"


async def test_a_refused_field_is_named(anthropic_sim: Simulator, raw: Raw) -> None:
    anthropic_sim.set(Profile(refused_fields=("context_management",)))
    body = {"model": MODEL, "max_tokens": 5, "messages": HELLO, "context_management": {}}
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    assert answer.json["error"]["message"] == ("context_management: Extra inputs are not permitted")


async def test_an_unknown_block_is_named_with_those_that_are_known(
    anthropic_sim: Simulator, raw: Raw
) -> None:
    body = {"model": MODEL, "max_tokens": 5} | user({"type": "input_text", "text": "x"})
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    words = answer.json["error"]["message"]
    assert words.startswith("messages.0.content.0: Input tag 'input_text' found using 'type'")
    assert "'tool_result'" in words


async def test_a_beta_header_opens_the_fields_of_the_beta(
    anthropic_sim: Simulator, raw: Raw
) -> None:
    body = {"model": MODEL, "max_tokens": 5, "messages": HELLO, "context_management": {}}
    url = f"{anthropic_sim.base_url}/v1/messages"
    answer = await raw.post(url, body, **{"anthropic-beta": "context-management-2025-06-27"})
    assert answer.status == 200


async def test_messages_of_one_role_are_one_turn(anthropic_sim: Simulator, raw: Raw) -> None:
    other = USE | {"id": "toolu_2"}
    messages = [
        *HELLO,
        {"role": "assistant", "content": [USE]},
        {"role": "assistant", "content": [other]},
        {"role": "user", "content": [RESULT]},
        {"role": "user", "content": [RESULT | {"tool_use_id": "toolu_2"}]},
        *HELLO,
    ]
    body = {"model": MODEL, "max_tokens": 5, "messages": messages}
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", body)
    assert answer.status == 200
