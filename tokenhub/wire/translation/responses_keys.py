"""The keys of the objects inside the fields of responses.

Source: OpenAI API reference, "Create a model response", as of the SDK's parameter types; and what
clients send back of an answer beside them: what the SDK's helpers have parsed (`parsed`,
`parsed_arguments`), and OpenRouter's `format` and `signature` of reasoning. Codex marks its items
(`internal_chat_message_metadata_passthrough`), and arguments that are encrypted for OpenAI alone
(`encrypted_function_args`), and says when summaries are to be streamed
(`reasoning_summary_delivery`).
"""

from dataclasses import replace
from typing import Final

from tokenhub.wire.translation.chat_keys import PROMPT_CACHE_OPTIONS as PROMPT_CACHE_OPTIONS
from tokenhub.wire.translation.keys import keys
from tokenhub.wire.translation.rules import refused, warned

_OF_ITEM: Final = "id status created_by internal_chat_message_metadata_passthrough "
_CALLER: Final = refused({"type": "direct"})
_CACHE_BREAKPOINT: Final = warned()
# Others wait for what a tool gives: they can do less while it works, and no more than that.
_ASYNC: Final = {"async": warned(False)}

MESSAGE: Final = keys("type role content", _OF_ITEM + "phase end_turn")
"""`phase` tells OpenAI's models which of their messages were an answer's last."""
ANSWER: Final = replace(MESSAGE, answered=True)
"""A message of the assistant."""
REASONING: Final = keys(
    "type summary content encrypted_content", _OF_ITEM + "format signature", answered=True
)
REASONING_TEXT: Final = keys("type text", answered=True)
CALL: Final = keys(
    "type call_id name namespace arguments",
    _OF_ITEM + "parsed_arguments",
    {"caller": _CALLER, "encrypted_function_args": refused([]), **_ASYNC},
    answered=True,
)
CUSTOM_CALL: Final = keys(
    "type call_id name namespace input",
    _OF_ITEM,
    {"caller": _CALLER, "encrypted_function_args": refused([]), **_ASYNC},
    answered=True,
)
OUTPUT: Final = keys("type call_id output", _OF_ITEM + "name namespace", {"caller": _CALLER})
ADDITIONAL_TOOLS: Final = keys("type tools", _OF_ITEM + "role")

TEXT: Final = keys(
    "type text", "annotations logprobs parsed", {"prompt_cache_breakpoint": _CACHE_BREAKPOINT}
)
ANSWER_TEXT: Final = replace(TEXT, answered=True)
"""A text in a message of the assistant."""
REFUSAL: Final = keys("type refusal", answered=True)
IMAGE: Final = keys(
    "type image_url file_id detail", ruled={"prompt_cache_breakpoint": _CACHE_BREAKPOINT}
)
FILE: Final = keys(
    "type filename file_data file_id file_url",
    ruled={"detail": warned("auto"), "prompt_cache_breakpoint": _CACHE_BREAKPOINT},
)

FUNCTION: Final = keys(
    "type name description parameters strict",
    ruled={
        "allowed_callers": warned(["direct"]),
        "defer_loading": warned(False),
        "output_schema": warned({}),
        **_ASYNC,
    },
)
CUSTOM: Final = keys(
    "type name description format",
    ruled={"allowed_callers": warned(["direct"]), "defer_loading": warned(False), **_ASYNC},
)
TEXT_INPUT: Final = keys("type")
GRAMMAR: Final = keys("type syntax definition")
NAMESPACE: Final = keys("type name tools", ruled={"description": warned("")})

CHOSEN: Final = keys("type name namespace")
ALLOWED: Final = keys("type mode tools")

TEXT_CONFIG: Final = keys("format verbosity")
FORMAT: Final = keys("type")
SCHEMA_FORMAT: Final = keys("type name description schema strict")

REASONING_CONFIG: Final = keys("effort summary generate_summary mode context")
STREAM_OPTIONS: Final = keys("", "include_obfuscation include_usage reasoning_summary_delivery")

TABLES: Final = (
    MESSAGE,
    ANSWER,
    REASONING,
    REASONING_TEXT,
    CALL,
    CUSTOM_CALL,
    OUTPUT,
    ADDITIONAL_TOOLS,
    TEXT,
    ANSWER_TEXT,
    REFUSAL,
    IMAGE,
    FILE,
    FUNCTION,
    CUSTOM,
    TEXT_INPUT,
    GRAMMAR,
    NAMESPACE,
    CHOSEN,
    ALLOWED,
    TEXT_CONFIG,
    FORMAT,
    SCHEMA_FORMAT,
    REASONING_CONFIG,
    STREAM_OPTIONS,
    PROMPT_CACHE_OPTIONS,
)
"""All of these."""
