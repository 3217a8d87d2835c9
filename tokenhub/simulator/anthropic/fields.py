"""Which fields Anthropic's messages API knows: one more is refused, at every depth."""

from collections.abc import Iterable, Mapping
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BODY = _names(
    "model messages max_tokens system metadata stop_sequences stream temperature top_p top_k tools "
    "tool_choice thinking output_config service_tier cache_control container diagnostics "
    "inference_geo speed user_profile_id workspace_id"
)
_BETA: Mapping[str, tuple[str, ...]] = {
    "billing_policy": ("user-profiles-billing-",),
    "compaction": ("compact-2026-09-04",),
    "context_management": ("context-management-", "compact-2026-01-12"),
    "fallback_credit_token": ("fallback-credit-",),
    "fallbacks": ("server-side-fallback-",),
    "mcp_servers": ("mcp-client-",),
    "output_format": ("structured-outputs-",),
    "thread": ("message-threads-",),
}
"""The fields of the beta API, each with how the names of the betas that open it begin."""

_MESSAGE = _names("role content output_config clear_at")
_BLOCKS: Mapping[str, frozenset[str]] = {
    kind: _names(f"type {fields}")
    for kind, fields in {
        "text": "text cache_control citations",
        "image": "source cache_control transformations",
        "document": "source cache_control citations context title",
        "search_result": "content source title cache_control citations",
        "thinking": "thinking signature",
        "redacted_thinking": "data",
        "tool_use": "id name input cache_control caller toolset_name",
        "tool_result": "tool_use_id content is_error cache_control toolset_name",
        "tool_reference": "tool_name cache_control",
    }.items()
}
_OTHER_BLOCKS = (
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "container_upload",
    "mid_conv_system",
    "server_tool_use",
    "text_editor_code_execution_tool_result",
    "tool_addition",
    "tool_removal",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
)
_TOOL = _names(
    "name input_schema description type cache_control strict input_examples allowed_callers "
    "defer_loading eager_input_streaming"
)
_SOURCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "image": {"base64": ("media_type", "data"), "url": ("url",), "file": ("file_id",)},
    "document": {
        "base64": ("media_type", "data"),
        "url": ("url",),
        "file": ("file_id",),
        "text": ("media_type", "data"),
        "content": ("content",),
    },
}
_CHOICE: Mapping[str, frozenset[str]] = {
    "auto": _names("type disable_parallel_tool_use"),
    "any": _names("type disable_parallel_tool_use"),
    "tool": _names("type name disable_parallel_tool_use"),
    "none": _names("type"),
}


def check_body(body: Json, headers: Mapping[str, str]) -> None:
    """Refuse an unknown top-level field, and one of the beta API without its beta."""
    asked = betas(headers)
    opened = {name for name, begins in _BETA.items() if any(b.startswith(begins) for b in asked)}
    if "output_format" in body and "output_format" not in opened:
        raise ApiError(
            400,
            "output_format: This field is deprecated. Use 'output_config.format' instead. See "
            "https://platform.claude.com/docs/en/build-with-claude/structured-outputs for more "
            "information.",
        )
    _only(body, _BODY | opened, "")
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        _only(metadata, {"user_id"}, "metadata.")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and str(choice.get("type")) in _CHOICE:
        _only(choice, _CHOICE[str(choice["type"])], f"tool_choice.{choice['type']}.")


def betas(headers: Mapping[str, str]) -> list[str]:
    """The betas that a request asks for."""
    return [name.strip() for name in headers.get("anthropic-beta", "").split(",") if name.strip()]


def check_message(where: str, message: Json) -> None:
    """Refuse an unknown field of a message."""
    _only(message, _MESSAGE, f"{where}.")


def check_block(where: str, block: Json) -> None:
    """Refuse an unknown type of a content block, an unknown field of it, and a wrong source."""
    kind = block["type"]
    known = _BLOCKS.get(kind)
    if known is None:
        if kind not in _OTHER_BLOCKS:
            raise wrong_tag(where, kind, [*_BLOCKS, *_OTHER_BLOCKS])
        return
    _only(block, known, f"{where}.{kind}.")
    if kind in _SOURCES:
        _check_source(f"{where}.{kind}.source", block.get("source"), _SOURCES[kind])


def check_tool(where: str, tool: Json) -> None:
    """Refuse an unknown field of a client's tool."""
    _only(tool, _TOOL, f"{where}.custom.")


def wrong_tag(where: str, found: object, expected: Iterable[str]) -> ApiError:
    """The 400 for a `type` that is not one of those expected."""
    names = ", ".join(f"'{name}'" for name in sorted(expected))
    return ApiError(
        400,
        f"{where}: Input tag '{found}' found using 'type' does not match any of the expected tags: "
        f"{names}",
    )


def _check_source(where: str, source: Any, known: Mapping[str, tuple[str, ...]]) -> None:
    if not isinstance(source, dict):
        raise ApiError(400, f"{where}: Input should be a valid dictionary")
    kind = str(source.get("type"))
    if kind not in known:
        raise wrong_tag(where, kind, known)
    for name in known[kind]:
        if source.get(name) is None:
            raise ApiError(400, f"{where}.{kind}.{name}: Field required")
    _only(source, {"type", *known[kind]}, f"{where}.{kind}.")


def _only(value: Json, known: Iterable[str], where: str) -> None:
    for name in value:
        if name not in known:
            raise ApiError(400, f"{where}{name}: Extra inputs are not permitted")
