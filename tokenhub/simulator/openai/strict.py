"""Which JSON Schemas OpenAI's strict mode takes (Structured Outputs guide, "Supported schemas")."""

from typing import Any

from tokenhub.simulator.frames import Json
from tokenhub.simulator.openai.checks import invalid

_NOT_PERMITTED = (
    "allOf",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "patternProperties",
    "then",
)


def check_strict(schema: Any, where: str, name: str, context: tuple[str, ...] = ()) -> None:
    """Refuse a schema that strict mode does not take.

    Every object needs `additionalProperties: false` and all its properties required.
    """
    if not isinstance(schema, dict):
        return
    shown = (
        "(" + ", ".join(f"'{part}'" for part in context) + ("," if len(context) == 1 else "") + ")"
    )
    prefix = f"Invalid schema for {where} '{name}': In context={shown}, "
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise invalid(where, prefix + "the schema is malformed.", "invalid_json_schema")
    for keyword in _NOT_PERMITTED:
        if keyword in schema:
            raise invalid(where, f"{prefix}'{keyword}' is not permitted.", "invalid_json_schema")
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            problem = "'additionalProperties' is required to be supplied and to be false."
            raise invalid(where, prefix + problem, "invalid_json_schema")
        absent = [key for key in properties if key not in required]
        if absent:
            problem = (
                "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{absent[0]}'."
            )
            raise invalid(where, prefix + problem, "invalid_json_schema")
    for path, part in _schema_parts(schema):
        check_strict(part, where, name, (*context, *path))


def strict_form(schema: Json) -> Json | None:
    """`schema` with its objects closed and their properties required; None where it cannot be.

    A function of the responses API that does not say `strict` becomes strict by this, or else
    stays loose (function calling guide, "Strict mode").
    """
    try:
        return _closed(schema)
    except ValueError:
        return None


def _closed(schema: Json) -> Json:
    """The strict form; ValueError where there is none."""
    if any(keyword in schema for keyword in _NOT_PERMITTED):
        raise ValueError
    form = dict(schema)
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        if schema.get("additionalProperties", False) is not False:
            raise ValueError
        if not isinstance(properties, dict):
            raise ValueError
        form |= {"properties": properties, "required": [*properties], "additionalProperties": False}
    for key, value in form.items():
        match key, value:
            case (("properties" | "$defs"), dict()):
                form[key] = {name: _closed_part(part) for name, part in value.items()}
            case "anyOf", list():
                form[key] = [_closed_part(part) for part in value]
            case "items", _:
                form[key] = _closed_part(value)
            case _:
                pass
    return form


def _closed_part(part: Any) -> Any:
    return _closed(part) if isinstance(part, dict) else part


def _schema_parts(schema: Json) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = [(("items",), schema.get("items"))]
    for key in ("properties", "$defs"):
        named = schema.get(key)
        if isinstance(named, dict):
            found += [((key, child), part) for child, part in named.items()]
    listed = schema.get("anyOf")
    if isinstance(listed, list):
        found += [(("anyOf", str(index)), part) for index, part in enumerate(listed)]
    return found
