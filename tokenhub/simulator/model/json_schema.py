"""Makes a value that a JSON Schema accepts, as a model with structured output does."""

import random
from typing import Any

Schema = dict[str, Any]

_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor")
_FORMATS = {
    "date": "2025-06-01",
    "time": "12:30:00Z",
    "date-time": "2025-06-01T12:30:00Z",
    "duration": "P1D",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "6f1c1f6e-4b1d-4c44-9a53-0d2f0c8a5b11",
}
_MAX_DEPTH = 8


def instance(schema: Any, rng: random.Random) -> Any:
    """A value for `schema`, the same one for the same `rng`.

    Knows `$ref` into the schema, anyOf, oneOf, allOf, enum, const, the types with their bounds,
    and formats; not patterns. Recursive schemas end at a depth of 8 where they allow it.
    """
    root = schema if isinstance(schema, dict) else {}
    return _Maker(root, rng).make(root, 0)


class _Maker:
    def __init__(self, root: Schema, rng: random.Random) -> None:
        self._root = root
        self._rng = rng

    def make(self, schema: Any, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(schema["enum"])
        for name in ("anyOf", "oneOf"):
            if schema.get(name):
                return self.make(self._choose(schema[name], depth), depth + 1)
        if schema.get("allOf"):
            return self.make(self._merged(schema), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return self._integer(schema)
            case "number":
                return self._integer(schema) + 0.5 if "maximum" not in schema else schema["maximum"]
            case "boolean":
                return self._rng.random() < 0.5
            case "null":
                return None
            case _:
                return self._string(schema)

    def _object(self, schema: Schema, depth: int) -> Schema:
        properties = _sized(schema.get("properties"), dict)
        required = [name for name in _sized(schema.get("required"), list) if isinstance(name, str)]
        names = [name for name in properties if name in required or depth < _MAX_DEPTH // 2]
        made = {name: self.make(properties[name], depth + 1) for name in names}
        made.update({name: "amber" for name in required if name not in made})
        return made

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        least = schema.get("minItems", 0 if depth >= _MAX_DEPTH else 1)
        most = max(least, schema.get("maxItems", least + 1))
        size = self._rng.randint(least, min(most, least + 2))
        return [self.make(schema.get("items", {}), depth + 1) for _ in range(size)]

    def _integer(self, schema: Schema) -> int:
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
        high = int(schema.get("maximum", schema.get("exclusiveMaximum", low + 100) - 1))
        step = int(schema.get("multipleOf", 1)) or 1
        return -(-self._rng.randint(low, max(low, high)) // step) * step

    def _string(self, schema: Schema) -> str:
        if (known := _FORMATS.get(str(schema.get("format")))) is not None:
            return known
        word = self._rng.choice(_WORDS).ljust(schema.get("minLength", 0), "x")
        return word[: schema.get("maxLength", len(word))]

    def _choose(self, options: list[Any], depth: int) -> Any:
        if depth >= _MAX_DEPTH:
            options = [
                one for one in options if self._resolved(one).get("type") == "null"
            ] or options
        return options[0]

    def _merged(self, schema: Schema) -> Schema:
        merged: Schema = {"properties": {}, "required": []}
        for part in [*schema["allOf"], {k: v for k, v in schema.items() if k != "allOf"}]:
            part = self._resolved(part)
            merged["properties"].update(part.get("properties", {}))
            merged["required"] += part.get("required", [])
            rest = {k: v for k, v in part.items() if k not in ("properties", "required")}
            merged.update(rest)
        if not merged["properties"]:
            del merged["properties"], merged["required"]
        return merged

    def _resolved(self, schema: Any) -> Schema:
        for _ in range(_MAX_DEPTH):
            if not isinstance(schema, dict):
                return {}
            path = schema.get("$ref")
            if not isinstance(path, str) or not path.startswith("#"):
                return schema
            target: Any = self._root
            for part in path.removeprefix("#").strip("/").split("/"):
                if part:
                    target = target.get(part, {}) if isinstance(target, dict) else {}
            schema = target
        return {}


def _sized(value: Any, kind: type[Any]) -> Any:
    """`value` when it is of `kind`, else an empty one: a malformed schema still gets a value."""
    return value if isinstance(value, kind) else kind()
