"""Where the values inside a JSON text lie, found with the standard library's C scanner.

A text here is valid JSON as UTF-8 decoded as Latin-1, in which character offsets are byte offsets.
All of this raises RecursionError for values that are nested too deeply for the scanner.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

# float, since int() refuses more than 4,300 digits and the values found here are thrown away.
_decoder: Final = json.JSONDecoder(parse_int=float)
scan: Final[Callable[[str, int], tuple[Any, int]]] = _decoder.scan_once  # type: ignore[attr-defined]  # typeshed lacks it
"""Gives the value that begins at an offset, and the offset of its end."""
_skip_space: Final = re.compile(r"[ \t\n\r]*+").match

Span = tuple[int, int]


def elements(text: str, opening: int) -> Iterator[Span]:
    """Yield where each element of the list lies that opens at `opening`."""
    position = after_space(text, opening + 1)
    while text[position] != "]":
        end = scan(text, position)[1]
        yield position, end
        position = _after_comma(text, end)


def member(text: str, opening: int, wanted: str) -> Span:
    """Return where the value of `wanted` lies in the object that opens at `opening`.

    `wanted` is ASCII. Of several members of this name the last counts, as it does for orjson;
    (opening, opening) where there is none.
    """
    found = (opening, opening)
    position = after_space(text, opening + 1)
    while text[position] != "}":
        name, end = scan(text, position)
        start = after_space(text, after_space(text, end) + 1)
        end = scan(text, start)[1]
        if name == wanted:
            found = (start, end)
        position = _after_comma(text, end)
    return found


def _after_comma(text: str, position: int) -> int:
    """The next value's place behind one that ends at `position`, or that of the closing bracket."""
    position = after_space(text, position)
    return after_space(text, position + 1) if text[position] == "," else position


def after_space(text: str, position: int) -> int:
    """The offset of the first character at or behind `position` that is no white space."""
    if text[position] > " ":
        return position
    match = _skip_space(text, position)
    return match.end() if match else position
