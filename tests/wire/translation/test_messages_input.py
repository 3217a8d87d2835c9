from typing import Any

import pytest

from tests.wire.translation.samples import nested
from tokenhub.errors import BadRequest
from tokenhub.wire.translation.conversation import (
    Conversation,
    File,
    Image,
    Piece,
    Role,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.messages_input import system_of, tools_of, turns_of

CACHE = {"type": "ephemeral", "ttl": "1h"}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
SCHEMA = {"type": "object", "properties": {}}


def said(*blocks: Any, role: str = "user") -> tuple[list[Piece], Conversation]:
    """What the blocks of one message say, and what else was noted."""
    noted = Conversation()
    turns = turns_of([{"role": role, "content": list(blocks)}], noted)
    return list(turns[0].pieces), noted


def uses(*blocks: Any, role: str = "user") -> dict[str, str]:
    return said(*blocks, role=role)[1].uses


def test_each_side_has_its_turns() -> None:
    noted = Conversation()
    turns = turns_of(
        [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": ""},
        ],
        noted,
    )

    assert turns == [
        Turn(Role.USER, [Text("Hello")], "messages.0"),
        Turn(Role.ASSISTANT, [Text("Hi")], "messages.1"),
        Turn(Role.SYSTEM, [Text("Be brief.")], "messages.2"),
        Turn(Role.USER, [Text("")], "messages.3"),
    ]
    assert noted.uses == {}


def test_a_last_turn_of_the_assistant_is_one_to_go_on_from() -> None:
    assert uses({"type": "text", "text": "The answer is"}, role="assistant") == {
        "prefill": "messages.0"
    }


@pytest.mark.parametrize(
    ("block", "piece"),
    [
        ({"type": "text", "text": "a", "citations": None}, Text("a")),
        ({"type": "text", "text": "a", "cache_control": CACHE}, Text("a", CACHE)),
        ({"type": "image", "source": PNG}, Image(media_type="image/png", data="iVBO")),
        (
            {
                "type": "image",
                "source": {"type": "url", "url": "https://x/y"},
                "cache_control": CACHE,
            },
            Image(url="https://x/y", cache=CACHE),
        ),
        (
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            },
            File(media_type="application/pdf", data="JVBE", name="t"),
        ),
        (
            {
                "type": "document",
                "citations": {"enabled": False},
                "source": {"type": "text", "media_type": "text/plain", "data": "long"},
            },
            File(media_type="text/plain", text="long"),
        ),
        (
            {"type": "document", "source": {"type": "content", "content": "long"}},
            File(media_type="text/plain", text="long"),
        ),
        (
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
            },
            File(media_type="text/plain", text="a\nb"),
        ),
        ({"type": "tool_result", "tool_use_id": "t"}, ToolResult("t", [])),
        ({"type": "tool_result", "tool_use_id": "t", "content": ""}, ToolResult("t", [])),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "is_error": True,
                "content": "gone",
                "cache_control": CACHE,
            },
            ToolResult("t", [Text("gone")], failed=True, cache=CACHE),
        ),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "text", "text": "a"}, {"type": "image", "source": PNG}],
            },
            ToolResult("t", [Text("a"), Image(media_type="image/png", data="iVBO")]),
        ),
    ],
)
def test_a_block_of_the_user_is_read(block: Any, piece: Piece) -> None:
    pieces, noted = said(block)

    assert pieces == [piece]
    assert noted == Conversation()


@pytest.mark.parametrize(
    ("block", "piece"),
    [
        (
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            ToolUse("t", "f", '{"a":1}'),
        ),
        (
            {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}},
            ToolUse("t", "f", "{}"),
        ),
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, Thinking("hm", "s")),
        ({"type": "thinking", "thinking": "hm"}, Thinking("hm")),
        ({"type": "redacted_thinking", "data": "d"}, Thinking("", "d", redacted=True)),
    ],
)
def test_a_block_of_the_assistant_is_read(block: Any, piece: Piece) -> None:
    assert said(block, role="assistant")[0] == [piece]


def test_the_context_of_a_document_goes_before_it() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "long"}

    pieces, _ = said({"type": "document", "context": "From 1999.", "source": source})

    assert pieces == [Text("From 1999."), File(media_type="text/plain", text="long")]


@pytest.mark.parametrize(
    ("block", "feature", "where"),
    [
        ({"type": "text", "text": "a", "citations": [{}]}, "citations", ".citations"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "file_id", ".source"),
        ({"type": "document", "source": {"type": "file", "file_id": "f"}}, "file_id", ".source"),
        ({"type": "document", "source": {"type": "url", "url": "u"}}, "file_url", ".source.url"),
        (
            {
                "type": "document",
                "citations": {"enabled": True},
                "source": {"type": "text", "media_type": "text/plain", "data": "long"},
            },
            "citations",
            ".citations",
        ),
        (
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "image", "source": PNG}]},
            },
            "document_images",
            ".source.content",
        ),
        ({"type": "search_result", "content": []}, "unknown_content", ""),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "tool_reference", "tool_name": "f"}],
            },
            "unknown_content",
            ".content.0",
        ),
    ],
)
def test_what_others_cannot_say_is_noted_with_its_place(
    block: Any, feature: str, where: str
) -> None:
    assert uses(block) == {feature: f"messages.0.content.0{where}"}


