"""The fields of responses, and what becomes of each in the other protocols.

Source: OpenAI API reference, "Create a model response", as of the SDK's parameter types, and what
Codex sends beside them (`client_metadata`).
"""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation.rules import Rule, Rules, kept, refused, silent, warned


def _to(chat: Rule, messages: Rule) -> Mapping[Api, Rule]:
    return {Api.CHAT: chat, Api.MESSAGES: messages}


def _refused(*harmless: Any) -> Mapping[Api, Rule]:
    return _to(refused(*harmless), refused(*harmless))


_KEPT: Final = _to(kept(), kept())
_SILENT: Final = _to(silent(), silent())
_SEND_ALL: Final = "send the earlier items themselves, with store: false"

FIELDS: Final[Rules] = {
    "model": _KEPT,
    "input": _to(kept("messages"), kept("messages, system")),
    "instructions": _to(kept("messages"), kept("system")),
    "stream": _KEPT,
    "stream_options": _SILENT,
    "max_output_tokens": _to(kept("max_tokens, max_completion_tokens"), kept("max_tokens")),
    "temperature": _KEPT,
    "top_p": _KEPT,
    "tools": _KEPT,
    "tool_choice": _KEPT,
    "parallel_tool_calls": _to(kept(), kept("tool_choice.disable_parallel_tool_use")),
    # It counts the calls of built-in tools, of which none is translated.
    "max_tool_calls": _to(warned(), warned()),
    "text": _to(kept("response_format, verbosity"), kept("output_config.format")),
    "reasoning": _to(kept("reasoning_effort"), kept("thinking, output_config.effort")),
    # What could not be included is refused where the list is read.
    "include": _SILENT,
    "user": _to(kept(), kept("metadata.user_id")),
    "safety_identifier": _to(kept("user"), kept("metadata.user_id")),
    "service_tier": _to(kept(), warned("auto", "default")),
    # Nothing is stored here: who needs that says so by `previous_response_id`.
    "store": _SILENT,
    "metadata": _SILENT,
    "client_metadata": _SILENT,
    "prompt_cache_key": _SILENT,
    "prompt_cache_options": _SILENT,
    "prompt_cache_retention": _SILENT,
    "truncation": _to(warned("disabled"), warned("disabled")),
    "image": _to(
        refused({"context_compression": "auto"}, {"context_compression": "disabled"}, {}),
        refused({"context_compression": "auto"}, {"context_compression": "disabled"}, {}),
    ),
    "top_logprobs": _refused(0),
    "background": _refused(False),
    "previous_response_id": _to(refused(advice=_SEND_ALL), refused(advice=_SEND_ALL)),
    "conversation": _to(refused(advice=_SEND_ALL), refused(advice=_SEND_ALL)),
    "prompt": _refused(),
    "context_management": _refused([]),
    "moderation": _refused(),
    "access_programs": _refused({}),
}
"""By field, by the protocol that it goes to."""

_OPENAI: Final = frozenset({Api.CHAT, Api.RESPONSES})

FEATURES: Final[Mapping[str, frozenset[Api]]] = {
    "allowed_tools": _OPENAI,
    "json_object": _OPENAI,
    "hot": _OPENAI,  # a temperature above 1
    "file_type": _OPENAI,  # a file that is neither text nor a PDF
    "verbosity": _OPENAI,
    "file_url": frozenset({Api.RESPONSES, Api.MESSAGES}),
    # Nobody else can say these.
    "file_id": frozenset(),
    "server_tool": frozenset(),
    "included": frozenset(),  # a word of `include` that is not known
    "item_reference": frozenset(),
    "server_item": frozenset(),
    "logprobs": frozenset(),
    "reasoning_mode": frozenset(),
    "unknown_content": frozenset(),
    "unknown_field": frozenset(),  # a key inside a field that no table of keys lets pass
}
"""What may stand inside these fields, and the protocols that can say it."""
