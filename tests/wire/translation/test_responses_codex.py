"""What Codex sends, by its version 0.169: its requests must be servable by every provider."""

from typing import Any

import orjson
import pytest

from tokenhub.types import Api
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.fields import obstacle

AIM = Aim("some-model", None, lambda _seal: Origin.UNKNOWN)
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


def function(name: str) -> dict[str, Any]:
    described = {"description": "d", "strict": False, "parameters": SCHEMA}
    return {"type": "function", "name": name, **described}


def message(role: str, text: str) -> dict[str, Any]:
    parts = [{"type": "input_text", "text": text}]
    return {"type": "message", "id": "msg_1", "role": role, "content": parts}


PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "d",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk+"},
}
AGENTS = {
    "type": "namespace",
    "name": "multi_agent_v1",
    "description": "d",
    "tools": [function("spawn_agent")],
}
SEARCH = {"type": "web_search", "external_web_access": False, "search_content_types": ["text"]}
FIND_TOOLS = {
    "type": "tool_search",
    "execution": "client",
    "description": "d",
    "parameters": SCHEMA,
}
BODY: dict[str, Any] = {
    "model": "auto",
    "stream": True,
    "input": [message("developer", "You are Codex."), message("user", "say hello")],
    "tools": [function("exec_command"), PATCH, AGENTS, FIND_TOOLS, SEARCH],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low", "context": "all_turns"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "01a1fc99",
    "text": {"verbosity": "low"},
    "client_metadata": {"x-codex-window-id": "01a1fc99:0"},
}
CALLED = [
    {"type": "reasoning", "summary": [], "encrypted_content": "sealed"},
    {
        "type": "function_call",
        "call_id": "c1",
        "name": "spawn_agent",
        "namespace": "multi_agent_v1",
        "arguments": "{}",
    },
    {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "*** Begin"},
    {"type": "function_call_output", "call_id": "c1", "output": "spawned"},
    {"type": "custom_tool_call_output", "call_id": "c2", "output": "Done!"},
]


def written(target: Api, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    conversation = translator.read(Api.RESPONSES, body)
    assert obstacle(Api.RESPONSES, target, body, conversation) is None
    result = translator.write(Api.RESPONSES, target, conversation, body, AIM)
    return orjson.loads(result.body), result.warnings


def names(target: Api, body: dict[str, Any]) -> list[str]:
    tools = written(target, body)[0]["tools"]
    return [tool["function"]["name"] if target is Api.CHAT else tool["name"] for tool in tools]


@pytest.mark.parametrize("target", [Api.CHAT, Api.MESSAGES])
def test_its_tools_are_offered_to_every_provider(target: Api) -> None:
    offered = ["exec_command", "apply_patch", "multi_agent_v1__spawn_agent"]
    assert names(target, BODY) == offered
    lite = {name: value for name, value in BODY.items() if name != "tools"}
    functions = {
        "type": "namespace",
        "name": "functions",
        "tools": [function("exec_command"), PATCH],
    }
    tools = {"type": "additional_tools", "role": "developer", "tools": [functions, AGENTS]}
    assert names(target, lite | {"input": [tools, *BODY["input"]]}) == offered


def test_what_others_do_not_have_is_left_out_with_a_warning() -> None:
    left_out = [
        "tools.2.description",
        "tools.3 (tool_search)",
        "tools.4 (web_search)",
        "reasoning.context",
    ]
    assert written(Api.CHAT, BODY)[1] == left_out
    assert written(Api.MESSAGES, BODY)[1] == [*left_out, "text.verbosity"]


def test_its_calls_and_their_outputs_stay_together() -> None:
    chat, _ = written(Api.CHAT, BODY | {"input": BODY["input"] + CALLED})
    calls = chat["messages"][2]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == [
        "multi_agent_v1__spawn_agent",
        "apply_patch",
    ]
    assert calls[1]["function"]["arguments"] == '{"input":"*** Begin"}'
    assert [(m["tool_call_id"], m["content"]) for m in chat["messages"][3:]] == [
        ("c1", "spawned"),
        ("c2", "Done!"),
    ]


def test_without_a_tool_that_others_have_nothing_is_said_of_choosing_one() -> None:
    chat, _ = written(Api.CHAT, BODY | {"tools": [SEARCH]})
    assert chat.keys().isdisjoint({"tools", "tool_choice", "parallel_tool_calls"})
