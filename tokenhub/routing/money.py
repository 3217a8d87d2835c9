"""Money as a reason tells it."""

from tokenhub.types import NANO


def dollars(nano: int) -> str:
    """Return nano-dollars as exact dollars: `$0.0012`."""
    whole, rest = divmod(nano, NANO)
    return f"${whole}.{f'{rest:09d}'.rstrip('0'):0<2}"
