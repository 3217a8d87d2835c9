"""Requests of the messages API: read and written."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from tokenhub.wire.translation import messages_keys
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.checks import (
    an_object,
    dumped,
    expected,
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
    ToolUse,
)
from tokenhub.wire.translation.keys import check
from tokenhub.wire.translation.messages_input import (
    Json,
    system_of,
    tools_of,
    turns_of,
)
from tokenhub.wire.translation.messages_models import Claude, claude
from tokenhub.wire.translation.messages_output import Prompt, prompt_of
from tokenhub.wire.translation.messages_schema import fitted
from tokenhub.wire.translation.messages_thinking import thinking_of

_MOST_USER_CHARS: Final = 64
"""OpenAI takes no longer name of a user; Claude Code's are."""
_DEFAULT_MAX_TOKENS: Final = 8_192
_MOST_DEFAULT_TOKENS: Final = 32_000
_CHOICES: Final = {
    "auto": Choice.AUTO,
    "any": Choice.REQUIRED,
    "tool": Choice.ONE,
    "none": Choice.NONE,
}
_CHOICE_NAMES: Final = {choice: name for name, choice in _CHOICES.items()}
_MOST_DEPTH: Final = 30
"""OpenAI takes no strict schema with objects in each other as deep as this."""
_THINKING: Final = {
    "enabled": messages_keys.ENABLED,
    "adaptive": messages_keys.ADAPTIVE,
    "disabled": messages_keys.DISABLED,
    "between_tools": messages_keys.DISABLED,
}
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


def read(body: Mapping[str, Any]) -> Conversation:
    """What a messages request says; raises BadRequest naming the field that is wrong."""
    given = {name: value for name, value in body.items() if value is not None}
    read = Conversation()
    if "system" in given:
        read.turns += system_of(given["system"], read)
    read.turns += turns_of(given.get("messages"), read)
    read.max_output_tokens = _max_tokens(given, read)
    read.temperature, read.top_p = maybe_number(given, "temperature"), maybe_number(given, "top_p")
    read.top_k = _integer(given, "top_k")
    read.stop = _stop(given.get("stop_sequences", ()))
    read.stream = maybe_flag(given, "stream") or False
    read.tools = tools_of(given.get("tools", []), read)
    read.user = _user(_object(given, "metadata"), read)
    _read_choice(_object(given, "tool_choice"), bool(given.get("tools")), read)
    config = _object(given, "output_config")
    check(config, messages_keys.OUTPUT_CONFIG, "output_config", read)
    read.format = _format(config.get("format"), "output_config.format", read)
    if (old := _format(given.get("output_format"), "output_format", read)) is not None:
        if read.format is not None:
            raise expected("output_format", "none beside output_config.format")
        read.format = old
    read.reasoning = _reasoning(_object(given, "thinking"), _effort(config), read)
    return read


def _max_tokens(given: Json, read: Conversation) -> int:
    limit = _integer(given, "max_tokens")
    if limit is None or limit < 0:
        raise expected("max_tokens", "an integer of 0 or more")
    if limit == 0:
        read.uses.setdefault("cache_warming", "max_tokens")
    return limit


def _stop(stop: object) -> Sequence[str]:
    if not isinstance(stop, list | tuple) or not all(isinstance(text, str) for text in stop):
        raise expected("stop_sequences", "a list of texts")
    return stop


def _user(metadata: Json, read: Conversation) -> str | None:
    """The user's name, where it is too long one that is always the same for it."""
    check(metadata, messages_keys.METADATA, "metadata", read)
    user = maybe_text(metadata, "user_id", "metadata")
    if user and len(user) > _MOST_USER_CHARS:
        return sha256(user.encode()).hexdigest()
    return user or None


def _read_choice(choice: Json, given_tools: bool, read: Conversation) -> None:
    if not choice:
        return
    kind = choice.get("type")
    if not isinstance(kind, str) or kind not in _CHOICES:
        raise expected("tool_choice.type", "auto, any, tool or none")
    read.choice = _CHOICES[kind]
    if read.choice is Choice.ONE:
        check(choice, messages_keys.CHOSEN, "tool_choice", read)
        read.tool_name = text_at(choice, "name", "tool_choice")
    else:
        check(choice, messages_keys.CHOICE, "tool_choice", read)
    if not given_tools and read.choice in (Choice.REQUIRED, Choice.ONE):
        raise no_tools("tool_choice")
    if choice.get("disable_parallel_tool_use") is True:
        read.parallel = False


def _effort(config: Json) -> str | None:
    effort = config.get("effort")
    if effort is not None and effort not in _EFFORTS:
        raise expected("output_config.effort", f"one of {', '.join(_EFFORTS)}")
    return effort


def _reasoning(thinking: Json, effort: str | None, read: Conversation) -> Reasoning | None:
    kind, shown = thinking.get("type"), thinking.get("display") != "omitted"
    if isinstance(kind, str) and kind in _THINKING:
        check(thinking, _THINKING[kind], "thinking", read)
    match kind:
        case "enabled":
            budget = _integer(thinking, "budget_tokens", "thinking.")
            if budget is None or budget < 1:
                raise expected("thinking.budget_tokens", "an integer of 1 or more")
            return Reasoning(effort=effort, budget=budget, shown=shown)
        case "adaptive":
            return Reasoning(effort=effort, adaptive=True, shown=shown)
        case "disabled" | "between_tools":
            return Reasoning(off=True)
        case None if not thinking:
            return Reasoning(effort=effort) if effort else None
        case _:
            raise expected("thinking.type", "enabled, adaptive, disabled or between_tools")


