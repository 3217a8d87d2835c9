from typing import Any

import orjson
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from tests.wire.translation.samples import nested
from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    Format,
    Image,
    Origin,
    Reasoning,
    Role,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.responses_fields import FEATURES, FIELDS
from tokenhub.wire.translation.responses_request import read as read_body
from tokenhub.wire.translation.responses_request import write

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FUNCTION = {"type": "function", "name": "f", "parameters": SCHEMA}
AIM = Aim("gpt", None, lambda _seal: Origin.OWN)
HELLO = [Turn(Role.USER, [Text("hi")], "input.0")]
CACHE = {"type": "ephemeral"}


def read(**fields: Any) -> Conversation:
    return read_body({"model": "m", "input": "hi", **fields})


def wrote(conversation: Conversation, aim: Aim = AIM) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(written(conversation, aim).body)
    return body


def written(conversation: Conversation, aim: Aim = AIM) -> Written:
    conversation.turns = conversation.turns or HELLO
    return write(conversation, aim)


def test_numbers_stream_and_user_are_read() -> None:
    conversation = read(
        max_output_tokens=50, temperature=0.5, top_p=1, stream=True, user="u", service_tier="flex"
    )
    assert conversation.max_output_tokens == 50
    assert (conversation.temperature, conversation.top_p) == (0.5, 1)
    assert conversation.stream
    assert conversation.user == "u"
    assert conversation.service_tier == "flex"
    assert read(user="u", safety_identifier="s").user == "s"


def test_nothing_is_said_where_the_fields_are_null() -> None:
    fields: dict[str, Any] = dict.fromkeys(FIELDS.keys() - {"model", "input"})
    turns = [Turn(Role.USER, [Text("hi")], "input")]
    assert read(**fields) == Conversation(turns=turns, tools=[])


@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        ("auto", (Choice.AUTO, None)),
        ("none", (Choice.NONE, None)),
        ("required", (Choice.REQUIRED, None)),
        ({"type": "function", "name": "f"}, (Choice.ONE, "f")),
        ({"type": "custom", "name": "f"}, (Choice.ONE, "f")),
        ({"type": "function", "name": "f", "namespace": "n"}, (Choice.ONE, "n__f")),
    ],
)
def test_which_tool_is_to_be_called(choice: Any, read_as: Any) -> None:
    conversation = read(tools=[FUNCTION], tool_choice=choice, parallel_tool_calls=False)
    assert (conversation.choice, conversation.tool_name) == read_as
    assert conversation.parallel is False


def test_allowed_tools_are_read_by_name() -> None:
    tools = [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": tools}
    conversation = read(tools=[FUNCTION], tool_choice=choice)
    assert conversation.choice is Choice.REQUIRED
    assert conversation.allowed == ["f", "g"]
    assert conversation.uses == {"allowed_tools": "tool_choice"}


@pytest.mark.parametrize(
    ("choice", "where"),
    [
        ({"type": "file_search"}, "tool_choice"),
        ({"type": "mcp", "server_label": "x"}, "tool_choice"),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]},
            "tool_choice.tools.0",
        ),
    ],
)
def test_a_built_in_tool_cannot_be_chosen_elsewhere(choice: Any, where: str) -> None:
    assert read(tools=[FUNCTION], tool_choice=choice).uses["server_tool"] == where


def test_without_a_tool_nothing_is_said_of_choice_and_parallel_calls() -> None:
    """Codex always says it, and others refuse to hear it."""
    search = {"type": "web_search"}
    conversation = read(tools=[search], tool_choice="auto", parallel_tool_calls=True)
    assert conversation.choice is None
    assert conversation.parallel is None
    assert conversation.missed == ["tools.0 (web_search)"]


def test_a_built_in_tool_that_must_be_called_is_not_left_out() -> None:
    conversation = read(tools=[{"type": "web_search"}], tool_choice="required")
    assert conversation.uses == {"server_tool": "tool_choice"}


