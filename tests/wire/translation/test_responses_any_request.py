from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.responses_fields import FEATURES, FIELDS
from tokenhub.wire.translation.responses_request import read, write

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_WORDS = st.sampled_from(
    [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "item_reference",
        "user",
        "assistant",
        "developer",
        "input_text",
        "input_image",
        "input_file",
        "output_text",
        "refusal",
        "function",
        "custom",
        "namespace",
        "web_search",
        "mcp",
        "allowed_tools",
        "auto",
        "json_schema",
    ]
)
_NAMES = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "text",
        "summary",
        "encrypted_content",
        "name",
        "call_id",
        "arguments",
        "output",
        "input",
        "tools",
        "image_url",
        "file_data",
        "file_id",
        "refusal",
        "parameters",
        "mode",
        "format",
        "effort",
        "schema",
        "namespace",
    ]
)
_ALIKE = st.recursive(
    _JSON | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=12,
)
_BODIES = st.fixed_dictionaries(
    {"input": st.lists(_ALIKE, min_size=1, max_size=4) | _JSON},
    optional={name: _ALIKE for name in FIELDS if name not in ("model", "input")},
)


@given(_BODIES)
def test_whatever_json_comes_it_is_read_or_refused_by_a_400_and_can_be_written(body: Any) -> None:
    try:
        conversation = read(body)
    except BadRequest:
        return
    assert conversation.uses.keys() <= FEATURES.keys()
    assert conversation.hints.keys() <= FEATURES.keys()
    assert (
        orjson.loads(write(conversation, Aim("gpt", None, lambda seal: Origin.OWN)).body)["model"]
        == "gpt"
    )
