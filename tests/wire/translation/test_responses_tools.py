from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.wire.translation.conversation import Conversation, Tool
from tokenhub.wire.translation.responses_tools import (
    OwnTool,
    custom_arguments,
    custom_input,
    joined_name,
    own_tools,
    read_tools,
)

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
SPAWN = {"type": "function", "name": "spawn", "parameters": SCHEMA, "strict": False}
AGENTS = {"type": "namespace", "name": "agents", "description": "Agents.", "tools": [SPAWN]}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Patches.", "format": GRAMMAR}


def read(*tools: Any, **more: Any) -> Conversation:
    conversation = Conversation()
    read_tools({"tools": list(tools), **more}, conversation)
    return conversation


def test_a_function_keeps_its_description_schema_and_strictness() -> None:
    function = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}
    assert read(function | {"strict": True}).tools == [Tool("f", "d", SCHEMA, True)]
    assert read({"type": "function", "name": "f"}).tools == [Tool("f", None, None)]


def test_a_custom_tool_becomes_a_function_of_one_text_with_its_grammar_described() -> None:
    [tool] = read(PATCH).tools
    assert tool.name == "apply_patch"
    assert tool.parameters is not None
    assert tool.parameters["required"] == ["input"]
    assert tool.description == ("Patches.\n\nThe input follows this grammar (lark):\nstart: /.+/")


@pytest.mark.parametrize(
    ("more", "description"),
    [
        ({}, None),
        ({"description": "d"}, "d"),
        ({"description": "d", "format": {"type": "text"}}, "d"),
        ({"format": GRAMMAR}, "The input follows this grammar (lark):\nstart: /.+/"),
    ],
)
def test_what_is_said_of_a_custom_tool(more: Any, description: str | None) -> None:
    [tool] = read({"type": "custom", "name": "c", **more}).tools
    assert tool.description == description


def test_a_tool_of_a_namespace_is_known_by_a_joined_name_and_told_back_by_its_own() -> None:
    asked = {"tools": [AGENTS, SPAWN, PATCH]}
    conversation = Conversation()
    read_tools(asked, conversation)
    assert [tool.name for tool in conversation.tools] == ["agents__spawn", "spawn", "apply_patch"]
    assert own_tools(asked) == {
        "agents__spawn": OwnTool("spawn", "agents", False),
        "apply_patch": OwnTool("apply_patch", None, True),
    }


def test_the_namespace_of_plain_functions_is_not_part_of_a_name() -> None:
    functions = {"type": "namespace", "name": "functions", "tools": [SPAWN, PATCH]}
    assert [tool.name for tool in read(functions).tools] == ["spawn", "apply_patch"]
    assert own_tools({"tools": [functions]})["spawn"] == OwnTool("spawn", None, False)


def test_tools_that_codex_offers_by_an_item_of_the_input_are_tools() -> None:
    items = ["no item", {"type": "additional_tools", "role": "developer", "tools": [AGENTS, PATCH]}]
    assert [tool.name for tool in read(input=items).tools] == ["agents__spawn", "apply_patch"]
    assert own_tools({"input": items}).keys() == {"agents__spawn", "apply_patch"}
    assert own_tools({"input": "text"}) == {}


def test_of_two_tools_with_one_name_the_last_counts() -> None:
    tools = read({"type": "function", "name": "f", "description": "old"}, SPAWN).tools
    newer = {"type": "function", "name": "f", "description": "new"}
    again = read(
        {"type": "function", "name": "f", "description": "old"},
        input=[{"type": "additional_tools", "tools": [newer]}],
    ).tools
    assert len(tools) == 2
    assert [tool.description for tool in again] == ["new"]


def test_a_built_in_tool_that_only_widens_what_a_model_can_do_is_left_out_and_named() -> None:
    conversation = read(SPAWN, {"type": "web_search", "external_web_access": False})
    assert conversation.missed == ["tools.1 (web_search)"]
    assert conversation.uses == {}


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("file_search", "tools.0 (file_search)"),
        ("mcp", "tools.0 (mcp)"),
        ("local_shell", "tools.0 (local_shell)"),
        ("what\r\nis: this", "tools.0.type"),
    ],
)
def test_any_other_built_in_tool_is_refused_by_its_name(kind: str, where: str) -> None:
    assert read({"type": kind}).uses == {"server_tool": where}


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        (1, "tools.0"),
        ({}, "tools.0.type"),
        ({"type": "function"}, "tools.0.name"),
        ({"type": "function", "name": "f", "description": 1}, "tools.0.description"),
        ({"type": "function", "name": "f", "parameters": []}, "tools.0.parameters"),
        ({"type": "function", "name": "f", "strict": 1}, "tools.0.strict"),
        ({"type": "custom", "name": "f", "format": 1}, "tools.0.format"),
        ({"type": "custom", "name": "f", "format": {"type": "grammar"}}, "tools.0.format.syntax"),
        ({"type": "namespace"}, "tools.0.name"),
        ({"type": "namespace", "name": "n"}, "tools.0.tools"),
        ({"type": "namespace", "name": "n", "tools": [1]}, "tools.0.tools.0"),
    ],
)
def test_a_wrong_shape_is_named(tool: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(tool)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("namespace", "joined"),
    [
        (None, "f"),
        ("", "f"),
        ("functions", "f"),
        ("agents", "agents__f"),
        ("mcp__x__", "mcp__x__f"),
    ],
)
def test_joined_names(namespace: str | None, joined: str) -> None:
    assert joined_name(namespace, "f") == joined


def test_a_joined_name_that_is_too_long_is_always_the_same_shorter_one() -> None:
    first, second = joined_name("n" * 60, "first"), joined_name("n" * 60, "second")
    assert len(first) == len(second) == 64
    assert first != second
    assert first == joined_name("n" * 60, "first")


@given(st.text())
def test_the_input_of_a_custom_tool_survives_its_wrapping(text: str) -> None:
    assert custom_input(custom_arguments(text)) == text


@pytest.mark.parametrize("arguments", ["*** Begin Patch", "[1]", '{"patch":"x"}', '{"input":1}'])
def test_arguments_that_are_not_wrapped_are_the_input(arguments: str) -> None:
    assert custom_input(arguments) == arguments
    orjson.dumps(arguments)
