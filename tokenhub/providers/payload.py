"""Turns what pydantic says about a payload into our one error message."""

import difflib
import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import pydantic
from pydantic_core import ErrorDetails

from tokenhub.errors import BadRequest
from tokenhub.text import clean

Model = TypeVar("Model", bound=pydantic.BaseModel)

_SHOWN: Final = (bool, int, float, type(None))
_KINDS: Final[Mapping[type, str]] = {str: "text", list: "a list", dict: "an object"}


def validate(
    model: type[Model], payload: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> Model:
    """Return `payload` as a `model`; raise `BadRequest` naming the first field that is wrong.

    `context` is for the model's validators. The text of a value is never repeated: it may be a
    secret in the wrong field.
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
        return f"expected text of the form {error['ctx']['pattern']}, got another"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "json_invalid":  # too deep for pydantic, which takes some 200 levels
        return message[:1].lower() + message[1:]
    expected = message[:1].lower() + message[1:]
    for start in ("input should be ", "input should "):
        expected = expected.removeprefix(start)
    return f"expected {expected}, got {_got(error['input'])}"


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
