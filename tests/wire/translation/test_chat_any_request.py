import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.chat_request import read, write
from tokenhub.wire.translation.conversation import Origin

# fmt: off
NAMES = (
    "role", "content", "type", "text", "image_url", "url", "detail", "file", "file_id", "file_data",
    "filename", "refusal", "tool_calls", "function_call", "function", "name", "arguments", "id",
    "tool_call_id", "reasoning_content", "audio", "cache_control", "messages", "tools", "functions",
    "tool_choice", "response_format", "json_schema", "schema", "strict", "stop", "mode",
    "allowed_tools", "parameters", "description", "max_tokens", "temperature", "top_p",
    "reasoning_effort", "stream", "user",
)
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
WORDS = (
    "text", "image_url", "file", "input_audio", "refusal", "function", "custom", "json_object",
    "json_schema", "allowed_tools", "auto", "none", "required", "https://x",
    "data:image/png;base64,AAAA", "data:application/pdf;base64,BBBB",
)
# fmt: on
numbers = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=3) | st.sampled_from(WORDS)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)


anything = st.recursive(st.none() | st.booleans() | numbers | texts, nested, max_leaves=12)


def objects(required: dict[str, st.SearchStrategy[Any]], *optional: str) -> Any:
    return st.fixed_dictionaries(required, optional=dict.fromkeys(optional, anything))


messages = objects(
    {"role": st.sampled_from(ROLES)},
    "content",
    "tool_calls",
    "function_call",
    "name",
    "tool_call_id",
    "refusal",
)
bodies = st.dictionaries(st.sampled_from(NAMES), anything, max_size=8) | objects(
    {"messages": st.lists(messages | anything, min_size=1, max_size=4)},
    "tools",
    "tool_choice",
    "response_format",
    "stop",
)


@given(bodies)
def test_whatever_comes_is_read_and_written_or_refused(value: dict[str, Any]) -> None:
    with suppress(BadRequest):
        json.loads(write(read(value), Aim("m", None, lambda seal: Origin.OWN)).body)
