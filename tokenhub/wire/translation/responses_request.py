"""Requests of responses, read and written.

Source: OpenAI API reference, "Create a model response".
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from tokenhub.wire.translation import responses_keys
from tokenhub.wire.translation.aim import Aim, Written
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
    text_at,
)
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    Format,
    Reasoning,
    Tool,
    ToolResult,
    Turn,
)
from tokenhub.wire.translation.effort import effort_word, maybe_effort
from tokenhub.wire.translation.keys import check
from tokenhub.wire.translation.openai_models import write_sampling, write_tier
from tokenhub.wire.translation.responses_input import read_input
from tokenhub.wire.translation.responses_output import input_items, instructions_of
from tokenhub.wire.translation.responses_tools import joined_name, offers_tools, read_tools

_LEAST_OUTPUT_TOKENS: Final = 16
"""OpenAI refuses a smaller `max_output_tokens`."""
_RAISED: Final = f"max_output_tokens: raised to {_LEAST_OUTPUT_TOKENS}, the least there is"
_HOT: Final = 1
"""The highest temperature that every protocol takes."""
_MOST_USER_CHARS: Final = 64
_TIERS: Final = frozenset({"flex", "scale", "priority", "fast", "ultrafast"})
_SHARED: Final = (
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
)
_CHOICES: Final = {"auto": Choice.AUTO, "none": Choice.NONE, "required": Choice.REQUIRED}
_SEALED: Final = "reasoning.encrypted_content"
_LOGPROBS: Final = "message.output_text.logprobs"
_INCLUDED: Final = frozenset(
    {
        _SEALED,
        # What is asked for in the request itself, or of built-in tools, of which none is called.
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)
"""What may be asked for in `include`: it is there, or there is none of it."""
_OBJECTS: Final = (
    ("stream_options", responses_keys.STREAM_OPTIONS),
    ("prompt_cache_options", responses_keys.PROMPT_CACHE_OPTIONS),
)


def read(body: Mapping[str, Any]) -> Conversation:
    """What a request says; raises BadRequest naming the field."""
    conversation = Conversation()
    read_input(body, conversation)
    read_tools(body, conversation)
    _read_choice(body, conversation)
    _read_sampling(body, conversation)
    if body.get("text") is not None:
        _read_text(an_object(body["text"], "text"), conversation)
    if body.get("reasoning") is not None:
        _read_reasoning(an_object(body["reasoning"], "reasoning"), conversation)
    if body.get("include") is not None:
        _read_include(a_list(body["include"], "include"), conversation)
    _check_objects(body, conversation)
    user = maybe_text(body, "user")
    conversation.user = maybe_text(body, "safety_identifier") or user
    conversation.service_tier = maybe_text(body, "service_tier")
    return conversation


def _read_include(include: Sequence[Any], conversation: Conversation) -> None:
    for index, one in enumerate(include):
        if type(one) is not str or one not in _INCLUDED:
            feature = "logprobs" if one == _LOGPROBS else "included"
            conversation.uses.setdefault(feature, f"include.{index}")


def _check_objects(body: Mapping[str, Any], conversation: Conversation) -> None:
    """What is left out as it is."""
    if body.get("metadata") is not None:
        an_object(body["metadata"], "metadata")
    for name, known in _OBJECTS:
        if body.get(name) is not None:
            check(an_object(body[name], name), known, name, conversation)


def _read_sampling(body: Mapping[str, Any], conversation: Conversation) -> None:
    conversation.stream = maybe_flag(body, "stream") is True
    conversation.max_output_tokens = maybe_count(body, "max_output_tokens")
    temperature = conversation.temperature = maybe_number(body, "temperature")
    if temperature is not None and temperature > _HOT:
        conversation.uses["hot"] = "temperature"
    conversation.top_p = maybe_number(body, "top_p")


def _read_choice(body: Mapping[str, Any], conversation: Conversation) -> None:
    """What is to be called. Without a tool there is nothing to say, and others refuse to hear it.

    A call that is required, of a built-in tool that was left out or of none, is not to be had.
    """
    parallel = maybe_flag(body, "parallel_tool_calls")
    choice = body.get("tool_choice")
    if choice is not None:
        _choose(choice, conversation)
    if conversation.tools:
        conversation.parallel = parallel
    elif conversation.choice not in (Choice.REQUIRED, Choice.ONE):
        conversation.choice = None
    elif offers_tools(body):
        conversation.uses.setdefault("server_tool", "tool_choice")
    else:
        raise no_tools("tool_choice")


def _choose(choice: object, conversation: Conversation) -> None:
    where = "tool_choice"
    if type(choice) is str and choice in _CHOICES:
        conversation.choice = _CHOICES[choice]
        return
    if type(choice) is not dict:
        raise expected(where, "'auto', 'none', 'required' or an object")
    kind = text_at(choice, "type", where)
    if kind == "function" or kind == "custom":
        conversation.choice = Choice.ONE
        conversation.tool_name = _name_of(choice, where, conversation)
    elif kind == "allowed_tools":
        mode = choice.get("mode")
        if mode != "auto" and mode != "required":
            raise expected(f"{where}.mode", "'auto' or 'required'")
        check(choice, responses_keys.ALLOWED, where, conversation)
        conversation.choice = _CHOICES[mode]
        conversation.uses.setdefault("allowed_tools", where)
        tools = a_list(choice.get("tools"), f"{where}.tools")
        conversation.allowed = _allowed(tools, f"{where}.tools", conversation)
    else:
        conversation.uses.setdefault("server_tool", where)


def _allowed(tools: Sequence[Any], where: str, conversation: Conversation) -> list[str]:
    names = []
    for index, value in enumerate(tools):
        at = f"{where}.{index}"
        tool = an_object(value, at)
        if tool.get("type") in ("function", "custom"):
            names.append(_name_of(tool, at, conversation))
        else:
            conversation.uses.setdefault("server_tool", at)
    return names


def _name_of(tool: Mapping[str, Any], where: str, conversation: Conversation) -> str:
    check(tool, responses_keys.CHOSEN, where, conversation)
    return joined_name(maybe_text(tool, "namespace", where), text_at(tool, "name", where))


def _read_text(text: Mapping[str, Any], conversation: Conversation) -> None:
    check(text, responses_keys.TEXT_CONFIG, "text", conversation)
    verbosity = maybe_text(text, "verbosity", "text")
    if verbosity is not None:
        conversation.shared["verbosity"] = verbosity
        if verbosity != "medium":
            conversation.hints["verbosity"] = "text.verbosity"
    if text.get("format") is None:
        return
    where = "text.format"
    form = an_object(text["format"], where)
    match form.get("type"):
        case "text":
            check(form, responses_keys.FORMAT, where, conversation)
        case "json_object":
            check(form, responses_keys.FORMAT, where, conversation)
            conversation.format = Format()
            conversation.uses["json_object"] = where
        case "json_schema":
            check(form, responses_keys.SCHEMA_FORMAT, where, conversation)
            conversation.format = Format(
                an_object(form.get("schema"), f"{where}.schema"),
                text_at(form, "name", where),
                maybe_text(form, "description", where),
                maybe_flag(form, "strict", where),
            )
        case _:
            raise expected(f"{where}.type", "'text', 'json_object' or 'json_schema'")


def _read_reasoning(reasoning: Mapping[str, Any], conversation: Conversation) -> None:
    where = "reasoning"
    check(reasoning, responses_keys.REASONING_CONFIG, where, conversation)
    effort = maybe_effort(reasoning, "effort", where)
    summary = maybe_text(reasoning, "summary", where)
    summary = summary or maybe_text(reasoning, "generate_summary", where)
    if effort is not None or summary is not None:
        conversation.reasoning = Reasoning(
            effort=effort, off=effort == "none", shown=summary is not None
        )
    if maybe_text(reasoning, "mode", where) not in (None, "standard"):
        conversation.uses["reasoning_mode"] = "reasoning.mode"
    if maybe_text(reasoning, "context", where) not in (None, "auto"):
        conversation.missed.append("reasoning.context")


def write(conversation: Conversation, aim: Aim) -> Written:
    """The request for a provider that speaks responses; raises BadRequest for its depth.

    Nothing is to be stored there: so reasoning comes back encrypted, to be sent again.
    """
    turns = conversation.turns
    instructions = instructions_of(turns)
    body: dict[str, Any] = {"model": aim.model}
    if instructions is not None:
        body["instructions"] = instructions
    items = body["input"] = input_items(turns if instructions is None else turns[1:], aim)
    body["store"] = False
    if conversation.stream:
        body["stream"] = True
    warnings = _write_sampling(body, conversation, aim)
    if conversation.tools:
        _write_tools(body, conversation)
    _write_text(body, conversation)
    _write_reasoning(body, conversation, items)
    if conversation.user:
        body["user"] = _fit_user(conversation.user)
    warnings += write_tier(body, conversation, _TIERS)
    for name in _SHARED:
        if name in conversation.shared:
            body[name] = conversation.shared[name]
    if _has_cache(turns, conversation.tools):
        warnings.append("cache_control")
    return Written(dumped(body), warnings)


def _write_sampling(body: dict[str, Any], conversation: Conversation, aim: Aim) -> list[str]:
    warnings = []
    limit = conversation.max_output_tokens
    if limit is not None:
        most = limit if aim.max_output_tokens is None else aim.max_output_tokens
        limit = min(limit, most)
        if limit < _LEAST_OUTPUT_TOKENS:
            limit = _LEAST_OUTPUT_TOKENS
            warnings.append(_RAISED)
        body["max_output_tokens"] = limit
    return warnings + write_sampling(body, conversation, aim.model)


def _write_tools(body: dict[str, Any], conversation: Conversation) -> None:
    body["tools"] = [_tool_of(tool) for tool in conversation.tools]
    if conversation.choice is Choice.ONE:
        body["tool_choice"] = _function(conversation.tool_name)
    elif conversation.allowed:
        tools = [_function(name) for name in conversation.allowed]
        mode = conversation.choice or Choice.AUTO
        body["tool_choice"] = {"type": "allowed_tools", "mode": mode, "tools": tools}
    elif conversation.choice is not None:
        body["tool_choice"] = conversation.choice
    if conversation.parallel is not None:
        body["parallel_tool_calls"] = conversation.parallel


def _function(name: str | None) -> dict[str, Any]:
    return {"type": "function", "name": name}


def _tool_of(tool: Tool) -> dict[str, Any]:
    """A function. It is strict only where that was asked for: here it is the default."""
    function: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    parameters = tool.parameters
    function["parameters"] = (
        {"type": "object", "properties": {}} if parameters is None else parameters
    )
    function["strict"] = tool.strict is True
    return function


def _write_text(body: dict[str, Any], conversation: Conversation) -> None:
    text = {}
    if conversation.format is not None:
        text["format"] = _format_of(conversation.format)
    if "verbosity" in conversation.shared:
        text["verbosity"] = conversation.shared["verbosity"]
    if text:
        body["text"] = text


def _format_of(form: Format) -> dict[str, Any]:
    if form.schema is None:
        return {"type": "json_object"}
    written: dict[str, Any] = {"type": "json_schema", "name": form.name, "schema": form.schema}
    if form.description is not None:
        written["description"] = form.description
    if form.strict is not None:
        written["strict"] = form.strict
    return written


def _write_reasoning(
    body: dict[str, Any], conversation: Conversation, items: Sequence[Mapping[str, Any]]
) -> None:
    """What is asked of the reasoning; models without it refuse to be asked for its seals."""
    asked = conversation.reasoning
    reasoning = {}
    if asked is not None and (word := effort_word(asked)):
        reasoning["effort"] = word
    if asked is not None and asked.shown and not asked.off:
        reasoning["summary"] = "auto"
    if reasoning:
        body["reasoning"] = reasoning
    thinks = asked is not None and not asked.off
    if thinks or any(item["type"] == "reasoning" for item in items):
        body["include"] = [_SEALED]


def _fit_user(user: str) -> str:
    """`user` as OpenAI takes it: what is too long becomes always the same shorter one."""
    return user if len(user) <= _MOST_USER_CHARS else sha256(user.encode()).hexdigest()


def _has_cache(turns: Sequence[Turn], tools: Sequence[Tool]) -> bool:
    """Whether Anthropic's `cache_control` stands anywhere."""
    if any(tool.cache is not None for tool in tools):
        return True
    for turn in turns:
        for piece in turn.pieces:
            if getattr(piece, "cache", None) is not None:
                return True
            if isinstance(piece, ToolResult) and any(part.cache for part in piece.content):
                return True
    return False
