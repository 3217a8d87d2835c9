"""The keys of the objects inside the fields of a messages request.

Source: the parameters of `messages.create` and `beta.messages.create` in Anthropic's SDK; for a
turn of the assistant also the keys of the answer that it may be sent back as.
"""

from dataclasses import replace
from typing import Final

from tokenhub.wire.translation.keys import keys
from tokenhub.wire.translation.rules import refused, warned

USER: Final = keys("role content")
SYSTEM: Final = keys(
    "role content", ruled={"clear_at": warned("never"), "output_config": warned({})}
)
ANSWER: Final = keys(
    "role content",
    "id type model stop_reason stop_sequence stop_details usage container context_management"
    " diagnostics input_transformations",
    answered=True,
)

TEXT: Final = keys("type text cache_control citations", "parsed_output")
ANSWER_TEXT: Final = replace(TEXT, answered=True)
"""A text in a turn of the assistant."""
IMAGE: Final = keys("type source cache_control", ruled={"transformations": warned({})})
DOCUMENT: Final = keys("type source title context citations cache_control")
CITATIONS: Final = keys("enabled")
INLINE: Final = keys("type media_type data")
"""A source that is the data itself, base64 or text."""
URL: Final = keys("type url")
BLOCKS: Final = keys("type content")
"""A source that is made of blocks."""
TOOL_USE: Final = keys(
    "type id name input caller cache_control", ruled={"toolset_name": refused()}, answered=True
)
TOOL_RESULT: Final = keys(
    "type tool_use_id content is_error cache_control", ruled={"toolset_name": refused()}
)
THINKING: Final = keys("type thinking signature", answered=True)
REDACTED: Final = keys("type data", answered=True)

TOOL: Final = keys(
    "type name description input_schema strict cache_control",
    "eager_input_streaming",
    {
        "allowed_callers": warned(["direct"]),
        "defer_loading": warned(False),
        "input_examples": warned([]),
    },
)
CHOICE: Final = keys("type disable_parallel_tool_use")
CHOSEN: Final = keys("type name disable_parallel_tool_use")

METADATA: Final = keys("user_id")
OUTPUT_CONFIG: Final = keys("effort format", ruled={"task_budget": warned()})
FORMAT: Final = keys("type schema")
ENABLED: Final = keys("type budget_tokens display", ruled={"block_binding": warned({})})
ADAPTIVE: Final = keys(
    "type display", ruled={"budget_tokens": warned(), "block_binding": warned({})}
)
DISABLED: Final = keys("type", "budget_tokens display block_binding")

TABLES: Final = (
    USER,
    SYSTEM,
    ANSWER,
    TEXT,
    ANSWER_TEXT,
    IMAGE,
    DOCUMENT,
    CITATIONS,
    INLINE,
    URL,
    BLOCKS,
    TOOL_USE,
    TOOL_RESULT,
    THINKING,
    REDACTED,
    TOOL,
    CHOICE,
    CHOSEN,
    METADATA,
    OUTPUT_CONFIG,
    FORMAT,
    ENABLED,
    ADAPTIVE,
    DISABLED,
)
"""All of these."""
