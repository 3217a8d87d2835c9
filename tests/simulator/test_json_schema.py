"""Values made for schemas, judged by pydantic."""

import random
from datetime import date, datetime
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from tokenhub.simulator.model.json_schema import instance


def seeded(seed: int) -> random.Random:
    return random.Random(seed)


class Part(BaseModel):
    sku: Annotated[str, Field(min_length=8, max_length=12)]
    count: Annotated[int, Field(gt=2, lt=9, multiple_of=2)]
    share: Annotated[float, Field(ge=0, le=1)]


class Everything(BaseModel):
    id: UUID
    day: date
    at: datetime
    kind: Literal["a", "b"]
    fixed: Literal["only"]
    maybe: Part | None
    either: int | str
    parts: Annotated[list[Part], Field(min_length=2, max_length=3)]
    flag: bool
    nothing: None
    price: float
    tags: list[str]


class Tree(BaseModel):
    name: str
    children: list["Tree"]
    parent: Optional["Tree"]


@pytest.mark.parametrize("seed", range(20))
def test_a_value_is_valid(seed: int) -> None:
    value = instance(Everything.model_json_schema(), seeded(seed))
    Everything.model_validate(value)


def test_a_recursive_schema_comes_to_an_end() -> None:
    value = instance(Tree.model_json_schema(), seeded(1))
    Tree.model_validate(value)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"required": ["a"]}]}, {"a": 1}),
        ({"allOf": [{"type": "boolean"}, {"const": True}]}, True),
        ({"type": ["null", "object"], "required": ["b"]}, {"b": "amber"}),
        ({"type": "null"}, None),
        ({"type": ["null"]}, None),
        ({"$ref": "#/nowhere/at/all", "type": "integer"}, "any"),
        (True, "any"),
        ({"$ref": "#"}, "any"),
    ],
)
def test_odd_schemas_have_values_too(schema: Any, expected: Any) -> None:
    value = instance(schema, seeded(1))
    assert value == expected or (expected == "any" and isinstance(value, str))


def test_the_same_seed_makes_the_same_value() -> None:
    schema = Everything.model_json_schema()
    assert instance(schema, seeded(1)) == instance(schema, seeded(1))
