"""Requests of chat completions, read and written.

Source: OpenAI API reference, "Create chat completion".
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from tokenhub.errors import BadRequest
from tokenhub.wire.translation import chat_keys
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.chat_input import read_messages
from tokenhub.wire.translation.chat_output import messages_of
from tokenhub.wire.translation.checks import (
    a_list,
    an_object,
    dumped,
    expected,
    maybe_count,
    maybe_flag,
    maybe_number,
    maybe_text,
    no_tools,
)
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    Format,
    Reasoning,
    Tool,
)
from tokenhub.wire.translation.effort import effort_word, maybe_effort
from tokenhub.wire.translation.keys import check
from tokenhub.wire.translation.openai_models import reasons, write_sampling, write_tier

_SHARED: Final = (
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "verbosity",
)
"""What responses has too."""
_OBJECTS: Final = (
    ("stream_options", chat_keys.STREAM_OPTIONS),
    ("prompt_cache_options", chat_keys.PROMPT_CACHE_OPTIONS),
)
_HOT: Final = 1
"""The highest temperature that every protocol takes."""
_TIERS: Final = frozenset({"flex", "scale", "priority", "fast"})
_MOST_USER_CHARS: Final = 64


def read(body: Mapping[str, Any]) -> Conversation:
    """What a request says; raises BadRequest naming the field."""
    conversation = Conversation()
    read_messages(body, conversation)
    conversation.stream = maybe_flag(body, "stream") is True
    _read_sampling(body, conversation)
    _read_tools(body, conversation)
    if body.get("response_format") is not None:
        _read_format(body["response_format"], conversation)
    effort = maybe_effort(body, "reasoning_effort")
    if effort is not None:
        conversation.reasoning = Reasoning(effort=effort, off=effort == "none")
    user = maybe_text(body, "user")
    conversation.user = maybe_text(body, "safety_identifier") or user
    conversation.service_tier = maybe_text(body, "service_tier")
    conversation.shared = {name: body[name] for name in _SHARED if body.get(name) is not None}
    _check_objects(body, conversation)
    return conversation


def _check_objects(body: Mapping[str, Any], conversation: Conversation) -> None:
    """What is passed on or left out as it is."""
    if body.get("metadata") is not None:
        an_object(body["metadata"], "metadata")
    for name, known in _OBJECTS:
        if body.get(name) is not None:
            check(an_object(body[name], name), known, name, conversation)


def _read_sampling(body: Mapping[str, Any], conversation: Conversation) -> None:
    new, old = maybe_count(body, "max_completion_tokens"), maybe_count(body, "max_tokens")
    conversation.max_output_tokens = old if new is None else new
    temperature = conversation.temperature = maybe_number(body, "temperature")
    if temperature is not None and temperature > _HOT:
        conversation.uses["hot"] = "temperature"
    conversation.top_p = maybe_number(body, "top_p")
    stop = body.get("stop")
    if stop is None:
        return
    stops = [stop] if type(stop) is str else stop
    if type(stops) is not list or not all(type(one) is str for one in stops):
        raise expected("stop", "text or a list of texts")
    conversation.stop = [one for one in stops if one]


def _read_tools(body: Mapping[str, Any], conversation: Conversation) -> None:
    tools = []
    for index, tool in enumerate(_maybe_list(body, "tools")):
        where = f"tools.{index}"
        kind = an_object(tool, where).get("type")
        if kind == "function":
            check(tool, chat_keys.TOOL, where, conversation)
            function = an_object(tool.get("function"), f"{where}.function")
            tools.append(_tool(function, f"{where}.function", tool, conversation))
        else:
            feature = "custom_tool" if kind == "custom" else "server_tool"
            conversation.uses.setdefault(feature, where)
    for index, function in enumerate(_maybe_list(body, "functions")):
        where = f"functions.{index}"
        tools.append(_tool(an_object(function, where), where, function, conversation))
        conversation.parallel = False  # the form has room for one call in a message
    conversation.tools = tools
    for name in ("function_call", "tool_choice"):
        if body.get(name) is not None:
            _read_choice(body[name], name, conversation)
            if not body.get("tools") and not body.get("functions"):
                _choose_of_none(name, conversation)
    parallel = maybe_flag(body, "parallel_tool_calls")
    conversation.parallel = conversation.parallel if parallel is None else parallel


def _tool(
    function: dict[str, Any], where: str, holder: Mapping[str, Any], conversation: Conversation
) -> Tool:
    check(function, chat_keys.FUNCTION, where, conversation)
    name = maybe_text(function, "name", where)
    if not name:
        raise expected(f"{where}.name", "text")
    cache = holder.get("cache_control") or function.get("cache_control")
    return Tool(
        name,
        maybe_text(function, "description", where),
        _maybe_object(function, "parameters", where),
        maybe_flag(function, "strict", where),
        cache if type(cache) is dict else None,
    )


_CHOICES: Final = {"auto": Choice.AUTO, "none": Choice.NONE, "required": Choice.REQUIRED}


def _read_choice(choice: object, field: str, conversation: Conversation) -> None:
    """`tool_choice`, or the deprecated `function_call` whose object is what is inside the other."""
    if type(choice) is str and choice in _CHOICES:
        conversation.choice = _CHOICES[choice]
        return
    if type(choice) is not dict:
        raise _no_choice(field)
    match choice:
        case {"type": "custom"}:
            conversation.uses.setdefault("custom_tool", field)
        case {"type": "function", "function": {"name": str(name)}}:
            _check_chosen(choice, field, conversation)
            conversation.choice, conversation.tool_name = Choice.ONE, name
        case {"name": str(name)}:
            check(choice, chat_keys.CHOSEN_FUNCTION, field, conversation)
            conversation.choice, conversation.tool_name = Choice.ONE, name
        case {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto" | "required" as mode, "tools": [*tools]},
        }:
            inner = f"{field}.allowed_tools"
            check(choice, chat_keys.ALLOWED_TOOLS, field, conversation)
            check(choice["allowed_tools"], chat_keys.ALLOWED, inner, conversation)
            conversation.choice = _CHOICES[mode]
            conversation.allowed = [
                _allowed(tool, f"{inner}.tools.{index}", conversation)
                for index, tool in enumerate(tools)
            ]
            conversation.uses.setdefault("allowed_tools", field)
        case _:
            raise _no_choice(field)


def _no_choice(field: str) -> BadRequest:
    return expected(field, "'auto', 'none', 'required', or a tool or tools by name")


def _allowed(tool: object, where: str, conversation: Conversation) -> str:
    tool = an_object(tool, where)
    match tool:
        case {"function": {"name": str(name)}}:
            _check_chosen(tool, where, conversation)
            return name
        case {"custom": {"name": str(name)}}:
            conversation.uses.setdefault("custom_tool", where)
            return name
        case _:
            raise expected(where, "a function by its name")


def _check_chosen(choice: Mapping[str, Any], where: str, conversation: Conversation) -> None:
    check(choice, chat_keys.CHOSEN, where, conversation)
    check(choice["function"], chat_keys.CHOSEN_FUNCTION, f"{where}.function", conversation)


def _choose_of_none(field: str, conversation: Conversation) -> None:
    """The choice where there is no tool: a call cannot be had, and the rest says nothing."""
    if conversation.choice in (Choice.REQUIRED, Choice.ONE):
        raise no_tools(field)
    conversation.choice = None


def _read_format(value: object, conversation: Conversation) -> None:
    field = "response_format"
    if type(value) is not dict:
        raise _no_format(field)
    match value:
        case {"type": "text"}:
            check(value, chat_keys.FORMAT, field, conversation)
        case {"type": "json_object"}:
            check(value, chat_keys.FORMAT, field, conversation)
            conversation.format = Format()
            conversation.uses["json_object"] = field
        case {"type": "json_schema", "json_schema": dict(inner)}:
            where = f"{field}.json_schema"
            check(value, chat_keys.SCHEMA_FORMAT, field, conversation)
            check(inner, chat_keys.SCHEMA, where, conversation)
            name = maybe_text(inner, "name", where)
            schema = _maybe_object(inner, "schema", where)
            description = maybe_text(inner, "description", where)
            strict = maybe_flag(inner, "strict", where)
            conversation.format = Format(schema or {}, name or "answer", description, strict)
        case _:
            raise _no_format(field)


def _no_format(field: str) -> BadRequest:
    return expected(field, "a type: 'text', 'json_object' or 'json_schema' with its schema")


def _maybe_list(holder: Mapping[str, Any], name: str) -> Sequence[Any]:
    return () if holder.get(name) is None else a_list(holder[name], name)


def _maybe_object(holder: Mapping[str, Any], name: str, where: str) -> dict[str, Any] | None:
    value = holder.get(name)
    return None if value is None else an_object(value, f"{where}.{name}")


def write(conversation: Conversation, aim: Aim) -> Written:
    """The request for a provider that speaks chat completions; raises BadRequest for its depth.

    Of the fields that have no effect on the answer only `user` is written: providers that are
    merely compatible refuse the others.
    """
    messages, uncached = messages_of(conversation.turns, aim.origin)
    body: dict[str, Any] = {"model": aim.model, "messages": messages}
    if conversation.stream:
        body["stream"] = True
        if aim.ask_usage:
            body["stream_options"] = {"include_usage": True}
    warnings = _write_sampling(body, conversation, aim)
    if conversation.tools:
        uncached = uncached or any(tool.cache is not None for tool in conversation.tools)
        _write_tools(body, conversation)
    if conversation.format is not None:
        body["response_format"] = _format_of(conversation.format)
    if conversation.reasoning is not None and (word := effort_word(conversation.reasoning)):
        body["reasoning_effort"] = word
    if "verbosity" in conversation.shared:
        body["verbosity"] = conversation.shared["verbosity"]
    if conversation.user:
        body["user"] = _fit_user(conversation.user)
    warnings += write_tier(body, conversation, _TIERS)
    if uncached:
        warnings.append("cache_control")
    return Written(dumped(body), warnings)


def _write_sampling(body: dict[str, Any], conversation: Conversation, aim: Aim) -> list[str]:
    limit = conversation.max_output_tokens
    if limit is not None:
        asked = conversation.reasoning is not None and not conversation.reasoning.off
        new = asked or reasons(aim.model) is not None
        most = limit if aim.max_output_tokens is None else aim.max_output_tokens
        body["max_completion_tokens" if new else "max_tokens"] = min(limit, most)
    missed = write_sampling(body, conversation, aim.model)
    if conversation.stop:
        body["stop"] = conversation.stop
    return missed


def _write_tools(body: dict[str, Any], conversation: Conversation) -> None:
    body["tools"] = [_tool_of(tool) for tool in conversation.tools]
    if conversation.choice is not None:
        body["tool_choice"] = _choice_of(conversation.choice, conversation)
    if conversation.parallel is False:
        body["parallel_tool_calls"] = False


def _tool_of(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice_of(choice: Choice, conversation: Conversation) -> str | dict[str, Any]:
    if choice is Choice.ONE:
        return _function(conversation.tool_name)
    if conversation.allowed:
        tools = [_function(name) for name in conversation.allowed]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice, "tools": tools}}
    return choice


def _function(name: str | None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _format_of(format: Format) -> dict[str, Any]:
    if format.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": format.name, "schema": format.schema}
    if format.description is not None:
        schema["description"] = format.description
    if format.strict is not None:
        schema["strict"] = format.strict
    return {"type": "json_schema", "json_schema": schema}


def _fit_user(user: str) -> str:
    """`user` as OpenAI takes it: what is too long becomes always the same shorter one."""
    return user if len(user) <= _MOST_USER_CHARS else sha256(user.encode()).hexdigest()
