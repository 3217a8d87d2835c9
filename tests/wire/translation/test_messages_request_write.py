from typing import Any

import orjson
import pytest

from tests.wire.translation.samples import SCHEMA, nested
from tokenhub.errors import BadRequest
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    Format,
    Origin,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.messages_request import write


def aim(model: str = "claude-opus-4-5", most: int | None = 64_000) -> Aim:
    return Aim(model, most, lambda seal: Origin.OWN)


def written(
    conversation: Conversation, model: str = "claude-opus-4-5", most: int | None = 64_000
) -> Any:
    return orjson.loads(write(conversation, aim(model, most)).body)


def saying(**fields: Any) -> Conversation:
    return Conversation(turns=[Turn(Role.USER, [Text("Hello")], "messages.0")], **fields)


def test_the_model_comes_first_and_what_is_not_said_is_left_out() -> None:
    result = write(saying(), aim())

    assert result == Written(
        b'{"model":"claude-opus-4-5","max_tokens":32000,'
        b'"messages":[{"role":"user","content":"Hello"}]}',
        [],
    )


@pytest.mark.parametrize(
    ("asked", "most", "limit"),
    [
        (None, None, 8_192),
        (None, 64_000, 32_000),
        (None, 4_096, 4_096),
        (100, None, 100),
        (100_000, 64_000, 64_000),
    ],
)
def test_max_tokens_is_what_the_client_allows_or_the_model_can(
    asked: int | None, most: int | None, limit: int
) -> None:
    assert written(saying(max_output_tokens=asked), most=most)["max_tokens"] == limit


def test_the_system_prompt_goes_before_the_messages() -> None:
    turns = [Turn(Role.SYSTEM, [Text("Be brief.")], "messages.0"), *saying().turns]

    body = written(Conversation(turns=turns))

    assert list(body) == ["model", "max_tokens", "system", "messages"]
    assert body["system"] == "Be brief."


def test_every_option_is_written() -> None:
    body = written(
        saying(
            temperature=0.5,
            stop=["a"],
            stream=True,
            user="u",
            format=Format(SCHEMA, strict=True),
        )
    )

    assert body["temperature"] == 0.5
    assert body["stop_sequences"] == ["a"]
    assert body["stream"] is True
    assert body["metadata"] == {"user_id": "u"}
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


def test_tools_are_written_with_a_schema_in_any_case() -> None:
    cache = {"type": "ephemeral"}
    tools = [
        Tool("f", "Does it.", SCHEMA, strict=True, cache=cache),
        Tool("g", None, None),
        Tool("h", None, {"properties": {}}),
    ]

    assert written(saying(tools=tools))["tools"] == [
        {
            "name": "f",
            "input_schema": SCHEMA,
            "description": "Does it.",
            "strict": True,
            "cache_control": cache,
        },
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        {"name": "h", "input_schema": {"type": "object", "properties": {}}},
    ]


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"parallel": True}, None),
        ({"parallel": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"choice": Choice.AUTO}, {"type": "auto"}),
        ({"choice": Choice.NONE, "parallel": False}, {"type": "none"}),
        (
            {"choice": Choice.REQUIRED, "parallel": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"choice": Choice.ONE, "tool_name": "f"}, {"type": "tool", "name": "f"}),
    ],
)
def test_a_tool_choice_is_written(fields: Any, choice: Any) -> None:
    body = written(saying(tools=[Tool("f", None, None)], **fields))

    assert body.get("tool_choice") == choice


def test_without_tools_no_choice_is_written() -> None:
    body = written(saying(choice=Choice.AUTO, parallel=False))

    assert "tools" not in body
    assert "tool_choice" not in body


