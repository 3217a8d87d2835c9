"""The keys of the objects inside the fields of chat completions.

Source: OpenAI API reference, "Create chat completion", as of the SDK's parameter types; and what
clients send back of an answer beside them. There the SDK's helpers add what they have parsed
(`parsed`, `parsed_arguments`), streams leave an `index`, and others have names of their own for
thinking and its seals, which nobody else can use: OpenRouter `reasoning_details`, GitHub Copilot
`reasoning_text` and `reasoning_opaque`, Gemini `extra_content`, LiteLLM `thinking_blocks` and
`reasoning_items`. What a provider has looked up or run for its answer is told beside it: Groq
`executed_tools`, Perplexity `citations` and `search_results`, Copilot `copilot_annotations`; its
`padding` is noise. MiniMax speaks in `audio_content`, and `partial` (Moonshot) is a text to go on
from, as `prefix` (Mistral, DeepSeek). LiteLLM keeps what else a provider said in
`provider_specific_fields`, and takes a `format` (the media type) for files, and the options of
Anthropic's tools for tools.
"""

from typing import Final

from tokenhub.wire.translation.keys import keys
from tokenhub.wire.translation.rules import refused, warned

_CACHE_BREAKPOINT: Final = warned()

SPOKEN: Final = keys("role content name cache_control", "id")
"""A message of the system, the developer or the user."""
ANSWER: Final = keys(
    "role content name refusal audio tool_calls function_call cache_control"
    " reasoning_content reasoning",
    "id annotations parsed provider_specific_fields reasoning_details reasoning_items"
    " reasoning_opaque reasoning_text thinking_blocks extra_content executed_tools citations"
    " search_results padding copilot_annotations",
    {
        "audio_content": refused(""),
        "images": refused([]),
        "partial": refused(False),
        "prefix": refused(False),
    },
    answered=True,
)
"""A message of the assistant."""
TOOL_RESULT: Final = keys("role content tool_call_id cache_control", "id name")
FUNCTION_RESULT: Final = keys("role content name cache_control", "id tool_call_id")

TEXT: Final = keys(
    "type text cache_control",
    "id index annotations",
    {"prompt_cache_breakpoint": _CACHE_BREAKPOINT},
)
REFUSAL: Final = keys("type refusal", "id index")
IMAGE: Final = keys(
    "type image_url cache_control", ruled={"prompt_cache_breakpoint": _CACHE_BREAKPOINT}
)
IMAGE_URL: Final = keys("url detail", "format")
FILE: Final = keys("type file cache_control", ruled={"prompt_cache_breakpoint": _CACHE_BREAKPOINT})
FILE_DATA: Final = keys("file_data file_id filename", "format")

TOOL_CALL: Final = keys(
    "id type function cache_control",
    "index extra_content provider_specific_fields",
    {"caller": refused({"type": "direct"})},
    answered=True,
)
CALLED: Final = keys("name arguments", "parsed_arguments provider_specific_fields", answered=True)
"""The function of a call; the deprecated `function_call` is the same."""

TOOL: Final = keys(
    "type function cache_control",
    "eager_input_streaming",
    {
        "allowed_callers": warned(["direct"]),
        "defer_loading": warned(False),
        "input_examples": warned([]),
    },
)
FUNCTION: Final = keys("name description parameters strict cache_control", "eager_input_streaming")

CHOSEN: Final = keys("type function")
CHOSEN_FUNCTION: Final = keys("type name")
ALLOWED_TOOLS: Final = keys("type allowed_tools")
ALLOWED: Final = keys("mode tools")

FORMAT: Final = keys("type")
SCHEMA_FORMAT: Final = keys("type json_schema")
SCHEMA: Final = keys("name description schema strict")

STREAM_OPTIONS: Final = keys(
    "include_usage", "include_obfuscation", {"continuous_usage_stats": warned(False)}
)
PROMPT_CACHE_OPTIONS: Final = keys(
    "mode ttl", "comparison_response_id", {"prewarm": refused(False)}
)
"""`prewarm` asks for no answer."""

TABLES: Final = (
    SPOKEN,
    ANSWER,
    TOOL_RESULT,
    FUNCTION_RESULT,
    TEXT,
    REFUSAL,
    IMAGE,
    IMAGE_URL,
    FILE,
    FILE_DATA,
    TOOL_CALL,
    CALLED,
    TOOL,
    FUNCTION,
    CHOSEN,
    CHOSEN_FUNCTION,
    ALLOWED_TOOLS,
    ALLOWED,
    FORMAT,
    SCHEMA_FORMAT,
    SCHEMA,
    STREAM_OPTIONS,
    PROMPT_CACHE_OPTIONS,
)
"""All of these."""