def test_the_format_of_the_text() -> None:
    assert read(text={"format": {"type": "text"}}).format is None
    assert read(text={"format": None}).format is None
    form = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    assert read(text={"format": form}).format == Format(SCHEMA, "n", None, True)
    loose = read(text={"format": {"type": "json_object"}})
    assert loose.format == Format()
    assert loose.uses == {"json_object": "text.format"}


def test_verbosity_is_a_hint_unless_it_is_the_usual() -> None:
    terse = read(text={"verbosity": "low"})
    assert terse.shared == {"verbosity": "low"}
    assert terse.hints == {"verbosity": "text.verbosity"}
    assert read(text={"verbosity": "medium"}).hints == {}


@pytest.mark.parametrize(
    ("reasoning", "read_as"),
    [
        ({}, None),
        ({"effort": "high"}, Reasoning(effort="high")),
        ({"effort": "none"}, Reasoning(effort="none", off=True)),
        ({"summary": "auto"}, Reasoning(shown=True)),
        ({"effort": "low", "generate_summary": "auto"}, Reasoning(effort="low", shown=True)),
    ],
)
def test_how_much_to_think(reasoning: Any, read_as: Reasoning | None) -> None:
    assert read(reasoning=reasoning).reasoning == read_as


def test_what_else_is_said_of_reasoning() -> None:
    assert read(reasoning={"mode": "pro"}).uses == {"reasoning_mode": "reasoning.mode"}
    assert read(reasoning={"mode": "standard", "context": "auto"}).missed == []
    assert read(reasoning={"context": "all_turns"}).missed == ["reasoning.context"]


def test_only_log_probabilities_cannot_be_included() -> None:
    assert read(include=["reasoning.encrypted_content"]).uses == {}
    assert read(include=["message.output_text.logprobs"]).uses == {"logprobs": "include.0"}


def test_a_temperature_that_anthropic_does_not_have_is_named() -> None:
    assert read(temperature=1).uses == {}
    assert read(temperature=1.5).uses == {"hot": "temperature"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"instructions": 1}, "instructions"),
        ({"stream": 1}, "stream"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": True}, "top_p"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "tool_choice.tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [1]}},
            "tool_choice.tools.0",
        ),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"text": 1}, "text"),
        ({"text": {"verbosity": 1}}, "text.verbosity"),
        ({"text": {"format": 1}}, "text.format"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"reasoning": "high"}, "reasoning"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort"),
        ({"include": "all"}, "include"),
        ({"user": 1}, "user"),
        ({"service_tier": 1}, "service_tier"),
    ],
)
def test_a_wrong_shape_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**fields)
    assert caught.value.param == param


def test_the_model_comes_first_and_nothing_is_to_be_stored() -> None:
    conversation = Conversation(turns=[Turn(Role.SYSTEM, [Text("s")], ""), *HELLO], stream=True)
    assert write(conversation, AIM).body == (
        b'{"model":"gpt","instructions":"s",'
        b'"input":[{"type":"message","role":"user","content":"hi"}],"store":false,"stream":true}'
    )


EVERY_FIELD = Conversation(
    max_output_tokens=100,
    temperature=0.5,
    top_p=0.9,
    tools=[Tool("f", "d", SCHEMA), Tool("g", None, None, True)],
    choice=Choice.ONE,
    tool_name="f",
    parallel=False,
    format=Format(SCHEMA, "n", "what", True),
    reasoning=Reasoning(effort="high", shown=True),
    user="u",
    service_tier="flex",
    shared={"verbosity": "low", "metadata": {"a": "b"}, "prompt_cache_key": "k", "seed": 1},
)


def test_every_field_is_written() -> None:
    body = wrote(EVERY_FIELD)
    TypeAdapter(ResponseCreateParamsNonStreaming).validate_python(body)
    del body["model"], body["input"], body["store"]
    assert body == {
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "tools": [
            {
                "type": "function",
                "name": "f",
                "description": "d",
                "parameters": SCHEMA,
                "strict": False,
            },
            {
                "type": "function",
                "name": "g",
                "parameters": {"type": "object", "properties": {}},
                "strict": True,
            },
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "schema": SCHEMA,
                "description": "what",
                "strict": True,
            },
            "verbosity": "low",
        },
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "user": "u",
        "service_tier": "flex",
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
    }


