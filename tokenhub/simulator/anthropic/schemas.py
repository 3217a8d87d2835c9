"""Which JSON Schemas Anthropic takes for tools and for structured outputs (its guide to them)."""

from typing import Any

from tokenhub.simulator.errors import ApiError

_UNSUPPORTED = {
    "integer": ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"),
    "number": ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"),
    "string": ("maxLength", "minLength"),
    "array": ("maxItems", "uniqueItems"),
}
_UNIONS = ("oneOf", "allOf", "anyOf")


def check_input_schema(where: str, schema: Any) -> None:
    """Refuse a tool's schema that is no object's."""
    if not isinstance(schema, dict):
        raise ApiError(400, f"{where}: Field required")
    if any(name in schema for name in _UNIONS):
        raise ApiError(
            400,
            f"{where}: input_schema does not support oneOf, allOf, or anyOf at the top level",
        )
    if schema.get("type") is None:
        raise ApiError(400, f"{where}.type: Field required")
    if schema["type"] != "object":
        raise ApiError(400, f"{where}.type: Input should be 'object'")


def check_output_schema(where: str, schema: Any) -> None:
    """Refuse a schema that constrained decoding does not take."""
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        raise ApiError(
            400,
            f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false",
        )
    refused = [name for name in _UNSUPPORTED.get(str(kind), ()) if name in schema]
    if refused:
        names = ", ".join(refused)
        raise ApiError(400, f"{where}: For '{kind}' type, properties {names} are not supported")
    for part in _parts(schema):
        check_output_schema(where, part)


def _parts(schema: dict[str, Any]) -> list[Any]:
    found: list[Any] = [schema.get("items")]
    for key in ("properties", "$defs", "definitions"):
        named = schema.get(key)
        found += named.values() if isinstance(named, dict) else ()
    for key in ("anyOf", "allOf"):
        listed = schema.get(key)
        found += listed if isinstance(listed, list) else ()
    return found
