from typing import Any

import orjson
import pytest
from anthropic import transform_schema
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.simulator.anthropic.schemas import check_output_schema
from tokenhub.wire.translation.messages_schema import fitted

CLOSED = "additionalProperties: objects get only the properties that are named"
TEXT = {"type": "string"}


def fit(schema: Any) -> Any:
    warnings: list[str] = []
    told = fitted(schema, warnings)
    assert warnings == []
    return told


def an_object(**properties: Any) -> Any:
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        an_object(a=TEXT, b={"type": "array", "items": {"type": "number"}, "minItems": 1}),
        {**an_object(a={"type": "null"}), "required": ["a"], "title": "T", "description": "D"},
        {"type": "string", "format": "date-time"},
        {"enum": ["a", 1, None, True]},
        {"const": "a"},
        {"anyOf": [TEXT, {"type": "null"}], "description": "D"},
        {"allOf": [TEXT]},
        {"$ref": "#/$defs/A", "$defs": {"A": an_object(a=TEXT)}},
    ],
)
def test_what_anthropic_takes_stays_as_it_is(schema: Any) -> None:
    assert fit(schema) == schema == transform_schema(schema)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "object"}, an_object()),
        ({"type": "string", "enum": ["a"]}, {"enum": ["a"]}),
        ({"oneOf": [{"type": "object"}]}, {"anyOf": [an_object()]}),
        ({"$ref": "#/$defs/A", "description": "D"}, {"$ref": "#/$defs/A"}),
        ({"type": "array", "items": {"type": "object"}}, {"type": "array", "items": an_object()}),
    ],
)
def test_what_it_takes_in_another_form_is_said_in_that(schema: Any, told: Any) -> None:
    assert fit(schema) == told == transform_schema(schema)


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        ("integer", {"minimum": -9007199254740991, "maximum": 9007199254740991}),
        ("number", {"exclusiveMinimum": 0, "multipleOf": 0.5}),
        ("string", {"minLength": 1, "pattern": "^a"}),
        ("string", {"format": "color"}),
        ("array", {"minItems": 2, "maxItems": 3, "uniqueItems": True}),
        ("boolean", {"default": True, "examples": [True]}),
    ],
)
def test_limits_go_into_the_description(kind: str, limits: Any) -> None:
    said = orjson.dumps(limits).decode()
    assert fit({"type": kind, **limits}) == {"type": kind, "description": said}
    described = fit({"type": kind, "description": "D", **limits})
    assert described == {"type": kind, "description": f"D\n\n{said}"}
    sdk = transform_schema({"type": kind, "description": "D", **limits})
    assert described.keys() == sdk.keys()


def test_a_schema_of_zods_is_taken() -> None:
    integer = {"type": "integer", "minimum": 0, "maximum": 9}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **an_object(n=integer, of={"$ref": "#/definitions/A"}),
        "required": ["n"],
        "definitions": {"A": {"type": "object", "properties": {"m": integer}}},
    }
    told = fit(schema)
    check_output_schema("", told)
    counted = {"type": "integer", "description": '{"minimum":0,"maximum":9}'}
    assert told == {
        **an_object(n=counted, of={"$ref": "#/definitions/A"}),
        "required": ["n"],
        "definitions": {"A": an_object(m=counted)},
    }


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": ["string", "null"], "format": "uri"},) * 2,
        ({"type": ["object", "null"]}, {**an_object(), "type": ["object", "null"]}),
        ({"properties": {"a": TEXT}}, an_object(a=TEXT)),
        ({"items": TEXT}, {"type": "array", "items": TEXT}),
        ({}, {}),
        ({"enum": [{}], "type": "object"}, {**an_object(), "description": '{"enum":[{}]}'}),
        (
            {"type": "array", "items": [TEXT]},
            {"type": "array", "description": '{"items":[{"type":"string"}]}'},
        ),
        (an_object(a=True), an_object(a=True)),
    ],
)
def test_what_the_sdk_cannot_read_is_fitted_too(schema: Any, told: Any) -> None:
    assert fit(schema) == told


@pytest.mark.parametrize("more", [True, {"type": "number"}, {}])
def test_that_an_object_is_closed_is_told_once(more: Any) -> None:
    warnings: list[str] = []
    schema = {"type": "object", "additionalProperties": more}
    for _ in range(2):
        assert fitted(an_object(a=schema, b=schema), warnings) == an_object(
            a=an_object(), b=an_object()
        )
    assert warnings == [CLOSED]


_NAMES = st.sampled_from(
    (
        *("type", "properties", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref"),
        *("$defs", "definitions", "required", "title", "description", "format", "minItems"),
        *("minimum", "additionalProperties", "object", "string", "array", "uri"),
    )
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(_NAMES, _JSON, max_size=6))
def test_any_schema_becomes_one_that_is_taken(schema: dict[str, Any]) -> None:
    before = orjson.dumps(schema)
    check_output_schema("", fitted(schema, []))
    assert orjson.dumps(schema) == before


def test_one_that_is_too_deep_is_refused_or_left_to_be() -> None:
    deep: Any = TEXT
    for _ in range(900):
        deep = {"type": "array", "items": deep}
    assert fitted(deep, [])["items"]["items"]["type"] == "array"
    with pytest.raises(BadRequest):
        fitted({"not": deep}, [])
