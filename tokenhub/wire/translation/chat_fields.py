"""The fields of chat completions, and what becomes of each in the other protocols.

Source: OpenAI API reference, "Create chat completion", as of the SDK's parameter types.
"""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation.rules import Rule, Rules, kept, refused, silent, warned


def _to(responses: Rule, messages: Rule) -> Mapping[Api, Rule]:
    return {Api.RESPONSES: responses, Api.MESSAGES: messages}


def _refused(*harmless: Any) -> Mapping[Api, Rule]:
    return _to(refused(*harmless), refused(*harmless))


FIELDS: Final[Rules] = {
    "model": _to(kept(), kept()),
    "messages": _to(kept("input, instructions"), kept("messages, system")),
    "stream": _to(kept(), kept()),
    "stream_options": _to(silent(), silent()),
    "max_tokens": _to(kept("max_output_tokens"), kept()),
    "max_completion_tokens": _to(kept("max_output_tokens"), kept("max_tokens")),
    "temperature": _to(kept(), kept()),
    "top_p": _to(kept(), kept()),
    "stop": _to(refused([], ""), kept("stop_sequences")),
    "tools": _to(kept(), kept()),
    "tool_choice": _to(kept(), kept()),
    "parallel_tool_calls": _to(kept(), kept("tool_choice.disable_parallel_tool_use")),
    "functions": _to(kept("tools"), kept("tools")),
    "function_call": _to(kept("tool_choice"), kept("tool_choice")),
    "response_format": _to(kept("text.format"), kept("output_config.format")),
    "reasoning_effort": _to(kept("reasoning.effort"), kept("thinking, output_config.effort")),
    "verbosity": _to(kept("text.verbosity"), warned("medium")),
    "user": _to(kept(), kept("metadata.user_id")),
    "safety_identifier": _to(kept("user"), kept("metadata.user_id")),
    "service_tier": _to(kept(), warned("auto", "default")),
    "metadata": _to(kept(), silent()),
    "store": _to(silent(), silent()),
    "prompt_cache_key": _to(kept(), silent()),
    "prompt_cache_options": _to(kept(), silent()),
    "prompt_cache_retention": _to(kept(), silent()),
    "n": _refused(1),
    "logprobs": _refused(False),
    "top_logprobs": _refused(0),
    "logit_bias": _refused({}),
    "seed": _refused(),
    "frequency_penalty": _refused(0),
    "presence_penalty": _refused(0),
    "modalities": _refused(["text"]),
    "audio": _refused(),
    "prediction": _refused(),
    "web_search_options": _refused(),
    "moderation": _refused(),
}
"""By field, by the protocol that it goes to."""

_OPENAI: Final = frozenset({Api.CHAT, Api.RESPONSES})

FEATURES: Final[Mapping[str, frozenset[Api]]] = {
    "allowed_tools": _OPENAI,
    "json_object": _OPENAI,
    "hot": _OPENAI,  # a temperature above 1
    "image_detail": _OPENAI,
    "file_type": _OPENAI,  # a file that is neither text nor a PDF
    "audio": frozenset({Api.CHAT}),
    # Nobody else can say these: an id means something to one provider's store only, and no two
    # protocols share the others.
    "custom_tool": frozenset(),
    "file_id": frozenset(),
    "server_tool": frozenset(),
    "unknown_content": frozenset(),
    "unknown_field": frozenset(),  # a key inside a field that no table of keys lets pass
}
"""What may stand inside these fields, and the protocols that can say it."""
