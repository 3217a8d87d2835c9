"""Between columns and values: JSON texts, times, money, and numbers that fit into a column."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from tokenhub.types import NANO

LARGEST: Final = 2**53
"""The largest counter kept, so that a thousand nonsense reports still add up within 64 bits."""


def dump(value: object) -> str:
    """Return the compact JSON text of `value`."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def load(text: str) -> Any:
    """Return the value of a JSON text from the database."""
    return json.loads(text)


def counter(value: int) -> int:
    """Return `value` between 0 and `LARGEST`: a provider may report any number."""
    return min(max(value, 0), LARGEST)


def text(value: str) -> str:
    """Return `value` without lone surrogates (undecodable header bytes), which SQLite refuses."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def timestamp(ms: int) -> str:
    """Return milliseconds since the epoch as RFC 3339 in UTC, `2026-01-31T12:00:00.250Z`."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def usd(nano: int) -> float:
    """Return nano-dollars as dollars."""
    return nano / NANO
