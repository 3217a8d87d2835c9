import json

import pytest

from tokenhub.errors import BadRequest
from tokenhub.wire.body import MAX_BODY_BYTES, parse
from tokenhub.wire.budget import check_structure

MIB = 1024 * 1024


def refused(body: bytes) -> bool:
    try:
        for _ in check_structure(body):
            pass
    except BadRequest as error:
        return "too many values" in error.message
    return False


@pytest.mark.parametrize("value", [b"{}", b'{"a":1}', b"[]", b"1", b'""', b'"a\\\\"'])
def test_millions_of_tiny_values_are_refused(value: bytes) -> None:
    count = 8 * MIB // (len(value) + 1)
    assert refused(b'{"a":[' + (value + b",") * count + b"0]}")


def test_endless_nesting_is_refused() -> None:
    assert refused(b'{"a":' + b"[" * (4 * MIB))


@pytest.mark.parametrize(
    "text", ["{[,:]}" * (2 * MIB), '{"a": [1, 2]},' * (512 * 1024), '\\"{,' * MIB, "\\" * MIB + ","]
)
def test_structure_inside_a_string_costs_nothing(text: str) -> None:
    body = json.dumps({"messages": [text, text]}).encode()
    assert not refused(body)
    assert len(parse(body).spans) == 1


def test_a_backslash_at_the_edge_of_a_slice_is_not_parted_from_its_quote() -> None:
    # The string begins at 6, so that the slices of 1 MiB end behind a backslash.
    text = b'\\"' * (MIB // 2 - 3) + b'\\"' + b"{,:" * (2 * MIB)
    assert not refused(b'{"a":"' + b"x" + text + b'"}')
    assert not refused(b'{"a":"' + text + b'"}')


def test_values_behind_a_long_string_are_counted() -> None:
    assert refused(b'{"a":"' + b"{,:" * MIB + b'","b":[' + b"{}," * MIB + b"0]}")


@pytest.mark.parametrize(
    "content",
    [
        "data:image/png;base64," + "iVBORw0KGgo" * (20 * MIB // 11),
        "def add(a: int, b: int) -> dict[str, int]:\n    return {'sum': a + b}\n" * 140_000,
    ],
)
def test_long_ordinary_bodies_pass(content: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    assert len(body) < MAX_BODY_BYTES
    assert not refused(body)


def test_a_short_body_is_not_counted() -> None:
    assert list(check_structure(b"[" * 1000)) == []


def test_what_is_no_json_is_left_to_the_parser() -> None:
    assert not refused(b'"' * MIB + b"\\" * MIB)
