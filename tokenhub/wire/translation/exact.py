"""Integers that are too wide for orjson, which reads them as floats.

JSON knows no bound of them, and the arguments of a tool may hold such (amounts of a currency that
counts in 10**-18, hashes). In chat and responses arguments are text, which stays as it is; messages
has them as an object. Where such an object shows that a number may have been rounded, all that was
read is read again by the standard library, which takes five times as long.
"""

import json
from typing import Any, Final

import orjson

_LEAST_ROUNDED: Final = 2.0**63
_NARROW: Final = range(-(2**63), 2**64)
_MOST_CHARS: Final = 4 * 1024 * 1024
"""What is longer stays rounded: to read it again would hold the event loop for long."""


def is_rounded(value: object) -> bool:
    """Whether `value`, as orjson read it, has a float that may have been an integer.

    What is nested too deeply to be looked at is not taken to have one.
    """
    try:
        return _is_rounded(value)
    except RecursionError:
        return False


def _is_rounded(value: object) -> bool:
    if type(value) is float:
        return abs(value) >= _LEAST_ROUNDED
    if type(value) is dict:
        return any(map(_is_rounded, value.values()))
    return type(value) is list and any(map(_is_rounded, value))


def reread(text: str | bytes) -> Any:
    """What orjson reads in `text`, but for wide integers, which it will write as they stand there.

    None where `text` is too long or nested too deeply for that.
    """
    if len(text) > _MOST_CHARS:
        return None
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        return None


def _integer(digits: str) -> int | orjson.Fragment:
    number = int(digits)
    return number if number in _NARROW else orjson.Fragment(digits)
