"""The fields of a messages request: what becomes of each in the other protocols.

Source: the parameters of `messages.create` and `beta.messages.create` in Anthropic's SDK, and the
sampling parameters, which newer models have no more.
"""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation.rules import Rule, Rules, kept, refused, silent, warned


def _either(rule: Rule) -> Mapping[Api, Rule]:
    return {Api.CHAT: rule, Api.RESPONSES: rule}


def _becomes(chat: str, responses: str) -> Mapping[Api, Rule]:
    return {Api.CHAT: kept(chat), Api.RESPONSES: kept(responses)}


_EMPTY: Final[list[Any]] = []
_WITHOUT_THREAD: Final = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
"""On this the tool runners of Anthropic's SDKs go on without a thread, with all that was said."""

FIELDS: Final[Rules] = {
    "model": _either(kept("model")),
    "messages": _becomes("messages", "input"),
    "system": _becomes("messages", "instructions"),
    "stream": _either(kept("stream")),
    "max_tokens": _becomes("max_tokens, max_completion_tokens", "max_output_tokens"),
    "temperature": _either(kept("temperature")),
    "top_p": _either(kept("top_p")),
    "top_k": _either(refused()),
    "stop_sequences": {Api.CHAT: kept("stop"), Api.RESPONSES: refused(_EMPTY)},
    "tools": _either(kept("tools")),
    "tool_choice": _either(kept("tool_choice, parallel_tool_calls")),
    "thinking": _becomes("reasoning_effort", "reasoning"),
    "output_config": _becomes("response_format, reasoning_effort", "text.format, reasoning.effort"),
    "output_format": _becomes("response_format", "text.format"),
    "metadata": _either(kept("safety_identifier")),
    "service_tier": _either(warned("auto", "standard_only")),
    "speed": _either(warned("standard")),
    "cache_control": _either(warned()),
    "context_management": _either(warned()),
    "compaction": _either(warned()),
    "diagnostics": _either(warned()),
    "fallbacks": _either(warned(_EMPTY)),
    "user_profile_id": _either(warned()),
    "inference_geo": _either(refused("global")),
    "container": _either(refused()),
    "mcp_servers": _either(refused(_EMPTY)),
    "thread": _either(refused(details=_WITHOUT_THREAD)),
    # Who pays, and how.
    "workspace_id": _either(silent()),
    "billing_policy": _either(silent()),
    "fallback_credit_token": _either(silent()),
}
"""By field, by the protocol that it goes to."""

_ONLY_MESSAGES: Final = frozenset((Api.MESSAGES,))

FEATURES: Final[Mapping[str, frozenset[Api]]] = {
    # A last turn of the assistant, which the answer goes on from.
    "prefill": _ONLY_MESSAGES,
    # `max_tokens` of 0 fills the cache and answers nothing.
    "cache_warming": _ONLY_MESSAGES,
    # Citations asked for of a document, or in an earlier answer.
    "citations": _ONLY_MESSAGES,
    # A document made of blocks of which some are images.
    "document_images": _ONLY_MESSAGES,
    # A document by its address.
    "file_url": frozenset((Api.RESPONSES, Api.MESSAGES)),
    # Nobody else can say these: a file that was uploaded to Anthropic; a tool that Anthropic runs
    # or has trained its models on, and a call by one; any other block (search results, …).
    "file_id": frozenset(),
    "server_tool": frozenset(),
    "unknown_content": frozenset(),
    # A key inside a field that no table of keys lets pass.
    "unknown_field": frozenset(),
}
"""What may stand inside these fields, and the protocols that can say it."""
