import json
from typing import Any

import pytest

from tokenhub.errors import BadRequest
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.chat_request import read, write
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    File,
    Format,
    Image,
    Origin,
    Piece,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)

HI: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
CACHE = {"type": "ephemeral"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
OFFERED = {"type": "function", "function": {"name": "f"}}


def options(**fields: Any) -> Conversation:
    return read({"model": "m", "messages": HI, **fields})


def written(conversation: Conversation, aim: Aim | None = None) -> Written:
    return write(conversation, aim or Aim("m", None, origin_of))


def body(conversation: Conversation, aim: Aim | None = None) -> Any:
    return json.loads(written(conversation, aim).body)


def origin_of(seal: str) -> Origin:
    return Origin.UNKNOWN


def user(*said: Piece) -> Turn:
    return Turn(Role.USER, said, "messages.0")


def assistant(*said: Piece) -> Turn:
    return Turn(Role.ASSISTANT, said, "messages.0")


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"max_tokens": 5}, "max_output_tokens", 5),
        ({"max_tokens": 5, "max_completion_tokens": 7}, "max_output_tokens", 7),
        ({"max_tokens": None}, "max_output_tokens", None),
        ({"temperature": 0.5}, "temperature", 0.5),
        ({"top_p": 1}, "top_p", 1),
        ({"stop": "x"}, "stop", ["x"]),
        ({"stop": ["x", "", "y"]}, "stop", ["x", "y"]),
        ({"stream": True}, "stream", True),
        ({"stream": None}, "stream", False),
        ({"parallel_tool_calls": False}, "parallel", False),
        ({"functions": [{"name": "f"}]}, "parallel", False),
        ({"tools": [OFFERED], "tool_choice": "auto"}, "choice", Choice.AUTO),
        ({"tools": [OFFERED], "tool_choice": "none"}, "choice", Choice.NONE),
        ({"tools": [OFFERED], "tool_choice": "required"}, "choice", Choice.REQUIRED),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, "choice", Choice.AUTO),
        ({"functions": [{"name": "f"}], "function_call": {"name": "f"}}, "tool_name", "f"),
        ({"response_format": {"type": "text"}}, "format", None),
        ({"response_format": {"type": "json_object"}}, "format", Format()),
        ({"reasoning_effort": "low"}, "reasoning", Reasoning("low")),
        ({"reasoning_effort": "none"}, "reasoning", Reasoning("none", off=True)),
        ({"user": "u"}, "user", "u"),
        ({"user": "u", "safety_identifier": "s"}, "user", "s"),
        ({"service_tier": "flex"}, "service_tier", "flex"),
        ({"metadata": {"a": "b"}, "store": True}, "shared", {"metadata": {"a": "b"}}),
        ({"verbosity": "low", "prompt_cache_key": None}, "shared", {"verbosity": "low"}),
    ],
)
def test_an_option_is_read(fields: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(options(**fields), name) == value


def test_tools_are_read_from_both_forms() -> None:
    inner = {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}
    tools = [{"type": "function", "function": inner}]
    conversation = options(tools=tools, functions=[{"name": "g"}])
    assert conversation.tools == [Tool("f", "d", SCHEMA, True), Tool("g", None, None)]


def test_one_tool_may_be_insisted_on() -> None:
    conversation = options(tools=[OFFERED], tool_choice=OFFERED)
    assert (conversation.choice, conversation.tool_name) == (Choice.ONE, "f")


def test_a_schema_is_read_with_its_name() -> None:
    inner = {"name": "n", "schema": SCHEMA, "description": "d", "strict": True}
    conversation = options(response_format={"type": "json_schema", "json_schema": inner})
    assert conversation.format == Format(SCHEMA, "n", "d", True)


def test_allowed_tools_are_named() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [OFFERED]}}
    conversation = options(tools=[OFFERED], tool_choice=choice)
    assert (conversation.choice, conversation.allowed) == (Choice.REQUIRED, ["f"])
    assert conversation.uses == {"allowed_tools": "tool_choice"}


