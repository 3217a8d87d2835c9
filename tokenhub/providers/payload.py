"""Turns what pydantic says about a payload into our one error message."""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import pydantic
from pydantic_core import ErrorDetails

from tokenhub.errors import BadRequest
from tokenhub.providers.fields import IN_WORDS
from tokenhub.text import clean

Model = TypeVar("Model", bound=pydantic.BaseModel)

_CHOICES: Final = frozenset({"enum", "literal_error"})
_WORD_CHARS: Final = 40
_SHOWN: Final = (bool, int, float, type(None))
_KINDS: Final[Mapping[type, str]] = {str: "text", list: "a list", dict: "an object"}


def validate(
    model: type[Model], payload: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> Model:
    """Return `payload` as a `model`; raise `BadRequest` naming the first field that is wrong.

    `context` is for the model's validators. The text of a value is not repeated, since it may be a
    secret in the wrong field; a mistyped word of a choice is.
    """
    try:
        # Strict rules for JSON input take text for an enum and a list for a tuple; those for
        # Python objects do not.
        return model.model_validate_json(json.dumps(payload), context=context)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _bad_request(model, first) from None
    except (TypeError, ValueError, RecursionError):
        raise BadRequest("expected an object of plain JSON values") from None


def _bad_request(model: type[Model], error: ErrorDetails) -> BadRequest:
    path = ".".join(clean(str(part), 80) for part in error["loc"]) or None
    if error["type"] == "extra_forbidden" and path is not None:
        return BadRequest(_unknown_field(model, path), param=path)
    where = f"{path}: " if path is not None else ""
    return BadRequest(where + _reason(error), param=path)


def _reason(error: ErrorDetails) -> str:
    kind, message = error["type"], error["msg"]
    if kind == "missing":
        return "this field is required"
    if kind == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        return f"expected {IN_WORDS.get(pattern, f'text of the form {pattern}')}"
    if kind.endswith(("too_short", "too_long")):
        return _length(kind, error["ctx"])
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "json_invalid":  # too deep for pydantic, which takes some 200 levels
        return message[:1].lower() + message[1:]
    expected = message[:1].lower() + message[1:]
    for start in ("input should be ", "input should "):
        expected = expected.removeprefix(start)
    got = error["input"]
    shown = repr(got) if kind in _CHOICES and _is_mistyped(got, expected) else _got(got)
    return f"expected {expected}, got {shown}"


def _is_mistyped(value: object, choices: str) -> bool:
    """Tell whether `value` is so like one of the words quoted in `choices` that it is no secret."""
    if not isinstance(value, str) or len(value) > _WORD_CHARS:
        return False
    return bool(difflib.get_close_matches(value, re.findall("'([^']+)'", choices), 1))


def _length(kind: str, limits: Mapping[str, Any]) -> str:
    unit = "character" if kind.startswith("string") else "item"
    if kind.endswith("short"):
        bound, number, got = "at least", limits["min_length"], "fewer"
    else:
        bound, number, got = "at most", limits["max_length"], "more"
    return f"expected {bound} {number} {unit}{'' if number == 1 else 's'}, got {got}"


def _got(value: object) -> str:
    if isinstance(value, _SHOWN):
        return json.dumps(value)[:40]
    return _KINDS.get(type(value), "another")


def _unknown_field(model: type[Model], path: str) -> str:
    known = list(model.model_fields)
    if "." in path:
        return f"unknown field {path!r}"
    near = difflib.get_close_matches(path, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
    return f"unknown field {path!r}: {hint}"
