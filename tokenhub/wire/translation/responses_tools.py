"""The tools of responses, read, and the names under which other protocols know them.

Other protocols have functions only, in one list. So a tool of a `namespace` is told to them under a
joined name, and a `custom` tool, whose input is plain text, as a function with the one parameter
`input`; `own_tools` tells how to turn their calls back. Source: OpenAI API reference, "Create a
model response", `tools`; Codex also offers tools by items of the input (`additional_tools`).
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from tokenhub.types import per_request
from tokenhub.wire.translation import responses_keys
from tokenhub.wire.translation.checks import (
    a_list,
    an_object,
    expected,
    maybe_flag,
    maybe_text,
    text_at,
)
from tokenhub.wire.translation.conversation import Conversation, Tool
from tokenhub.wire.translation.keys import check

_DEFAULT_NAMESPACE: Final = "functions"
"""Tools in it are called by their names alone."""
_MOST_NAME_CHARS: Final = 64
_HEX_DIGITS: Final = 8
_CUSTOM: Final = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The input, as plain text."}},
    "required": ["input"],
    "additionalProperties": False,
}
OPTIONAL: Final = frozenset(
    {
        "image_generation",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
"""Built-in tools that widen what a model can do: without them it answers as well as it can."""
BUILT_IN: Final = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "file_search",
        "local_shell",
        "mcp",
        "programmatic_tool_calling",
        "shell",
    }
)
"""Built-in tools that a model cannot do without where they are offered."""


@per_request
class OwnTool:
    """What a client calls a tool that other protocols know by a joined name, or as a function."""

    name: str
    namespace: str | None
    custom: bool


def joined_name(namespace: str | None, name: str) -> str:
    """The one name of a tool that is called `name` in `namespace`."""
    if not namespace or namespace == _DEFAULT_NAMESPACE:
        return name
    joined = f"{namespace}{name}" if namespace.endswith("__") else f"{namespace}__{name}"
    if len(joined) <= _MOST_NAME_CHARS:
        return joined
    digest = sha256(joined.encode()).hexdigest()[:_HEX_DIGITS]
    return f"{joined[: _MOST_NAME_CHARS - _HEX_DIGITS - 1]}_{digest}"


def custom_arguments(input: str) -> str:
    """The arguments of the function that stands for a custom tool."""
    return orjson.dumps({"input": input}).decode()


def custom_input(arguments: str) -> str:
    """The input of a custom tool in the `arguments` of its function; all of them as a last resort.

    Models that know the tool by name forget to wrap its input now and then.
    """
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    given = value.get("input") if isinstance(value, dict) else None
    return given if isinstance(given, str) else arguments


def named(where: str, kind: str, known: frozenset[str]) -> str:
    """`where`, with the type that stands there if it is a `known` one."""
    return f"{where} ({kind})" if kind in known else f"{where}.type"


def read_tools(body: Mapping[str, Any], conversation: Conversation) -> None:
    """Add the tools of `body` to `conversation`; raises BadRequest naming the field.

    Of two with one name the last counts: an item may offer a tool again.
    """
    tools: dict[str, Tool] = {}
    for tool, where, namespace in _each_tool(body, conversation):
        kind = text_at(tool, "type", where)
        if kind in OPTIONAL:
            conversation.missed.append(f"{where} ({kind})")
        elif kind == "function" or kind == "custom":
            name = joined_name(namespace, text_at(tool, "name", where))
            tools[name] = _tool(tool, name, where, conversation)
        else:
            conversation.uses.setdefault("server_tool", named(where, kind, BUILT_IN))
    conversation.tools = list(tools.values())


def offers_tools(body: Mapping[str, Any]) -> bool:
    """Whether `body`, which `read_tools` took, has any tool."""
    return next(_each_tool(body), None) is not None


def own_tools(asked: Mapping[str, Any]) -> dict[str, OwnTool]:
    """By their joined names, the tools that a client calls otherwise or that are custom.

    `asked` are the fields of a request that `read_tools` took.
    """
    own = {}
    for tool, _, namespace in _each_tool(asked):
        custom = tool.get("type") == "custom"
        if custom or namespace is not None:
            name = str(tool.get("name"))
            joined = joined_name(namespace, name)
            space = None if joined == name else namespace
            own[joined] = OwnTool(name, space, custom)
    return own


_Place = tuple[dict[str, Any], str, str | None]


def _each_tool(
    body: Mapping[str, Any], conversation: Conversation | None = None
) -> Iterator[_Place]:
    """Each tool that is no namespace, where it stands, and the namespace that it is in.

    What else the namespaces have is noted in `conversation`.
    """
    yield from _of_list(body.get("tools"), "tools", conversation)
    items = body.get("input")
    for index, item in enumerate(items if type(items) is list else ()):
        if type(item) is dict and item.get("type") == "additional_tools":
            yield from _of_list(item.get("tools"), f"input.{index}.tools", conversation)


def _of_list(tools: object, where: str, conversation: Conversation | None) -> Iterator[_Place]:
    for index, value in enumerate(() if tools is None else a_list(tools, where)):
        at = f"{where}.{index}"
        tool = an_object(value, at)
        if tool.get("type") != "namespace":
            yield tool, at, None
            continue
        namespace = text_at(tool, "name", at)
        if conversation is not None:
            check(tool, responses_keys.NAMESPACE, at, conversation)
        inner_at = f"{at}.tools"
        for number, inner in enumerate(a_list(tool.get("tools"), inner_at)):
            yield an_object(inner, f"{inner_at}.{number}"), f"{inner_at}.{number}", namespace


def _tool(tool: dict[str, Any], name: str, where: str, conversation: Conversation) -> Tool:
    description = maybe_text(tool, "description", where)
    if tool["type"] == "custom":
        check(tool, responses_keys.CUSTOM, where, conversation)
        return Tool(name, _with_grammar(description, tool, where, conversation), _CUSTOM)
    check(tool, responses_keys.FUNCTION, where, conversation)
    parameters = tool.get("parameters")
    if parameters is not None:
        parameters = an_object(parameters, f"{where}.parameters")
    return Tool(name, description, parameters, maybe_flag(tool, "strict", where))


def _with_grammar(
    description: str | None, tool: dict[str, Any], where: str, conversation: Conversation
) -> str | None:
    """The description of a custom tool, and the grammar by which its input goes."""
    if tool.get("format") is None:
        return description
    where = f"{where}.format"
    form = an_object(tool["format"], where)
    kind = text_at(form, "type", where)
    if kind == "text":
        check(form, responses_keys.TEXT_INPUT, where, conversation)
        return description
    if kind != "grammar":
        raise expected(f"{where}.type", "'text' or 'grammar'")
    check(form, responses_keys.GRAMMAR, where, conversation)
    syntax, definition = text_at(form, "syntax", where), text_at(form, "definition", where)
    grammar = f"The input follows this grammar ({syntax}):\n{definition}"
    return f"{description}\n\n{grammar}" if description else grammar
