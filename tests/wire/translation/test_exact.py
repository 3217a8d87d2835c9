import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.wire.translation.exact import is_rounded, reread


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("18446744073709551616", True),
        ("-9223372036854775809", True),
        ('{"a": [{"b": 1e30}]}', True),
        ("18446744073709551615", False),
        ("-9223372036854775808", False),
        ('{"a": [{"b": 0.5}, "18446744073709551616", null, true]}', False),
    ],
)
def test_a_number_that_may_have_been_a_wide_integer_is_seen(text: str, rounded: bool) -> None:
    assert is_rounded(orjson.loads(text)) is rounded


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("aé漢") | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=9,
)


@given(_JSON)
def test_what_is_read_again_is_written_as_it_stood_there(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json.loads(orjson.dumps(reread(text))) == value
    assert json.loads(orjson.dumps(reread(text.encode()))) == value


def test_what_is_nested_too_deeply_is_left_as_it_is() -> None:
    deep = "[" * 1000 + "18446744073709551616" + "]" * 1000
    assert not is_rounded(orjson.loads(deep))
    assert reread("[" * 100_000 + "]" * 100_000) is None
