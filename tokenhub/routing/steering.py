"""What a request asks of the router beside its model: by headers, or by fields of the envelope.

A wrong value is refused, never ignored: whoever sets a budget must not find out from the bill that
it was misspelt. A `max_latency_ms` of 0 is no limit, since nothing could keep it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tokenhub.errors import BadRequest
from tokenhub.routing.policy import Mode, Steering, mode_of
from tokenhub.text import clean
from tokenhub.types import NANO

MAX_BUDGET_USD: Final = 100
MAX_LATENCY_MS: Final = 300_000
MAX_WEIGHT: Final = 10

_PREFIX: Final = "x-tokenhub-"
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?")
_INTEGER: Final = re.compile(r"[0-9]{1,9}")
_SWITCH: Final = {"on": True, "off": False}


def from_headers(headers: Iterable[tuple[str, str]]) -> Steering:
    """Read the `X-TokenHub-*` headers that steer; of a repeated one the last counts.

    Raises BadRequest naming the header.
    """
    given: dict[str, Any] = {}
    for name, value in headers:
        if name[:11].lower() == _PREFIX and (known := _HEADERS.get(name[11:].lower())):
            field, read = known
            given[field] = read(_number(value.strip()), name)
    return Steering(**given) if given else _NOTHING


def from_envelope(policy: object, capabilities: object) -> Steering:
    """Read the envelope's `policy` and `capabilities`, each None where it is absent.

    Raises BadRequest naming the field (`policy.mode`).
    """
    steers = _members(policy, "policy", _POLICY)
    given: dict[str, Any] = {}
    for name, value in steers.items():
        field, read = _POLICY[name]
        given[field] = read(value, f"policy.{name}")
    plans = _members(capabilities, "capabilities", ("planning",)).get("planning", False)
    if not isinstance(plans, bool):
        raise _wrong("capabilities.planning", "true or false", plans)
    return Steering(planning=plans, **given)


def _members(value: object, holder: str, known: Iterable[str]) -> Mapping[str, Any]:
    """The members of an object that are not null; all of them must be known."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(holder, "an object", value)
    for name in value:
        if name not in known:
            field = f"{holder}.{clean(name, 80)}"
            raise BadRequest(f"unknown field {field!r}: one of {', '.join(known)}", param=field)
    return {name: member for name, member in value.items() if member is not None}


def _mode(value: object, param: str) -> Mode:
    mode = mode_of(value) if isinstance(value, str) else None
    if mode is None:
        raise unknown_mode(value, param)
    return mode


def unknown_mode(value: object, param: str) -> BadRequest:
    """Return the refusal of what is no mode."""
    shown = repr(clean(value, 80)) if isinstance(value, str) else _shown(value)
    return BadRequest(f"{param}: unknown mode {shown}: one of {', '.join(Mode)}", param=param)


def _budget(value: object, param: str) -> int:
    """Nano-dollars of a number of dollars; what is less than one of them counts as nothing."""
    usd = Decimal(repr(value)) if type(value) in (int, float) else value
    if isinstance(usd, Decimal) and usd.is_finite() and 0 <= usd <= MAX_BUDGET_USD:
        return int(usd * NANO)
    raise _wrong(param, f"a number of dollars, 0 to {MAX_BUDGET_USD}", value)


def _latency(value: object, param: str) -> int | None:
    return _integer(value, param, MAX_LATENCY_MS) or None


def _weight(value: object, param: str) -> int:
    return _integer(value, param, MAX_WEIGHT)


def _integer(value: object, param: str, most: int) -> int:
    if type(value) is int and 0 <= value <= most:
        return value
    raise _wrong(param, f"an integer, 0 to {most}", value)


def _number(text: str) -> object:
    """The number that a header's text is, or the text itself."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text


def _switch(value: object, param: str) -> bool:
    on = _SWITCH.get(str(value).lower())
    if on is None:
        raise _wrong(param, "on or off", value)
    return on


def _wrong(param: str, expected: str, came: object) -> BadRequest:
    return BadRequest(f"{param}: expected {expected}, got {_shown(came)}", param=param)


def _shown(value: object) -> str:
    match value:
        case str():
            return repr(clean(value, 80))
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return str(value)
        case list():
            return "a list"
        case _:
            return "an object"


_POLICY: Final[dict[str, tuple[str, Callable[[object, str], Any]]]] = {
    "mode": ("mode", _mode),
    "max_budget_usd": ("max_budget_nano", _budget),
    "max_latency_ms": ("max_latency_ms", _latency),
    "min_weight": ("min_weight", _weight),
}
_HEADERS: Final[dict[str, tuple[str, Callable[[object, str], Any]]]] = {
    "mode": ("mode", _mode),
    "max-budget-usd": ("max_budget_nano", _budget),
    "max-latency-ms": ("max_latency_ms", _latency),
    "min-weight": ("min_weight", _weight),
    "fallback": ("fallback", _switch),
}
_NOTHING: Final = Steering()