@pytest.mark.parametrize(
    ("choice", "allowed", "body"),
    [
        (None, [], None),
        (Choice.REQUIRED, [], "required"),
        (
            Choice.REQUIRED,
            ["f"],
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
        ),
    ],
)
def test_how_a_choice_is_written(choice: Choice | None, allowed: list[str], body: Any) -> None:
    tools = [Tool("f", None, None)]
    conversation = Conversation(tools=tools, choice=choice, allowed=allowed)
    assert wrote(conversation).get("tool_choice") == body


def test_a_choice_without_tools_is_not_written() -> None:
    assert "tool_choice" not in wrote(Conversation(choice=Choice.AUTO, parallel=True))


@pytest.mark.parametrize(
    ("form", "written_as"),
    [
        (Format(), {"type": "json_object"}),
        (Format(SCHEMA), {"type": "json_schema", "name": "answer", "schema": SCHEMA}),
    ],
)
def test_how_a_format_is_written(form: Format, written_as: Any) -> None:
    assert wrote(Conversation(format=form))["text"] == {"format": written_as}


@pytest.mark.parametrize(
    ("reasoning", "written_as", "included"),
    [
        (Reasoning(budget=8_000), {"effort": "medium"}, True),
        (Reasoning(adaptive=True, shown=True), {"summary": "auto"}, True),
        (Reasoning(adaptive=True), None, True),
        (Reasoning(effort="none", off=True), {"effort": "none"}, False),
        (Reasoning(off=True), None, False),
    ],
)
def test_how_reasoning_is_asked_for(reasoning: Reasoning, written_as: Any, included: bool) -> None:
    body = wrote(Conversation(reasoning=reasoning))
    assert body.get("reasoning") == written_as
    assert ("include" in body) is included


def test_reasoning_that_goes_back_is_asked_for_again() -> None:
    turns = [Turn(Role.ASSISTANT, [Thinking("hm", "s"), ToolUse("c", "f", "{}")], "")]
    assert wrote(Conversation(turns=turns))["include"] == ["reasoning.encrypted_content"]


def test_a_limit_stays_within_what_the_model_can_and_above_the_least_there_is() -> None:
    aim = Aim("gpt", 4096, AIM.origin)
    assert wrote(Conversation(max_output_tokens=9999), aim)["max_output_tokens"] == 4096
    probe = written(Conversation(max_output_tokens=1))
    assert orjson.loads(probe.body)["max_output_tokens"] == 16
    assert probe.warnings == ["max_output_tokens: raised to 16, the least there is"]


def test_a_long_user_becomes_always_the_same_shorter_one() -> None:
    user = wrote(Conversation(user="u" * 200))["user"]
    assert len(user) == 64
    assert user == wrote(Conversation(user="u" * 200))["user"]


def test_a_tier_that_openai_does_not_have_is_not_written() -> None:
    assert "service_tier" not in wrote(Conversation(service_tier="standard_only"))


@pytest.mark.parametrize(
    "conversation",
    [
        Conversation(tools=[Tool("f", None, None, cache=CACHE)]),
        Conversation(turns=[Turn(Role.USER, [Text("a", CACHE)], "")]),
        Conversation(turns=[Turn(Role.USER, [ToolResult("c", [Image("u", cache=CACHE)])], "")]),
    ],
)
def test_a_cache_control_that_is_left_out_is_a_warning(conversation: Conversation) -> None:
    assert written(conversation).warnings == ["cache_control"]


def test_no_cache_control_no_warning() -> None:
    turns = [Turn(Role.USER, [ToolResult("c", [Text("a")]), Text("b")], "")]
    assert written(Conversation(turns=turns, tools=[Tool("f", None, None)])).warnings == []


def test_a_schema_that_is_too_deep_to_be_written_is_a_400() -> None:
    with pytest.raises(BadRequest):
        written(Conversation(tools=[Tool("f", None, nested(300))]))


def test_the_apis_that_can_say_a_feature_never_include_responses_alone() -> None:
    """A feature of this protocol matters only towards another."""
    assert all(apis != {Api.RESPONSES} for apis in FEATURES.values())