def test_earlier_calls_have_their_tools_defined_though_none_may_be_called() -> None:
    turns = [
        Turn(Role.ASSISTANT, [ToolUse("t1", "f", "{}"), ToolUse("t2", "f", "{}")], "messages.0"),
        Turn(Role.USER, [ToolResult("t1", []), ToolResult("t2", [])], "messages.1"),
    ]

    body = written(Conversation(turns=turns))

    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("model", "fields", "left", "warned"),
    [
        ("claude-opus-4-5", {"temperature": 0, "top_p": 0.5}, ("temperature",), 1),
        ("claude-opus-4-5", {"top_p": 0.5}, ("top_p",), 0),
        ("claude-opus-4-5", {"temperature": 1, "top_p": 1}, (), 0),
        ("claude-opus-5", {"temperature": 0.2, "top_p": 0.5}, (), 2),
        ("claude-opus-5", {"temperature": 1}, (), 0),
        ("claude-opus-4-5", {"temperature": 0.2, "reasoning": Reasoning("low")}, (), 1),
    ],
)
def test_sampling_that_the_model_would_refuse_is_left_out_with_a_warning(
    model: str, fields: Any, left: tuple[str, ...], warned: int
) -> None:
    result = write(saying(**fields), aim(model))

    body = orjson.loads(result.body)
    assert tuple(name for name in ("temperature", "top_p") if name in body) == left
    assert len(result.warnings) == warned


def test_thinking_is_asked_for() -> None:
    body = written(saying(reasoning=Reasoning("high", shown=True)), "claude-opus-5")

    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "high"}


def test_an_effort_and_a_format_stand_side_by_side() -> None:
    body = written(saying(reasoning=Reasoning("high"), format=Format(SCHEMA)), "claude-opus-5")

    assert body["output_config"].keys() == {"effort", "format"}


@pytest.mark.parametrize("choice", [Choice.REQUIRED, Choice.ONE])
def test_thinking_is_off_where_a_tool_must_be_called(choice: Choice) -> None:
    asked = saying(
        tools=[Tool("f", None, None)], choice=choice, tool_name="f", reasoning=Reasoning("low")
    )

    result = write(asked, aim())

    assert "thinking" not in orjson.loads(result.body)
    assert result.warnings == ["thinking: switched off for this turn, since a tool must be called"]


@pytest.mark.parametrize(
    ("model", "thinking", "warned"),
    [("claude-opus-4-5", None, 1), ("claude-opus-5", {"type": "adaptive"}, 0)],
)
def test_a_budget_is_not_asked_for_while_a_call_without_thinking_is_answered(
    model: str, thinking: Any, warned: int
) -> None:
    turns = [
        Turn(Role.USER, [Text("Hello")], "messages.0"),
        Turn(Role.ASSISTANT, [ToolUse("t1", "f", "{}")], "messages.1"),
        Turn(Role.USER, [ToolResult("t1", [Text("1")])], "messages.2"),
    ]

    result = write(
        Conversation(turns=turns, tools=[Tool("f", None, None)], reasoning=Reasoning("low")),
        aim(model),
    )

    assert orjson.loads(result.body).get("thinking") == thinking
    assert len(result.warnings) == warned


def test_what_is_nested_too_deeply_to_be_written_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="nested too deeply"):
        write(saying(tools=[Tool("f", None, nested(900, "items"))]), aim())


LIMITED = {**SCHEMA, "properties": {"a": {"type": "string", "maxLength": 9}}}
FITTED = {
    **SCHEMA,
    "properties": {"a": {"type": "string", "description": '{"maxLength":9}'}},
}


def test_a_schema_that_binds_the_model_is_written_as_anthropic_takes_it() -> None:
    body = written(saying(format=Format(LIMITED), tools=[Tool("f", None, LIMITED, strict=True)]))

    assert body["output_config"]["format"]["schema"] == FITTED
    assert body["tools"] == [{"name": "f", "input_schema": FITTED, "strict": True}]


def test_a_schema_that_is_only_a_hint_stays_as_it_is() -> None:
    body = written(saying(tools=[Tool("f", None, LIMITED)]))

    assert body["tools"] == [{"name": "f", "input_schema": LIMITED}]


def test_that_a_schema_allows_less_than_it_did_is_told() -> None:
    of_scores = {"type": "object", "additionalProperties": {"type": "number"}}
    told = write(saying(format=Format(of_scores)), aim())

    assert told.warnings == ["additionalProperties: objects get only the properties that are named"]
