import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.wire.spans import elements, member

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)


def written(value: Any, gap: str) -> bytes:
    """JSON with `gap` wherever white space may stand."""
    if isinstance(value, list):
        inside = f"{gap},{gap}".join(written(one, gap).decode() for one in value)
        return f"[{gap}{inside}{gap}]".encode()
    if isinstance(value, dict):
        pairs = (f"{json.dumps(n)}{gap}:{gap}{written(v, gap).decode()}" for n, v in value.items())
        inside = f"{gap},{gap}".join(pairs)
        return f"{{{gap}{inside}{gap}}}".encode()
    return json.dumps(value, ensure_ascii=False).encode()


_gaps = st.sampled_from(["", " ", "\r\n\t "])


@given(st.lists(_values, max_size=5), _gaps)
def test_each_element_of_a_list_is_found(values: list[Any], gap: str) -> None:
    body = b"..." + written(values, gap) + b"..."
    spans = list(elements(body.decode("latin-1"), 3))
    assert [json.loads(body[start:end]) for start, end in spans] == values
    assert all(body[start:end] == body[start:end].strip() for start, end in spans)


@given(st.dictionaries(_texts, _values, max_size=4), _values, _gaps)
def test_a_member_is_found_by_its_name(others: dict[str, Any], value: Any, gap: str) -> None:
    body = b"..." + written({**others, "content": value}, gap)
    start, end = member(body.decode("latin-1"), 3, "content")
    assert json.loads(body[start:end]) == value


@pytest.mark.parametrize("text", ["{}", ' { "a":1}'[1:], '{"a" : {"content":1}}'])
def test_a_member_that_is_missing_has_no_length(text: str) -> None:
    assert member(text, 0, "content") == (0, 0)


def test_of_two_members_of_one_name_the_last_counts() -> None:
    text = '{"content":1,"b":2,"c\\u006fntent":3}'
    start, end = member(text, 0, "content")
    assert text[start:end] == "3"
