"""Values that tests of several files send or write."""

from typing import Any

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def nested(levels: int, key: str = "a") -> dict[str, Any]:
    """An object in an object under `key`, that many times."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {key: value}
    return value
