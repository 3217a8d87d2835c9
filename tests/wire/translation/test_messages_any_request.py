from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.messages_fields import FEATURES
from tokenhub.wire.translation.messages_request import read, write

NAMES = st.sampled_from(
    (
        *("role", "content", "type", "text", "source", "tool_use", "tool_result", "input", "id"),
        *("user", "assistant", "system", "image", "document", "base64", "url", "data", "name"),
        *("tool_use_id", "thinking", "signature", "media_type", "title", "cache_control"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | NAMES | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
BLOCK = st.fixed_dictionaries(
    {"type": NAMES},
    optional={
        "text": JSON,
        "source": st.fixed_dictionaries({"type": NAMES}, optional={"data": JSON, "url": JSON}),
        "id": JSON,
        "name": JSON,
        "input": JSON,
        "tool_use_id": JSON,
        "content": JSON,
    },
)
MESSAGE = st.fixed_dictionaries({"role": NAMES, "content": JSON | st.lists(BLOCK, max_size=3)})


@given(
    st.fixed_dictionaries(
        {"max_tokens": st.just(10) | JSON, "messages": st.lists(MESSAGE, max_size=3) | JSON},
        optional={
            "system": JSON,
            "tools": JSON,
            "tool_choice": JSON,
            "thinking": JSON,
            "output_config": JSON,
            "metadata": JSON,
        },
    )
)
def test_whatever_is_sent_only_a_bad_request_is_raised(body: dict[str, Any]) -> None:
    try:
        conversation = read(body)
    except BadRequest:
        return
    assert set(conversation.uses) <= set(FEATURES)
    write(conversation, Aim("claude-opus-4-5", 64_000, lambda seal: Origin.OWN))