ALLOWED_CUSTOM = {"mode": "auto", "tools": [{"type": "custom", "custom": {"name": "c"}}]}


@pytest.mark.parametrize(
    ("fields", "feature", "where"),
    [
        ({"temperature": 1.5}, "hot", "temperature"),
        ({"response_format": {"type": "json_object"}}, "json_object", "response_format"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "custom_tool", "tools.0"),
        ({"tools": [{"type": "web_search"}]}, "server_tool", "tools.0"),
        ({"tools": [{"google_search": {}}]}, "server_tool", "tools.0"),
        (
            {"tool_choice": {"type": "custom", "custom": {"name": "c"}}},
            "custom_tool",
            "tool_choice",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": ALLOWED_CUSTOM}},
            "custom_tool",
            "tool_choice.allowed_tools.tools.0",
        ),
    ],
)
def test_an_option_that_others_lack_is_noted(
    fields: dict[str, Any], feature: str, where: str
) -> None:
    assert options(**fields).uses[feature] == where


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": True}, "top_p"),
        ({"stop": 1}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"stream": 1}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools.0"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]},
            "tools.0.function.strict",
        ),
        ({"functions": [1]}, "functions.0"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [1]},
                }
            },
            "tool_choice.allowed_tools.tools.0",
        ),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 1}}},
            "response_format.json_schema.schema",
        ),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"user": 3}, "user"),
    ],
)
def test_a_wrong_option_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        options(**fields)
    assert caught.value.param == param


def test_a_tool_keeps_its_cache_control() -> None:
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": CACHE}
    assert options(tools=[tool]).tools == [Tool("f", None, None, cache=CACHE)]


def test_the_model_comes_first() -> None:
    assert written(Conversation(turns=[user(Text("hi"))])).body.startswith(b'{"model":"m",')


@pytest.mark.parametrize(
    "conversation",
    [
        Conversation(turns=[user(Text("a", CACHE))]),
        Conversation(turns=[user(Text("a", CACHE), Image("https://x"))]),
        Conversation(turns=[user(Image("https://x", cache=CACHE))]),
        Conversation(turns=[user(File(text="x", cache=CACHE))]),
        Conversation(turns=[user(ToolResult("1", [], cache=CACHE))]),
        Conversation(turns=[assistant(ToolUse("1", "f", "{}", CACHE))]),
        Conversation(turns=[Turn(Role.SYSTEM, [Text("a", CACHE)], "")]),
        Conversation(turns=[user(Text("a"))], tools=[Tool("f", None, None, cache=CACHE)]),
    ],
)
def test_cache_control_that_is_left_out_is_told_once(conversation: Conversation) -> None:
    assert written(conversation).warnings == ["cache_control"]
    assert b"cache_control" not in written(conversation).body


def test_without_cache_control_nothing_is_told() -> None:
    assert written(Conversation(turns=[user(Text("a"))])).warnings == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, {}),
        ({"stream": True}, {"stream": True}),
        ({"temperature": 0.0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}),
        ({"stop": ["x"]}, {"stop": ["x"]}),
        ({"format": Format()}, {"response_format": {"type": "json_object"}}),
        (
            {"format": Format(SCHEMA, "n", "d", True)},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "n",
                        "schema": SCHEMA,
                        "description": "d",
                        "strict": True,
                    },
                }
            },
        ),
        ({"reasoning": Reasoning("high")}, {"reasoning_effort": "high"}),
        ({"reasoning": Reasoning(budget=1024)}, {"reasoning_effort": "low"}),
        ({"reasoning": Reasoning(budget=8000)}, {"reasoning_effort": "medium"}),
        ({"reasoning": Reasoning(budget=30_000)}, {"reasoning_effort": "high"}),
        ({"reasoning": Reasoning(adaptive=True)}, {}),
        ({"reasoning": Reasoning(off=True)}, {}),
        ({"reasoning": Reasoning("none", off=True)}, {"reasoning_effort": "none"}),
        ({"user": "u"}, {"user": "u"}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"service_tier": "auto"}, {}),
        ({"service_tier": "standard_only"}, {}),
        ({"shared": {"verbosity": "low", "metadata": {}}}, {"verbosity": "low"}),
        ({"choice": Choice.AUTO, "parallel": False}, {}),
    ],
)
def test_an_option_is_written(change: dict[str, Any], fields: dict[str, Any]) -> None:
    said = body(Conversation(turns=[user(Text("hi"))], **change))
    assert said == {"model": "m", "messages": HI, **fields}


