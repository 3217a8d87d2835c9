"""Checks the messages of a chat request, with OpenAI's words."""

from collections.abc import Mapping
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.openai import checks as check

MAX_ID_LENGTH = 40
"""Characters of a tool call's id (the API's own message when there are more)."""

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_INSTEAD_OF_CONTENT = {"tool_calls", "function_call", "refusal", "audio"}
_PARTS: Mapping[str, tuple[str, ...]] = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
_IN_PART = {"text": str, "refusal": str, "image_url": dict, "input_audio": dict, "file": dict}


def messages_of(exchange: Exchange) -> list[Json]:
    """The messages of the request, checked; those for vLLM as little as its server does."""
    messages = exchange.body.get("messages")
    if messages is None:
        raise check.missing("messages")
    if not isinstance(messages, list):
        raise check.wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise check.empty_array("messages")
    for index, message in enumerate(messages):
        _check_message(index, message)
        if not exchange.vllm:
            _check_parts(f"messages[{index}]", message)
            _check_calls(f"messages[{index}]", message)
    _check_tool_results(messages)
    return messages


def _check_message(index: int, message: Any) -> None:
    where = f"messages[{index}]"
    if not isinstance(message, dict):
        raise check.wrong_type(where, "an object", message)
    role = message.get("role")
    if role is None:
        raise check.missing(f"{where}.role")
    if role not in _ROLES:
        raise check.unsupported(f"{where}.role", role, _ROLES)
    content = message.get("content")
    if content is None and not (role == "assistant" and message.keys() & _INSTEAD_OF_CONTENT):
        raise check.invalid(
            f"messages.[{index}].content",
            "Invalid value for 'content': expected a string, got null.",
            "invalid_type",
        )
    calls = check.optional(message, "tool_calls", "an array", f"{where}.tool_calls")
    if calls is not None and not all(isinstance(call, dict) for call in calls):
        raise check.wrong_type(f"{where}.tool_calls", "an array of objects", calls)
    if content is not None and not isinstance(content, str | list):
        raise check.wrong_type(f"{where}.content", "one of a string or array of objects", content)


def _check_parts(where: str, message: Json) -> None:
    """Refuse parts that the message's role does not have."""
    content = message.get("content")
    if not isinstance(content, list):
        return
    if not content:
        raise check.empty_array(f"{where}.content")
    role = message["role"]
    known = _PARTS.get(role, ("text",))
    for number, part in enumerate(content):
        place = f"{where}.content[{number}]"
        if not isinstance(part, dict):
            raise check.wrong_type(place, "an object", part)
        kind = part.get("type")
        if kind == "image_url" and role != "user":
            raise check.invalid(
                where,
                f"Invalid '{where}'. Image URLs are only allowed for messages with role 'user', "
                f"but this message with role '{role}' contains an image URL.",
            )
        if kind not in known:
            raise check.unsupported(f"{place}.type", kind, known)
        if not isinstance(part.get(kind), _IN_PART[kind]):
            raise check.missing(f"{place}.{kind}")
        if kind == "image_url":
            check.image_url(f"{place}.image_url.url", part["image_url"].get("url"))


def _check_calls(where: str, message: Json) -> None:
    """Refuse calls of tools without an id, a name, or arguments as text."""
    calls = message.get("tool_calls")
    if calls is None or message["role"] != "assistant":
        return
    if not calls:
        raise check.empty_array(f"{where}.tool_calls")
    for number, call in enumerate(calls):
        place = f"{where}.tool_calls[{number}]"
        check.text(call, "id", f"{place}.id", MAX_ID_LENGTH)
        kind = call.get("type")
        if kind not in ("function", "custom"):
            raise check.unsupported(f"{place}.type", kind, ("function", "custom"))
        called = call.get(kind)
        if not isinstance(called, dict):
            raise check.missing(f"{place}.{kind}")
        check.name(called, f"{place}.{kind}.name")
        said = "arguments" if kind == "function" else "input"
        check.text(called, said, f"{place}.{kind}.{said}")


def _check_tool_results(messages: list[Json]) -> None:
    open_calls: list[str] = []
    allowed: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            answered = check.text(message, "tool_call_id", f"messages[{index}].tool_call_id")
            if answered not in allowed:
                raise check.invalid(
                    f"messages.[{index}].role",
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                )
            open_calls = [call for call in open_calls if call != answered]
            continue
        if open_calls:
            raise _unanswered(open_calls, index)
        calls = message.get("tool_calls") if message["role"] == "assistant" else None
        open_calls = [str(call.get("id")) for call in calls or []]
        allowed = set(open_calls)
    if open_calls:
        raise _unanswered(open_calls, len(messages))


def _unanswered(ids: list[str], index: int) -> ApiError:
    return check.invalid(
        f"messages.[{index}].role",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(ids),
    )
