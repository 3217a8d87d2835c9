"""The headers that tell a client where its request went and what it cost."""

from tokenhub.dispatch.trip import Trip
from tokenhub.types import NANO


def routing_headers(trip: Trip, cost_nano: int | None = None) -> list[tuple[str, str]]:
    """The `X-TokenHub-*` headers of a routed response; `cost_nano` None for streams and errors."""
    target, reservation = trip.target, trip.reservation
    if target is None or reservation is None:
        return []
    headers = [
        ("X-TokenHub-Model", target.deployment.id),
        ("X-TokenHub-Provider", target.provider.id),
        ("X-TokenHub-Reason", trip.reason),
        ("X-TokenHub-Estimated-Cost-USD", usd(reservation.estimate.expected_nano)),
        ("X-TokenHub-Attempts", str(trip.progress.calls)),
    ]
    if cost_nano is not None:
        headers.append(("X-TokenHub-Cost-USD", usd(cost_nano)))
    return headers


def usd(nano: int) -> str:
    """Nano-dollars as an exact decimal number of dollars."""
    whole, rest = divmod(nano, NANO)
    return f"{whole}.{rest:09d}"
