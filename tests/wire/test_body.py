import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.wire.body import (
    Document,
    Edit,
    add_include_usage,
    parse,
    parse_steps,
    set_model,
    splice,
)

MIB = 1024 * 1024

# JSON as clients write it: any spacing, escapes or not. Surrogates alone are no text.
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(
    _texts | st.sampled_from(["model", "stream", "stream_options"]), _values, max_size=6
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    gap = draw(st.sampled_from(["", " ", "\n\t", "\r\n  "]))
    written = json.dumps(
        draw(_objects),
        ensure_ascii=draw(st.booleans()),
        separators=(f"{gap},{gap}", f"{gap}:{gap}"),
        indent=draw(st.sampled_from([None, 2])),
    )
    return (gap + written + gap).encode()


def complaint(body: bytes) -> str:
    with pytest.raises(BadRequest) as caught:
        parse(body)
    return caught.value.message


@given(bodies())
def test_spans_hold_exactly_the_values(body: bytes) -> None:
    document = parse(body)
    assert set(document.spans) == set(document.value)
    assert all(orjson.loads(document.raw(name)) == document.value[name] for name in document.spans)


@given(bodies(), _texts)
def test_setting_the_model_leaves_all_other_bytes_unchanged(body: bytes, name: str) -> None:
    document = parse(body)
    edit = set_model(document, name)
    spliced = splice(document, [edit])
    assert orjson.loads(spliced) == {**document.value, "model": name}
    assert spliced == body[: edit.start] + edit.replacement + body[edit.end :]
    assert body[edit.start : edit.end] == document.raw("model")


@given(bodies())
def test_asking_for_usage_leaves_all_other_values_unchanged(body: bytes) -> None:
    document = parse(body)
    spliced = orjson.loads(splice(document, add_include_usage(document)))
    options = document.value.get("stream_options")
    kept = options if isinstance(options, dict) else {}
    assert spliced == {**document.value, "stream_options": {**kept, "include_usage": True}}


@given(bodies(), st.data())
def test_splicing_changes_only_the_ranges_of_its_edits(body: bytes, data: st.DataObject) -> None:
    document = parse(body)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    edits = [
        Edit(start, end, data.draw(st.binary(max_size=4)))
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    expected, position = b"", 0
    for edit in edits:
        expected += body[position : edit.start] + edit.replacement
        position = edit.end
    assert splice(document, edits) == expected + body[position:]


def test_without_edits_the_very_same_bytes_come_back() -> None:
    body = b' {"model" : "a", "n":1.0e2}\n'
    assert splice(parse(body), []) is body


def test_insertions_at_one_place_come_out_in_the_order_given() -> None:
    document = parse(b'{"messages":[]}')
    edits = [set_model(document, "m"), *add_include_usage(document)]
    assert splice(document, edits) == (
        b'{"model":"m","stream_options":{"include_usage":true},"messages":[]}'
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", b'{"stream_options":{"include_usage":true}}'),
        (b'{"stream_options": null}', b'{"stream_options": {"include_usage":true}}'),
        (b'{"stream_options": { }}', b'{"stream_options": {"include_usage":true }}'),
        (
            b'{"stream_options":{"x":1}}',
            b'{"stream_options":{"include_usage":true,"x":1}}',
        ),
        (
            b'{"stream_options":{"x":1, "include_usage" : false}}',
            b'{"stream_options":{"x":1, "include_usage" : true}}',
        ),
        (
            b'{"stream_options":{"include_usage":true,"include_usage":null}}',
            b'{"stream_options":{"include_usage":true,"include_usage":true}}',
        ),
    ],
)
def test_the_usage_option_is_merged_into_what_is_there(body: bytes, expected: bytes) -> None:
    document = parse(body)
    assert splice(document, add_include_usage(document)) == expected


def test_usage_that_was_asked_for_needs_no_edit() -> None:
    assert add_include_usage(parse(b'{"stream_options":{"include_usage":true}}')) == []


def test_a_name_is_the_same_however_it_is_escaped() -> None:
    document = parse('{"mod\\u0065l":"a", "é":1, "\\u00e8":2}'.encode())
    assert document.raw("model") == b'"a"'
    assert (document.raw("é"), document.raw("è")) == (b"1", b"2")


def test_a_missing_value_has_no_bytes() -> None:
    assert parse(b"{}").raw("model") == b""


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"model":"a","x":1,"model":"b"}', "model"),
        (b'{"model":"a","mod\\u0065l":"b"}', "model"),
        ('{"é":1,"\\u00e9":2}'.encode(), "é"),
    ],
)
def test_a_duplicate_key_is_named(body: bytes, name: str) -> None:
    assert complaint(body) == f"duplicate key {name!r} in the body"


def test_keys_that_only_look_alike_as_bytes_are_no_duplicates() -> None:
    assert len(parse('{"é":1,"\\u00c3\\u00a9":2}'.encode()).spans) == 2


