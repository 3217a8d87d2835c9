"""Times and money as answers show them (RFC 3339 UTC, dollars) and back; None stays None."""

from tokenhub.storage import rows
from tokenhub.types import NANO


def timestamp(ms: int | None) -> str | None:
    """Return milliseconds since the epoch as RFC 3339 in UTC."""
    return None if ms is None else rows.timestamp(ms)


def usd(nano: int | None) -> float | None:
    """Return nano-dollars as dollars."""
    return None if nano is None else rows.usd(nano)


def nano(dollars: float | None) -> int | None:
    """Return dollars as nano-dollars, to the nearest one."""
    return None if dollars is None else round(dollars * NANO)
