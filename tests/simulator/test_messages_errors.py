"""What `/v1/messages` refuses, the content of messages left aside, and in which words."""

import re
from typing import Any

import pytest
from anthropic import AsyncAnthropic, BadRequestError, NotFoundError

from tests.simulator.messages_asked import HELLO, MODEL, PNG, RESULT, TEXT, USE, ask, is_refused
from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator

THINK = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


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
        ({"stream": 1}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": "x"}, "stop_sequences: Input should be a valid list"),
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
            THINK | {"tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        ({"foo": 1}, "foo: Extra inputs are not permitted"),
        ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
        ({"metadata": {"user": "x"}}, "metadata.user: Extra inputs are not permitted"),
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
    await is_refused(anthropic_sim, raw, change, words)


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
            {"tools": [TOOL], "tool_choice": {"type": "all"}},
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
    answer = await ask(anthropic_sim, raw, change)
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
    answer = await ask(anthropic_sim, raw, {"context_management": {}})
    assert answer.json["error"]["message"] == ("context_management: Extra inputs are not permitted")


async def test_a_beta_header_opens_the_fields_of_the_beta(
    anthropic_sim: Simulator, raw: Raw
) -> None:
    beta = {"anthropic-beta": "context-management-2025-06-27"}
    answer = await ask(anthropic_sim, raw, {"context_management": {}}, **beta)
    assert answer.status == 200