def test_numbers_of_any_length_are_read() -> None:
    assert parse(b'{"n":' + b"9" * 300 + b',"m":1}').raw("m") == b"1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"null", "null, expected a JSON object"),
        (b"[1]", "a list, expected"),
        (b'"x"', "text, expected"),
        (b"7", "a number or boolean, expected"),
        (b"{'a':1}", "not JSON: unexpected character, expected a string key at line 1 column 2"),
        (b'{"a":1', "unexpected end of data"),
        (b'{"a":1} {}', "unexpected content after document"),
        (b'{"a":\n NaN}', "NaN at line 2 is not a JSON number"),
        (b'{"a":Infinity}', "Infinity at line 1 is not"),
        (b'{"a":-Infinity}', "-Infinity at line 1 is not"),
        (b'{"a":1e999}', "number is infinity"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 7"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8 at byte 7"),
        (b'{"a":"\\ud800"}', "no low surrogate"),
        (b'{"a":"\x01"}', "control character"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
        (b"{" + b",".join(b'"%d":0' % n for n in range(1001)) + b"}", "at most 1000 fields"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(body: bytes, words: str) -> None:
    assert words in complaint(body)


def test_nesting_that_only_the_scanner_cannot_follow_is_refused_too() -> None:
    # How deep it can follow depends on the release of Python.
    try:
        assert parse(b'{"a":' + b"[" * 1020 + b"]" * 1020 + b"}").spans
    except BadRequest as error:
        assert "nested too deeply" in error.message  # noqa: PT017


def test_a_complaint_quotes_nothing_of_the_content() -> None:
    assert "secret" not in complaint(b'{"key":"secret", secret}')


def test_a_long_body_is_read_in_several_steps() -> None:
    body = json.dumps({"messages": ["x" * (3 * MIB)]}).encode()
    steps, pauses = parse_steps(body), 0
    document: Document | None = None
    while document is None:
        try:
            next(steps)
            pauses += 1
        except StopIteration as done:
            document = done.value
    assert pauses >= 4
    assert document.raw("messages") == body[len('{"messages": ') : -1]


LONG = b'{"a":"' + b"x" * (2 * MIB)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b" " * (2 * MIB), "does not end with '}'"),
        (b" " * (MIB + 7) + b"[" + LONG + b'"}]', "does not begin with '{'"),
        (b'"' * (2 * MIB), "does not begin with '{'"),
        (LONG, "does not end with '}'"),
        (LONG + b'"]', "does not end with '}'"),
        (LONG + b'"' + b" " * (2 * MIB), "the body is not JSON"),
        (LONG + b'" 5}', "the body is not JSON"),
        (LONG + b"\xff" + b'"}', f"not UTF-8 at byte {len(LONG) + 1}"),
        (LONG[: MIB - 1] + "é".encode() * MIB + b"x\xa9" + b'"}', f"at byte {3 * MIB + 1}"),
        (LONG[: MIB - 1] + b"\xc3\xc3" + LONG + b'"}', f"at byte {MIB}"),
    ],
)
def test_what_is_wrong_with_a_long_body_is_said_too(body: bytes, words: str) -> None:
    assert words in complaint(body)


def test_a_long_body_of_any_script_is_read() -> None:
    text = "é鸡😀" * (MIB // 4)
    document = parse(b" " * MIB + json.dumps({"a": text}, ensure_ascii=False).encode() + b"\n")
    assert document.value == {"a": text}
    assert json.loads(document.raw("a")) == text


def test_a_name_is_at_most_4096_bytes_long() -> None:
    longest = "n" * 4094
    assert parse(json.dumps({longest: 1}).encode()).raw(longest) == b"1"
    for name in ("n" * 4095, "é" * 2048, "鸡" * MIB):
        assert "4096 bytes" in complaint(json.dumps({"a": 1, name: 1}, ensure_ascii=False).encode())
    inner = parse(json.dumps({"request": {"n" * 4095: 1}}).encode())
    with pytest.raises(BadRequest, match="4096 bytes"):
        inner.inner("request")


def test_an_inner_object_is_a_document_of_its_own() -> None:
    inner = parse(b'{"request" : { "model":"a" }}').inner("request")
    assert splice(inner, [set_model(inner, "b")]) == b'{ "model":"b" }'


@pytest.mark.parametrize(
    ("inner", "words"),
    [(b"3", "request: expected an object"), (b'{"a":1,"a":2}', "duplicate key 'a' in request")],
)
def test_a_wrong_inner_object_is_named(inner: bytes, words: str) -> None:
    document = parse(b'{"request":' + inner + b"}")
    with pytest.raises(BadRequest, match=words):
        document.inner("request")


def test_values_are_what_the_json_means() -> None:
    value: dict[str, Any] = {"a": [1, 2.5, None, True, "é\n"], "b": {"c": {}}}
    assert parse(json.dumps(value).encode()).value == value
