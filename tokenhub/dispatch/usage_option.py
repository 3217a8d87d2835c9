"""Which providers take `stream_options.include_usage`, learned from their refusals."""

from tokenhub.dispatch.order import Order
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, Provider

MAX_REFUSALS = 10_000
_STREAMS_WITH_OPTION = frozenset({Api.CHAT, Api.COMPLETIONS})
_NAMES = (b"stream_options", b"include_usage")


class UsageOption:
    """Decides whether to ask a stream for its usage, and remembers who refused."""

    def __init__(self) -> None:
        self._refused: set[tuple[str, tuple[str, ...]]] = set()

    def wanted(self, order: Order, target: Target) -> bool:
        """Tell whether the option is to be added: the client did not, and the provider takes it."""
        asked = order.facts.usage_asked and target.api is order.api
        return (
            target.api in _STREAMS_WITH_OPTION
            and not asked
            and _identity(target.provider) not in self._refused
        )

    def refused_by(self, provider: Provider) -> None:
        """Remember that the provider refused a request and served it without just the option."""
        if len(self._refused) >= MAX_REFUSALS:
            self._refused.clear()
        self._refused.add(_identity(provider))


def names_option(error: UpstreamError) -> bool:
    """Tell whether `error`, a refusal, may be about the option that was added.

    Only a repetition that leaves out nothing else, and is served, can say so: some servers echo the
    whole body in any error.
    """
    return any(name in error.body for name in _NAMES)


def _identity(provider: Provider) -> tuple[str, tuple[str, ...]]:
    """The provider and where it lives: a new address is another server."""
    return provider.id, provider.base_urls
