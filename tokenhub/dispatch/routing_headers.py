"""The headers that tell a client where its request went and what it cost."""

from tokenhub.dispatch.trip import Trip
from tokenhub.types import NANO


def routing_headers(trip: Trip, cost_nano: int | None = None) -> list[tuple[str, str]]:
    """The `X-TokenHub-*` headers of a routed response; `cost_nano` None for streams and errors."""
    candidate = trip.candidate
    if candidate is None:
        return []
    headers = [
        ("X-TokenHub-Model", candidate.deployment.id),
        ("X-TokenHub-Provider", candidate.provider.id),
        ("X-TokenHub-Reason", candidate.reason),
        ("X-TokenHub-Estimated-Cost-USD", usd(candidate.estimate_nano or 0)),
        ("X-TokenHub-Attempts", str(max(1, trip.progress.calls))),
    ]
    if cost_nano is not None:
        headers.append(("X-TokenHub-Cost-USD", usd(cost_nano)))
    return headers


def usd(nano: int) -> str:
    """Nano-dollars as an exact decimal number of dollars."""
    whole, rest = divmod(nano, NANO)
    return f"{whole}.{rest:09d}"