@pytest.mark.parametrize(("stream", "asked"), [(True, True), (False, False)])
def test_the_usage_of_a_stream_is_asked_for(stream: bool, asked: bool) -> None:
    aim = Aim("m", None, origin_of, ask_usage=True)
    said = body(Conversation(stream=stream), aim)
    assert (said.get("stream_options") == {"include_usage": True}) is asked


def test_a_long_user_is_always_the_same_shorter_one() -> None:
    one, again, other = (body(Conversation(user=name * 65))["user"] for name in "aab")
    assert one == again != other
    assert len(one) == 64


@pytest.mark.parametrize(
    ("model", "reasoning", "most", "fields"),
    [
        ("llama", None, None, {"max_tokens": 500}),
        ("llama", None, 100, {"max_tokens": 100}),
        ("llama", None, 1000, {"max_tokens": 500}),
        ("llama", Reasoning(off=True), None, {"max_tokens": 500}),
        (
            "llama",
            Reasoning("low"),
            None,
            {"max_completion_tokens": 500, "reasoning_effort": "low"},
        ),
        ("o3-mini", None, None, {"max_completion_tokens": 500}),
        ("openai/gpt-5.1", None, None, {"max_completion_tokens": 500}),
        ("gpt-4o", None, None, {"max_tokens": 500}),
    ],
)
def test_the_limit_has_the_name_that_the_model_knows(
    model: str, reasoning: Reasoning | None, most: int | None, fields: dict[str, Any]
) -> None:
    conversation = Conversation(max_output_tokens=500, reasoning=reasoning)
    said = body(conversation, Aim(model, most, origin_of))
    assert said == {"model": model, "messages": [], **fields}


TOOL = Tool("f", "d", SCHEMA, False)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, {}),
        ({"parallel": True}, {}),
        ({"parallel": False}, {"parallel_tool_calls": False}),
        ({"choice": Choice.AUTO}, {"tool_choice": "auto"}),
        ({"choice": Choice.REQUIRED}, {"tool_choice": "required"}),
        (
            {"choice": Choice.ONE, "tool_name": "f"},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        (
            {"choice": Choice.AUTO, "allowed": ["f"]},
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "f"}}],
                    },
                }
            },
        ),
    ],
)
def test_tools_are_written_with_how_to_choose(
    change: dict[str, Any], fields: dict[str, Any]
) -> None:
    said = body(Conversation(tools=[TOOL, Tool("g", None, None)], **change))
    full = {"name": "f", "description": "d", "parameters": SCHEMA, "strict": False}
    tools = [{"type": "function", "function": inner} for inner in (full, {"name": "g"})]
    assert said == {"model": "m", "messages": [], "tools": tools, **fields}


def test_a_schema_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(BadRequest, match="too deeply"):
        written(Conversation(tools=[Tool("f", None, deep)]))


def test_what_is_read_is_what_was_written() -> None:
    said = [
        Turn(Role.SYSTEM, [Text("s")], "messages.0"),
        Turn(Role.USER, [Text("a"), Image("https://x")], "messages.1"),
        Turn(Role.ASSISTANT, [Text("b"), ToolUse("1", "f", "{}")], "messages.2"),
        Turn(Role.USER, [ToolResult("1", [Text("c")])], "messages.3"),
    ]
    conversation = Conversation(
        turns=said,
        max_output_tokens=5,
        temperature=0.5,
        stop=["x"],
        tools=[TOOL],
        choice=Choice.REQUIRED,
        parallel=False,
        format=Format(SCHEMA),
        stream=True,
        user="u",
    )
    assert read(body(conversation)) == conversation
