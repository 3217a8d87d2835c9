"""Places in a request, and what of them may be kept: names that the protocols have.

A place is a path as the readers write it: `messages.1.content.0`, `tools.3 (web_search)`.
"""

import re
from collections.abc import Container, Mapping
from typing import Any, Final

from tokenhub.wire.translation import chat_keys, messages_keys, responses_keys
from tokenhub.wire.translation.responses_input import OTHER_ITEMS
from tokenhub.wire.translation.responses_tools import BUILT_IN, OPTIONAL

_INNER: Final = frozenset(
    name
    for tables in (chat_keys.TABLES, messages_keys.TABLES, responses_keys.TABLES)
    for one in tables
    for name in one.known.union(one.ruled)
)
"""The names inside fields that the protocols have."""

_ANTHROPICS: Final = frozenset(
    {
        "advisor",
        "advisor_tool_result",
        "bash",
        "bash_code_execution_tool_result",
        "browser_state",
        "browser_toolset",
        "code_execution",
        "code_execution_tool_result",
        "compaction",
        "computer",
        "computer_toolset",
        "container_upload",
        "fallback",
        "mcp_tool_listing",
        "mcp_tool_result",
        "mcp_tool_use",
        "mcp_toolset",
        "memory",
        "search_result",
        "server_tool_use",
        "text_editor",
        "text_editor_code_execution_tool_result",
        "tool_addition",
        "tool_reference",
        "tool_removal",
        "tool_search",
        "tool_search_tool_bm25",
        "tool_search_tool_regex",
        "tool_search_tool_result",
        "web_fetch",
        "web_fetch_tool_result",
        "web_search",
        "web_search_tool_result",
    }
)
"""The types of tools and blocks in Anthropic's SDK that are not translated, without their dates."""
_DATE: Final = re.compile(r"_(?:\d{8}|\d{4}_\d{2}_\d{2})\Z")
_KINDS: Final = frozenset(
    _DATE.sub("", kind) for kind in (*BUILT_IN, *OPTIONAL, *OTHER_ITEMS, *_ANTHROPICS)
)
"""Types that are known by name although they are not translated, without their dates."""
_INDEX: Final = re.compile(r"[0-9]{1,5}")
_KIND: Final = re.compile(r"\((\w+)\)")
UNKNOWN: Final = "a field that is not known"


def kind_at(body: Mapping[str, Any], where: str) -> str:
    """The `type` of what stands at a place, ` (web_search)`; "" where it is none that is known."""
    held: Any = body
    for step in where.split("."):
        if isinstance(held, list):
            held = held[int(step)] if _is_index(step) and int(step) < len(held) else None
        else:
            held = held.get(step) if isinstance(held, dict) else None
    return _known(held.get("type")) if isinstance(held, dict) else ""


def kept_place(fields: Container[str], where: str) -> str:
    """The place `where` as far as its names are known, of a request with these top-level `fields`.

    Where it goes on with a name that may be the client's own that is left out, and said.
    """
    path, _, kind = where.partition(" ")
    field, *steps = path.split(".")
    if field not in fields:
        return UNKNOWN
    known = field
    for step in steps:
        if not (step in _INNER or _is_index(step)):
            return f"{known}: {UNKNOWN}"
        known = f"{known}.{step}"
    named = _KIND.fullmatch(kind)
    return known + _known(named[1]) if named else known


def _known(kind: object) -> str:
    """A type as it is told in words, "" where it is none that is known."""
    name = _DATE.sub("", kind) if isinstance(kind, str) else ""
    return f" ({name})" if name in _KINDS else ""


def _is_index(step: str) -> bool:
    return _INDEX.fullmatch(step) is not None
