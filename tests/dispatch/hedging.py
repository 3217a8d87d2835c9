"""A gateway whose providers are slow as a test says, and what came of each call.

`p` goes first, `q` second, `r` third; each answers calls in the order in which they come.
"""

import asyncio
from typing import Any

from tests.dispatch.fakes import DONE, FINISH, USAGE, chunk
from tests.support.scripted_road import WHOLE, Road, other
from tokenhub.errors import UpstreamError
from tokenhub.routing.policy import RoutingConfig
from tokenhub.types import ErrorClass

HEDGED = RoutingConfig(hedge_after_ms=1000)
SECOND = WHOLE.replace(b'{"choices"', b'{"id":"second","choices"')
CHARGE = 7 + 3 * 2
"""What WHOLE, or a stream with USAGE, costs in nano-dollars."""
ASKED = 6
"""Our count of the input tokens of the request, a nano-dollar each."""
NEVER = 1e6


def limited(retry_after_s: float) -> UpstreamError:
    return UpstreamError(
        ErrorClass.RATE_LIMITED, "slow down", status=429, retry_after_s=retry_after_s
    )


LIMIT = limited(9.0)


def spoken(text: str) -> tuple[bytes, ...]:
    return chunk(text), FINISH, USAGE, DONE


def heard(text: str) -> bytes:
    """What the client gets of a stream of `spoken`, whose usage it did not ask for."""
    return chunk(text) + FINISH + DONE


def road(*answers: Any, others: str = "q", **fields: Any) -> Road:
    return Road(
        list(answers),
        others=[other(id) for id in others],
        **{"config": HEDGED, **fields},
    )


def calls(where: Road) -> list[tuple[str, ErrorClass | None, int]]:
    """Who was called, what came of it, and what it cost."""
    return [(one.provider_id, one.error_class, one.cost_nano) for one in where.outcome.attempts]


def lost(provider_id: str, output_tokens: int = 0) -> tuple[str, ErrorClass, int]:
    return provider_id, ErrorClass.CANCELLED, ASKED + 2 * output_tokens


async def headers_of(where: Road, **fields: Any) -> dict[str, str]:
    """The headers of an answer, or of a stream that has ended."""
    answer = await where.serve(**fields)
    return dict(where.client.headers or () if answer is None else answer.headers)


def now() -> float:
    return asyncio.get_running_loop().time()
