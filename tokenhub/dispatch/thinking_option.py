"""Which models take no word about how much to think, learned from their refusals.

A client asks its own protocol's models for thinking as a matter of course (Claude Code always
does); a model of another protocol to which that is translated may know nothing of it.
"""

from typing import Final

from tokenhub.dispatch.order import Order
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError

MAX_REFUSALS: Final = 10_000
_NAMES: Final = (b"reasoning", b"thinking", b"effort")
_Identity = tuple[str, tuple[str, ...], str]


class ThinkingOption:
    """Decides whether a translated request says how much to think, and remembers who refused."""

    def __init__(self) -> None:
        self._refused: set[_Identity] = set()

    def wanted(self, order: Order, target: Target) -> bool:
        """Tell whether it is to be said: always in the client's own protocol."""
        return target.api is order.api or _identity(target) not in self._refused

    def refused_by(self, target: Target) -> None:
        """Remember that the model refused it and served the same request without it."""
        if len(self._refused) >= MAX_REFUSALS:
            self._refused.clear()
        self._refused.add(_identity(target))


def names_thinking(error: UpstreamError) -> bool:
    """Tell whether `error` may be about how much to think; only a repetition can say so."""
    return error.status in (400, 422) and any(name in error.body for name in _NAMES)


def _identity(target: Target) -> _Identity:
    provider = target.provider
    return provider.id, provider.base_urls, target.deployment.upstream_name
