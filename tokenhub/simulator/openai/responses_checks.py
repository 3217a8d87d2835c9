"""Checks the items of a responses request, with OpenAI's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json
from tokenhub.simulator.openai import checks as check

MAX_ID_LENGTH = 64
"""Characters of an item's id and of a `call_id` (the API's own message when there are more)."""

_ROLES = ("assistant", "system", "developer", "user")
_ITEMS: Mapping[str, frozenset[str]] = {
    kind: frozenset({"type", "id", "status", *fields.split()})
    for kind, fields in {
        "message": "role content phase",
        "function_call": "arguments call_id name async caller namespace",
        "function_call_output": "call_id output caller name namespace",
        "custom_tool_call": "call_id input name async caller namespace",
        "custom_tool_call_output": "call_id output caller",
        "reasoning": "summary content encrypted_content",
        "item_reference": "",
    }.items()
}
_OTHER_ITEMS = (
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "compaction_trigger",
    "computer_call",
    "computer_call_output",
    "configuration_update",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
)
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "function_call": ("call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
    "function_call_output": ("call_id",),
    "custom_tool_call_output": ("call_id",),
}
_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
}
_PARTS: Mapping[str, frozenset[str]] = {
    kind: frozenset({"type", *fields.split()})
    for kind, fields in {
        "input_text": "text prompt_cache_breakpoint",
        "input_image": "detail file_id image_url prompt_cache_breakpoint",
        "input_file": "detail file_data file_id file_url filename prompt_cache_breakpoint",
        "output_text": "annotations logprobs text",
        "refusal": "refusal",
    }.items()
}
_GIVEN = ("input_text", "input_image", "input_file")
_SAID = ("output_text", "refusal")
_FOLLOWING = ("message", "function_call", "custom_tool_call", "reasoning", *_OTHER_ITEMS)


def check_items(items: Sequence[Json]) -> None:
    """Refuse items of an unknown type or with unknown fields, wrong parts, or wrong ids."""
    for index, item in enumerate(items):
        _check_item(f"input[{index}]", item)
    for index, item in enumerate(items):
        if item["type"] == "reasoning" and not _is_followed(items[index + 1 :]):
            raise ApiError(
                400,
                f"Item '{item.get('id')}' of type 'reasoning' was provided without its required "
                "following item.",
                param="input",
            )


def _is_followed(later: Sequence[Json]) -> bool:
    item = later[0] if later else {"type": ""}
    return item["type"] in _FOLLOWING and item.get("role", "assistant") == "assistant"


def _check_item(where: str, item: Json) -> None:
    kind = item["type"]
    known = _ITEMS.get(kind)
    if known is None:
        if kind not in _OTHER_ITEMS:
            raise check.unsupported(f"{where}.type", kind, sorted([*_ITEMS, *_OTHER_ITEMS]))
        return
    check.only(item, known, f"{where}.")
    for name in _REQUIRED.get(kind, ()):
        longest = MAX_ID_LENGTH if name == "call_id" else None
        check.text(item, name, f"{where}.{name}", longest)
    if kind in ("function_call", "custom_tool_call"):
        check.name(item, f"{where}.name", longest=128)
    _check_id(where, kind, item.get("id"))
    if kind == "message":
        _check_message(where, item)
    elif kind.endswith("_output"):
        _check_content(f"{where}.output", item.get("output"), _GIVEN)


def _check_id(where: str, kind: str, found: Any) -> None:
    prefix = _PREFIXES.get(kind)
    if found is None or prefix is None:
        return
    check.text({"id": found}, "id", f"{where}.id", MAX_ID_LENGTH)
    if not found.startswith(prefix):
        raise check.invalid(
            f"{where}.id",
            f"Invalid '{where}.id': '{found}'. Expected an ID that begins with '{prefix}'.",
        )


def _check_message(where: str, item: Json) -> None:
    role = item.get("role")
    if role is None:
        raise check.missing(f"{where}.role")
    if role not in _ROLES:
        raise check.unsupported(f"{where}.role", role, _ROLES)
    _check_content(
        f"{where}.content", item.get("content"), _SAID if role == "assistant" else _GIVEN
    )


def _check_content(where: str, content: Any, known: Sequence[str]) -> None:
    if content is None:
        raise check.missing(where)
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise check.wrong_type(where, "one of a string or array of objects", content)
    for number, part in enumerate(content):
        _check_part(f"{where}[{number}]", part, known)


def _check_part(where: str, part: Any, known: Sequence[str]) -> None:
    if not isinstance(part, dict):
        raise check.wrong_type(where, "an object", part)
    kind = part.get("type")
    if kind not in known:
        raise check.unsupported(where, kind, known)
    check.only(part, _PARTS[str(kind)], f"{where}.")
    match kind:
        case "input_text" | "output_text":
            check.text(part, "text", f"{where}.text")
        case "refusal":
            check.text(part, "refusal", f"{where}.refusal")
        case "input_image" if part.get("file_id") is None:
            check.image_url(f"{where}.image_url", part.get("image_url"))
        case _:
            pass
