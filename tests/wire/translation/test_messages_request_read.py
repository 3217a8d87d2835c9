from collections.abc import Mapping
from typing import Any

import pytest

from tests.wire.translation.samples import SCHEMA, nested
from tokenhub.errors import BadRequest
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    Format,
    Reasoning,
    Role,
    Text,
    Turn,
)
from tokenhub.wire.translation.messages_request import read

HELLO: Mapping[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}


def asked(**fields: Any) -> Conversation:
    return read({**HELLO, **fields})


def test_a_plain_request_is_read() -> None:
    conversation = read(HELLO)

    assert conversation == Conversation(
        turns=[Turn(Role.USER, [Text("Hello")], "messages.0")], max_output_tokens=100, tools=[]
    )


def test_every_option_is_read() -> None:
    conversation = asked(
        temperature=0.5,
        top_p=1,
        top_k=3,
        stop_sequences=["a", "b"],
        stream=True,
        metadata={"user_id": "u"},
        system="Be brief.",
    )

    assert conversation.turns[0] == Turn(Role.SYSTEM, [Text("Be brief.")], "system")
    assert (conversation.temperature, conversation.top_p, conversation.top_k) == (0.5, 1, 3)
    assert conversation.stop == ["a", "b"]
    assert conversation.stream
    assert conversation.user == "u"


def test_null_is_as_if_absent() -> None:
    fields = ("system", "tools", "thinking", "output_config", "metadata", "stop_sequences")

    assert asked(**dict.fromkeys(fields)) == read(HELLO)


def test_a_long_user_name_becomes_a_short_one_that_stays_the_same() -> None:
    long = {"user_id": "user_" + "1" * 100}

    assert asked(metadata=long).user == asked(metadata=long).user
    assert len(asked(metadata=long).user or "") == 64


@pytest.mark.parametrize(
    ("tool_choice", "choice", "name", "parallel"),
    [
        ({"type": "auto"}, Choice.AUTO, None, None),
        ({"type": "any", "disable_parallel_tool_use": True}, Choice.REQUIRED, None, False),
        ({"type": "tool", "name": "f"}, Choice.ONE, "f", None),
        ({"type": "none"}, Choice.NONE, None, None),
    ],
)
def test_a_tool_choice_is_read(
    tool_choice: Any, choice: Choice, name: str | None, parallel: bool | None
) -> None:
    conversation = asked(tool_choice=tool_choice, tools=[{"name": "f", "input_schema": {}}])

    assert (conversation.choice, conversation.tool_name) == (choice, name)
    assert conversation.parallel is parallel


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            Reasoning(budget=2000, shown=True),
        ),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            Reasoning(effort="max", adaptive=True, shown=True),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            Reasoning(adaptive=True),
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
            Reasoning(off=True),
        ),
        ({"thinking": {"type": "between_tools"}}, Reasoning(off=True)),
        ({"output_config": {"effort": "low"}}, Reasoning(effort="low")),
        ({}, None),
    ],
)
def test_thinking_is_read(fields: Any, reasoning: Reasoning | None) -> None:
    assert asked(**fields).reasoning == reasoning


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_structured_output_is_read_under_both_names(where: str) -> None:
    output = {"type": "json_schema", "schema": SCHEMA}
    fields = {"output_config": {"format": output}, "output_format": output}

    assert asked(**{where: fields[where]}).format == Format(SCHEMA, strict=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
        {"type": "object"},
        {"anyOf": [SCHEMA, {"properties": {}}]},
        nested(900, "items"),
    ],
)
def test_a_schema_that_openai_would_not_take_as_strict_is_not_called_so(schema: Any) -> None:
    output = {"type": "json_schema", "schema": schema}

    assert asked(output_config={"format": output}).format == Format(schema)


def test_a_hint_that_only_anthropic_knows_is_noted() -> None:
    assert asked(output_config={"task_budget": {"total": 1}}).missed == [
        "output_config.task_budget"
    ]


def test_max_tokens_of_zero_is_named_as_what_others_cannot_do() -> None:
    assert asked(max_tokens=0).uses == {"cache_warming": "max_tokens"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": True}, "top_p"),
        ({"top_k": 1.5}, "top_k"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"stream": 1}, "stream"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "all"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": "1"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": ["x"]}}, "thinking.type"),
        ({"thinking": {"budget_tokens": 1}}, "thinking.type"),
        ({"output_config": {"effort": ["low"]}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "text"}}}, "output_config.format.type"),
        ({"output_format": {"type": "json_schema"}}, "output_format.schema"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        asked(**fields)

    assert refusal.value.param == param


@pytest.mark.parametrize(
    "odd", [{"required": True}, {"required": 5}, {"required": "abc", "properties": [{}]}]
)
def test_a_schema_that_is_none_is_read_all_the_same(odd: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": False, **odd}
    output = {"format": {"type": "json_schema", "schema": schema}}
    hello = [{"role": "user", "content": "hi"}]
    said = read({"max_tokens": 9, "messages": hello, "output_config": output})
    assert said.format is not None
