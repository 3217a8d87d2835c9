"""Decoding and encoding that all nouns share."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from tokenhub.administration.changes import Author
from tokenhub.api.body import read_document
from tokenhub.api.identity import REQUEST_ID
from tokenhub.errors import BadRequest
from tokenhub.text import clean

ACTOR: Final = "admin"
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
MAX_OFFSET: Final = 2**53
MAX_PAYLOAD_BYTES: Final = 1 << 20
MAX_PAYLOAD_VALUES: Final = 10_000
"""Checking a payload costs microseconds a value, and holds the loop."""


def author(request: web.Request) -> Author:
    """Return who makes the change that `request` asks for."""
    return Author(ACTOR, request[REQUEST_ID])


async def payload(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body, of at most 1 MiB and some 10,000 values."""
    document = await read_document(request, most_bytes=MAX_PAYLOAD_BYTES)
    if document.body.count(b",") >= MAX_PAYLOAD_VALUES:
        raise BadRequest(f"the body holds too many values: at most {MAX_PAYLOAD_VALUES}")
    return document.value


async def no_payload(request: web.Request) -> None:
    """Accept no body or an empty object, and nothing else: what is there was meant to do more."""
    if request.body_exists and (names := await payload(request)):
        name = clean(next(iter(names)), 80)
        raise BadRequest(f"unknown field {name!r}: this takes none", param=name)


def query(request: web.Request, known: Sequence[str] = ()) -> dict[str, str]:
    """Return the query's parameters; raises BadRequest for an unknown or repeated one."""
    names = ("limit", "offset", *known)
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in names:
            raise BadRequest(
                f"unknown parameter {clean(name, 80)!r}: one of {', '.join(names)}", param=name
            )
        if name in given:
            raise BadRequest(f"{name}: expected once, got it twice", param=name)
        given[name] = value
    return given


def bounds(given: Mapping[str, str]) -> tuple[int, int]:
    """Return limit (1 to 1000, 100 unless given) and offset."""
    return (
        _whole(given, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        _whole(given, "offset", 0, 0, MAX_OFFSET),
    )


def listing(request: web.Request, items: Sequence[Mapping[str, Any]]) -> web.Response:
    """Answer with the part of `items` that the query asks for."""
    limit, offset = bounds(query(request))
    return page(items[offset : offset + limit], len(items), limit, offset)


def page(items: Sequence[Mapping[str, Any]], total: int, limit: int, offset: int) -> web.Response:
    """Answer with one page of a list."""
    return web.json_response(
        {"items": list(items), "total": total, "limit": limit, "offset": offset}
    )


def done(row: Mapping[str, Any] | None = None, *, new: bool = False) -> web.Response:
    """Answer that it is done, with the row where there is one; 201 when it is new."""
    return web.json_response({"ok": True, **(row or {})}, status=201 if new else 200)


def _whole(given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = given.get(name, str(default))
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    if not low <= number <= high:
        raise BadRequest(f"{name}: expected a whole number from {low} to {high}", param=name)
    return number