def _format(given: object, where: str, read: Conversation) -> Format | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("type") != "json_schema":
        raise expected(f"{where}.type", "json_schema")
    check(given, messages_keys.FORMAT, where, read)
    schema = given.get("schema")
    if not isinstance(schema, dict):
        raise expected(f"{where}.schema", "an object")
    return Format(schema, strict=_is_strict(schema) or None)


def _is_strict(schema: object, depth: int = _MOST_DEPTH) -> bool:
    """Whether OpenAI takes `schema` as strict: all properties of every object are required."""
    if not isinstance(schema, dict | list):
        return True
    if depth == 0:
        return False
    if isinstance(schema, list):
        return all(_is_strict(part, depth - 1) for part in schema)
    properties, required = schema.get("properties"), schema.get("required")
    if schema.get("type") == "object" or isinstance(properties, dict):
        needed = required if isinstance(required, list) else ()
        if schema.get("additionalProperties") is not False:
            return False
        if isinstance(properties, dict) and any(name not in needed for name in properties):
            return False
    return all(_is_strict(part, depth - 1) for part in schema.values())


def _object(given: Json, name: str) -> Json:
    return an_object(given.get(name, {}), name)


def _integer(given: Json, name: str, prefix: str = "") -> int | None:
    value = given.get(name)
    if value is not None and type(value) is not int:
        raise expected(prefix + name, "an integer")
    return value


def write(conversation: Conversation, aim: Aim) -> Written:
    """The messages request that says `conversation`.

    Raises BadRequest for one that is nested too deeply to be written as JSON, nothing else.
    """
    model, warnings = claude(aim.model), list[str]()
    prompt = prompt_of(conversation.turns, aim.origin, system_turns=model.system_turns)
    limit = _limit(conversation.max_output_tokens, aim.max_output_tokens)
    body: Json = {"model": aim.model, "max_tokens": limit}
    if prompt.system:
        body["system"] = prompt.system
    body["messages"] = prompt.messages
    if conversation.stream:
        body["stream"] = True
    _write_tools(conversation, body, warnings)
    _write_thinking(conversation, prompt, model, body, warnings)
    _write_sampling(conversation, model, body, warnings)
    if conversation.stop:
        body["stop_sequences"] = list(conversation.stop)
    if conversation.format and conversation.format.schema is not None:
        schema = fitted(conversation.format.schema, warnings)
        output = {"type": "json_schema", "schema": schema}
        body.setdefault("output_config", {})["format"] = output
    if conversation.user:
        body["metadata"] = {"user_id": conversation.user}
    return Written(dumped(body), warnings + prompt.warnings)


def _limit(asked: int | None, most: int | None) -> int:
    """What the client allows as far as the model can, else what is usual."""
    if asked is None:
        return _DEFAULT_MAX_TOKENS if most is None else min(most, _MOST_DEFAULT_TOKENS)
    return asked if most is None else min(asked, most)


def _write_tools(conversation: Conversation, body: Json, warnings: list[str]) -> None:
    """The tools; those of earlier calls where no more are given, since calls want them defined."""
    if not conversation.tools:
        names = {p.name: p for t in conversation.turns for p in t.pieces if isinstance(p, ToolUse)}
        if names:
            body["tools"] = [{"name": name, "input_schema": _NO_INPUT} for name in names]
            body["tool_choice"] = {"type": "none"}
        return
    body["tools"] = [_tool(tool, warnings) for tool in conversation.tools]
    choice, alone = conversation.choice, conversation.parallel is False
    if choice is None and not alone:
        return
    written: Json = {"type": _CHOICE_NAMES[choice or Choice.AUTO]}
    if choice is Choice.ONE:
        written["name"] = conversation.tool_name
    if alone and choice is not Choice.NONE:
        written["disable_parallel_tool_use"] = True
    body["tool_choice"] = written


_NO_INPUT: Final = {"type": "object", "properties": {}}


def _tool(tool: Tool, warnings: list[str]) -> Json:
    schema = tool.parameters or _NO_INPUT
    if "type" not in schema:
        schema = {"type": "object", **schema}
    written: Json = {
        "name": tool.name,
        "input_schema": fitted(schema, warnings) if tool.strict else schema,
    }
    if tool.description is not None:
        written["description"] = tool.description
    if tool.strict:
        written["strict"] = True
    if tool.cache:
        written["cache_control"] = tool.cache
    return written


def _write_thinking(
    conversation: Conversation, prompt: Prompt, model: Claude, body: Json, warnings: list[str]
) -> None:
    asked = conversation.reasoning
    if asked is None:
        return
    obstacle = None
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        obstacle = "a tool must be called"
    elif prompt.lacks_thinking and not model.adaptive:
        obstacle = "the turn that called the tools has none"
    thinking = thinking_of(asked, model, body["max_tokens"], obstacle)
    body |= thinking.fields
    warnings += thinking.warnings


def _write_sampling(
    conversation: Conversation, model: Claude, body: Json, warnings: list[str]
) -> None:
    """`temperature` and `top_p` where they say anything and the model takes them."""
    given = {"temperature": conversation.temperature, "top_p": conversation.top_p}
    said = {name: value for name, value in given.items() if value is not None and value != 1}
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if said and (thinks or not model.sampled):
        why = "while it thinks" if model.sampled else "at all"
        warnings += [f"{name}: the model takes none {why}" for name in said]
        return
    if len(said) == len(given):
        del said["top_p"]
        warnings.append("top_p: the model takes none beside temperature")
    body |= said