def test_a_call_by_a_tool_of_the_provider_is_noted() -> None:
    block = {
        "type": "tool_use",
        "id": "t",
        "name": "f",
        "input": {},
        "caller": {"type": "code_execution_20260120"},
    }

    assert uses(block, role="assistant")["server_tool"] == "messages.0.content.0.caller"


def test_a_hint_about_an_image_is_noted_as_missed() -> None:
    block = {"type": "image", "source": PNG, "transformations": {"oversized_image": "error"}}

    assert said(block)[1].missed == ["messages.0.content.0.transformations"]


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ("text", ""),
        ({"text": "a"}, ".type"),
        ({"type": ["text"]}, ".type"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {}}, ".type"),
        ({"type": "text"}, ".text"),
        ({"type": "text", "text": "a", "cache_control": "1h"}, ".cache_control"),
        ({"type": "image"}, ".source"),
        ({"type": "image", "source": {"type": "ftp"}}, ".source.type"),
        ({"type": "image", "source": {"type": "base64", "data": "a"}}, ".source.media_type"),
        ({"type": "image", "source": {"type": "url"}}, ".source.url"),
        ({"type": "document", "source": {"type": ["text"]}}, ".source.type"),
        ({"type": "document", "source": {"type": "content"}}, ".source.content"),
        ({"type": "document", "title": 1}, ".title"),
        ({"type": "document", "context": 1}, ".context"),
        ({"type": "tool_result"}, ".tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "t", "content": 1}, ".content"),
        ({"type": "tool_result", "tool_use_id": "t", "is_error": "no"}, ".is_error"),
        (
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "thinking"}]},
            ".content.0.type",
        ),
    ],
)
def test_a_block_that_is_wrong_is_named(block: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        said(block)

    assert refusal.value.param == f"messages.0.content.0{param}"


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}, ".input"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": nested(900)}, ".input"),
        ({"type": "tool_use", "id": 1, "name": "f", "input": {}}, ".id"),
        ({"type": "tool_use", "id": "t", "input": {}}, ".name"),
        ({"type": "thinking", "signature": "s"}, ".thinking"),
        ({"type": "thinking", "thinking": "a", "signature": 1}, ".signature"),
        ({"type": "redacted_thinking"}, ".data"),
        ({"type": "tool_result", "tool_use_id": "t"}, ".type"),
    ],
)
def test_a_block_of_the_assistant_that_is_wrong_is_named(block: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        said(block, role="assistant")

    assert refusal.value.param == f"messages.0.content.0{param}"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ({}, "messages"),
        (["a"], "messages.0"),
        ([{"content": "a"}], "messages.0.role"),
        ([{"role": ["user"], "content": "a"}], "messages.0.role"),
        ([{"role": "tool", "content": "a"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
    ],
)
def test_a_message_that_is_wrong_is_named(messages: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        turns_of(messages, Conversation())

    assert refusal.value.param == param


def test_the_system_prompt_is_a_turn() -> None:
    blocks = [{"type": "text", "text": "a", "cache_control": CACHE}, {"type": "text", "text": "b"}]

    assert system_of("a", Conversation()) == [Turn(Role.SYSTEM, [Text("a")], "system")]
    assert system_of(blocks, Conversation()) == [
        Turn(Role.SYSTEM, [Text("a", CACHE), Text("b")], "system")
    ]
    assert system_of([], Conversation()) == []


def test_the_note_to_anthropic_that_claude_code_begins_with_is_no_prompt() -> None:
    note = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=1a2b3;"}

    assert system_of([note, {"type": "text", "text": "a"}], Conversation()) == [
        Turn(Role.SYSTEM, [Text("a")], "system")
    ]


@pytest.mark.parametrize(
    ("system", "param"), [(1, "system"), ([{"type": "image", "source": PNG}], "system.0.type")]
)
def test_a_system_prompt_that_is_wrong_is_named(system: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        system_of(system, Conversation())

    assert refusal.value.param == param


def test_tools_are_read() -> None:
    tools = [
        {"name": "f", "input_schema": SCHEMA},
        {
            "type": "custom",
            "name": "g",
            "description": "Does it.",
            "input_schema": SCHEMA,
            "strict": True,
            "cache_control": CACHE,
            "input_examples": [{}],
        },
    ]
    noted = Conversation()

    assert tools_of(tools, noted) == [
        Tool("f", None, SCHEMA),
        Tool("g", "Does it.", SCHEMA, strict=True, cache=CACHE),
    ]
    assert noted.missed == ["tools.1.input_examples"]


def test_a_tool_of_the_provider_is_noted() -> None:
    noted = Conversation()

    assert tools_of([{"type": "web_search_20250305", "name": "web_search"}], noted) == []
    assert noted.uses == {"server_tool": "tools.0"}


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ({}, "tools"),
        (["f"], "tools.0"),
        ([{"name": "f"}], "tools.0.input_schema"),
        ([{"input_schema": SCHEMA}], "tools.0.name"),
        ([{"name": "f", "input_schema": SCHEMA, "description": 1}], "tools.0.description"),
        ([{"name": "f", "input_schema": SCHEMA, "strict": 1}], "tools.0.strict"),
    ],
)
def test_a_tool_that_is_wrong_is_named(tools: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        tools_of(tools, Conversation())

    assert refusal.value.param == param
