"""What a body may cost to read, decided before it is parsed.

Parsing holds the event loop, and its time goes with the number of values more than with bytes:
31 MiB of small objects take orjson seconds, a 20 MB image in one string takes it 30 ms. So the
bytes that structure is made of are counted first, roughly (also those inside strings) and, where
that is too many, exactly; both in slices.
"""

from collections.abc import Generator
from typing import Final

from tokenhub.errors import BadRequest

_UNCOUNTED_BYTES: Final = 256 * 1024
"""No content makes a body this long expensive."""
_SLICE_BYTES: Final = 1024 * 1024

# Nanoseconds, from measurements of orjson and of the C scanner of CPython 3.11, rounded up.
_HOLD_NS: Final = 45_000_000
_BYTE_NS: Final = 1
_COST_NS: Final = ((b",", 45), (b":", 110), (b"{", 200), (b"[", 150))


def check_structure(body: bytes) -> Generator[None, None, None]:
    """Raise BadRequest when `body` holds too many values to be parsed; pause between slices."""
    if len(body) <= _UNCOUNTED_BYTES:
        return
    budget_ns, cost_ns = _HOLD_NS - _BYTE_NS * len(body), 0
    for start in range(0, len(body), _SLICE_BYTES):
        cost_ns += _cost_ns(body[start : start + _SLICE_BYTES])
        yield
    if cost_ns > budget_ns:
        yield from _check_exactly(body, budget_ns)


def _check_exactly(body: bytes, budget_ns: int) -> Generator[None, None, None]:
    """Count outside of strings only, which are found as orjson finds them up to its first error."""
    cost_ns, position, in_string = 0, 0, 0
    while position < len(body):
        piece = body[position : position + _SLICE_BYTES]
        if (
            len(piece) - len(piece.rstrip(b"\\"))
        ) % 2:  # do not part a backslash from its character
            piece += body[position + len(piece) : position + len(piece) + 1]
        position += len(piece)
        parts = piece.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        cost_ns += _cost_ns(b"".join(parts[in_string::2]))
        if cost_ns > budget_ns:
            raise BadRequest(
                "the body holds too many values: its structure would take too long to read"
            )
        in_string = (in_string + len(parts) - 1) % 2
        yield


def _cost_ns(text: bytes) -> int:
    return sum(text.count(byte) * cost for byte, cost in _COST_NS)
