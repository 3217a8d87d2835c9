"""What the readers of requests expect of JSON values: each raises BadRequest naming the field."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tokenhub.errors import BadRequest

_head_of_data_url: Final = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,").match


def expected(field: str, what: str) -> BadRequest:
    """A field that is not `what` it must be."""
    return BadRequest(f"{field}: expected {what}", param=field)


def no_tools(field: str) -> BadRequest:
    """A call is asked for in `field`, of none of no tools."""
    return expected(field, "'auto' or 'none', since no tools are given")


def an_object(value: object, where: str) -> dict[str, Any]:
    """`value`, an object."""
    if type(value) is not dict:
        raise expected(where, "an object")
    return value


def a_list(value: object, where: str) -> list[Any]:
    """`value`, a list."""
    if type(value) is not list:
        raise expected(where, "a list")
    return value


def text_at(holder: Mapping[str, Any], name: str, where: str = "") -> str:
    """The text in the field `name` of `holder`, which stands at `where`."""
    value = holder.get(name)
    if type(value) is not str:
        raise expected(f"{where}.{name}" if where else name, "text")
    return value


def maybe_text(holder: Mapping[str, Any], name: str, where: str = "") -> str | None:
    """The same, None where there is none."""
    return None if holder.get(name) is None else text_at(holder, name, where)


def maybe_flag(holder: Mapping[str, Any], name: str, where: str = "") -> bool | None:
    """True or false in a field, None where there is none."""
    value = holder.get(name)
    if value is not None and type(value) is not bool:
        raise expected(f"{where}.{name}" if where else name, "true or false")
    return value


def maybe_number(holder: Mapping[str, Any], name: str) -> float | None:
    """The number in a field, None where there is none."""
    value = holder.get(name)
    if value is not None and type(value) is not int and type(value) is not float:
        raise expected(name, "a number")
    return value


def maybe_count(holder: Mapping[str, Any], name: str) -> int | None:
    """The integer of at least 1 in a field, None where there is none."""
    value = holder.get(name)
    if value is not None and (type(value) is not int or value < 1):
        raise expected(name, "an integer of at least 1")
    return value


def data_of_url(url: str) -> tuple[str, str] | None:
    """The media type and the base64 text of a data URL; None where it is no such URL."""
    head = _head_of_data_url(url)
    return None if head is None else (head[1], url[head.end() :])


def dumped(body: Mapping[str, Any]) -> bytes:
    """The JSON of a request's body; raises BadRequest where it is too deep for that."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        raise BadRequest("the body is nested too deeply: more than about 250 levels") from None
