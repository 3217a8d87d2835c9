"""JSON Schemas as Anthropic takes them where they bind the model, in an answer or a strict tool.

It takes what gives the structure. As in its own SDKs, all else goes into the `description`, where
the model reads it and mostly keeps to it.

Source: Anthropic's guide "Structured outputs", and `transform_schema` of its SDKs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tokenhub.wire.translation.checks import dumped

Json = dict[str, Any]

_MOST_DEPTH: Final = 64
"""Schemas in each other deeper than this stay as they are: nobody takes them."""
_DEFINITIONS: Final = ("$defs", "definitions")
_UNIONS: Final = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_NOTES: Final = frozenset({"$schema", "$id", "$comment"})
"""What says nothing of the value."""
_FORMATS: Final = frozenset(
    {
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "time",
        "uri",
        "uuid",
    }
)
_CLOSED: Final = "additionalProperties: objects get only the properties that are named"


def fitted(schema: Mapping[str, Any], warnings: list[str]) -> Json:
    """`schema` as Anthropic takes it; adds to `warnings` where it allows less than it did.

    Raises BadRequest for its depth.
    """
    fitter = _Fitter()
    fit = fitter.schema(schema, _MOST_DEPTH)
    if fitter.closed and _CLOSED not in warnings:
        warnings.append(_CLOSED)
    return fit


class _Fitter:
    """Fits the parts of a schema; `closed` tells that an object could have other properties."""

    def __init__(self) -> None:
        self.closed = False

    def schema(self, schema: Mapping[str, Any], depth: int) -> Json:
        """`schema`, whose parts may go `depth` further down."""
        rest = {name: value for name, value in schema.items() if name not in _NOTES}
        fit: Json = {}
        for name in _DEFINITIONS:
            if isinstance(rest.get(name), dict):
                fit[name] = self._named(rest.pop(name), depth)
        if "$ref" in rest:
            return {**fit, "$ref": rest["$ref"]}
        kinds = self._kind(rest, fit, depth)
        for name in ("description", "title"):
            if isinstance(rest.get(name), str):
                fit[name] = rest.pop(name)
        if "object" in kinds:
            self._object(rest, fit, depth)
        if "array" in kinds:
            self._array(rest, fit, depth)
        if "string" in kinds and isinstance(rest.get("format"), str) and rest["format"] in _FORMATS:
            fit["format"] = rest.pop("format")
        if rest:
            told = dumped(rest).decode()
            fit["description"] = f"{fit['description']}\n\n{told}" if "description" in fit else told
        return fit

    def _kind(self, rest: Json, fit: Json, depth: int) -> Sequence[Any]:
        """The types that the value may have; none where `fit` now lists the values themselves."""
        kind = rest.pop("type", None) or _implied(rest)
        if _take_literals(rest, fit):
            return ()
        union = next((name for name in _UNIONS if isinstance(rest.get(name), list)), None)
        if union is not None:
            fit[_UNIONS[union]] = [self._part(one, depth) for one in rest.pop(union)]
        elif kind is not None:
            fit["type"] = kind
        return kind if isinstance(kind, list) else (kind,)

    def _object(self, rest: Json, fit: Json, depth: int) -> None:
        properties = rest.pop("properties", None)
        fit["properties"] = self._named(properties, depth) if isinstance(properties, dict) else {}
        if rest.pop("additionalProperties", False) is not False:
            self.closed = True
        fit["additionalProperties"] = False
        if isinstance(rest.get("required"), list):
            fit["required"] = rest.pop("required")

    def _array(self, rest: Json, fit: Json, depth: int) -> None:
        if isinstance(rest.get("items"), dict):
            fit["items"] = self._part(rest.pop("items"), depth)
        if rest.get("minItems") in (0, 1):
            fit["minItems"] = rest.pop("minItems")

    def _named(self, schemas: Json, depth: int) -> Json:
        return {name: self._part(schema, depth) for name, schema in schemas.items()}

    def _part(self, schema: object, depth: int) -> object:
        return self.schema(schema, depth - 1) if type(schema) is dict and depth else schema


def _implied(schema: Json) -> str | None:
    """The type that a schema means which names none."""
    return "object" if "properties" in schema else "array" if "items" in schema else None


def _take_literals(rest: Json, fit: Json) -> bool:
    """Move the values that there may be from `rest` to `fit`, if these are no lists or objects."""
    values = rest.get("enum")
    if isinstance(values, list) and values and all(map(_is_literal, values)):
        fit["enum"] = rest.pop("enum")
    if "const" in rest and _is_literal(rest["const"]):
        fit["const"] = rest.pop("const")
    return "enum" in fit or "const" in fit


def _is_literal(value: object) -> bool:
    return not isinstance(value, dict | list)
