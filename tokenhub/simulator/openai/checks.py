"""Checks that OpenAI's APIs share, with their messages and codes."""

import re
from collections.abc import Container, Sequence
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.openai.models import unknown_model

_TYPES: dict[str, tuple[type, ...]] = {
    "a string": (str,),
    "an integer": (int,),
    "a decimal": (int, float),
    "a boolean": (bool,),
    "an array": (list,),
    "an object": (dict,),
    "one of a string or array": (str, list),
}


def type_name(value: Any) -> str:
    """What OpenAI calls the JSON type of `value`."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def optional(body: Json, name: str, expected: str, path: str | None = None) -> Any:
    """The value of the field `name`, None when absent or null; ApiError when not `expected`."""
    value = body.get(name)
    if value is None:
        return None
    fits = isinstance(value, _TYPES[expected])
    if fits and isinstance(value, bool) and expected != "a boolean":
        fits = False
    if not fits:
        raise wrong_type(path or name, expected, value)
    return value


def wrong_type(path: str, expected: str, value: Any) -> ApiError:
    """The 400 for a value of the wrong type."""
    return ApiError(
        400,
        f"Invalid type for '{path}': expected {expected}, but got {type_name(value)} instead.",
        param=path,
        code="invalid_type",
    )


def missing(name: str) -> ApiError:
    """The 400 for an absent field."""
    return ApiError(
        400,
        f"Missing required parameter: '{name}'.",
        param=name,
        code="missing_required_parameter",
    )


def invalid(path: str, message: str, code: str = "invalid_value") -> ApiError:
    """The 400 for a wrong value."""
    return ApiError(400, message, param=path, code=code)


def empty_array(path: str) -> ApiError:
    """The 400 for an array without elements."""
    text = "Expected an array with minimum length 1, but got an empty array instead."
    return invalid(path, f"Invalid '{path}': empty array. {text}", "empty_array")


def unsupported(path: str, value: object, known: Sequence[str]) -> ApiError:
    """The 400 for a value that is none of those `known`, two or more of them or one."""
    names = [f"'{name}'" for name in known]
    shown = " and ".join(names)
    if len(names) > 2:
        shown = ", ".join(names[:-1]) + f", and {names[-1]}"
    return invalid(path, f"Invalid value: '{value}'. Supported values are: {shown}.")


def only(value: Json, known: Container[str], where: str) -> None:
    """Refuse a field of `value` that is not `known`; `where` comes before its name."""
    for name in value:
        if name not in known:
            path = f"{where}{name}"
            raise invalid(path, f"Unknown parameter: '{path}'.", "unknown_parameter")


def text(value: Json, name: str, path: str, longest: int | None = None) -> str:
    """The required text `name` of `value`, of at most `longest` characters."""
    found = value.get(name)
    if found is None:
        raise missing(path)
    if not isinstance(found, str):
        raise wrong_type(path, "a string", found)
    if longest is not None and len(found) > longest:
        raise invalid(
            path,
            f"Invalid '{path}': string too long. Expected a string with maximum length {longest}, "
            f"but got a string with length {len(found)} instead.",
            "string_above_max_length",
        )
    return found


NAME = r"^[a-zA-Z0-9_-]+$"


def name(value: Json, path: str, *, longest: int = 64) -> str:
    """The required `name` of a function or a schema in `value`."""
    found = text(value, "name", path, longest)
    if not re.fullmatch(NAME, found):
        raise invalid(
            path,
            f"Invalid '{path}': string does not match pattern. Expected a string that matches the "
            f"pattern '{NAME}'.",
        )
    return found


def image_url(path: str, url: Any) -> None:
    """Refuse what is no web address and no data URL of an image."""
    if url is None:
        raise missing(path)
    if not isinstance(url, str) or not re.match(r"https?://|data:image/[\w.+-]+;base64,", url):
        raise invalid(
            path,
            f"Invalid '{path}'. Expected a valid URL, but got a value with an invalid format.",
        )


def parameters(where: str, name: str, schema: Any) -> None:
    """Refuse a function's schema that is no object's."""
    if not schema:
        return
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        raise invalid(
            where,
            f"Invalid schema for function '{name}': schema must be a JSON Schema of "
            f"'type: \"object\"', got 'type: \"{kind}\"'.",
            "invalid_function_parameters",
        )


def integer(body: Json, name: str, low: int, high: int | None = None) -> int | None:
    """The integer field `name` between `low` and `high`, None when absent."""
    value: int | None = optional(body, name, "an integer")
    return None if value is None else int(_bounded(name, value, low, high, "integer"))


def decimal(body: Json, name: str, low: float, high: float) -> float | None:
    """The number field `name` between `low` and `high`, None when absent."""
    value: float | None = optional(body, name, "a decimal")
    return None if value is None else _bounded(name, value, low, high, "decimal")


def _bounded(name: str, value: float, low: float, high: float | None, kind: str) -> float:
    if value < low:
        text = f"{kind} below minimum value. Expected a value >= {low}, but got {value} instead."
        raise invalid(name, f"Invalid '{name}': {text}", f"{kind}_below_min_value")
    if high is not None and value > high:
        text = f"{kind} above maximum value. Expected a value <= {high}, but got {value} instead."
        raise invalid(name, f"Invalid '{name}': {text}", f"{kind}_above_max_value")
    return value


def stops(body: Json) -> tuple[str, ...]:
    """The stop sequences: none, one, or up to four."""
    value = optional(body, "stop", "one of a string or array")
    found = [value] if isinstance(value, str) else value or []
    if len(found) > 4:
        raise invalid(
            "stop",
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an "
            f"array with length {len(found)} instead.",
            "array_above_max_length",
        )
    for index, stop in enumerate(found):
        if not isinstance(stop, str):
            raise wrong_type(f"stop[{index}]", "a string", stop)
    return tuple(found)


def model_of(exchange: Exchange) -> Model:
    """The model that the request names; ApiError 400 without one, 404 for an unknown one."""
    name = exchange.body.get("model")
    if name is None:
        raise ApiError(400, "you must provide a model parameter")
    if not isinstance(name, str):
        raise wrong_type("model", "a string", name)
    model = exchange.models.get(name)
    if model is None:
        raise unknown_model(exchange, name)
    return model


def wants_usage(exchange: Exchange) -> bool:
    """Whether a stream ends with a usage event; ApiError for `stream_options` without `stream`."""
    options = optional(exchange.body, "stream_options", "an object") or {}
    if options and not exchange.body.get("stream"):
        raise ApiError(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    return bool(options.get("include_usage")) and exchange.profile.usage
