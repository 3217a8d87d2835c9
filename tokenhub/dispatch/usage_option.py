"""Which providers take `stream_options.include_usage`, learned from their refusals."""

from tokenhub.dispatch.order import Order
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, Provider

_STREAMS_WITH_OPTION = frozenset({Api.CHAT, Api.COMPLETIONS})
_NAMES = (b"stream_options", b"include_usage")


class UsageOption:
    """Decides whether to ask a stream for its usage, and remembers who refused (SPEC §2)."""

    def __init__(self) -> None:
        self._refused: set[tuple[str, tuple[str, ...]]] = set()

    def wanted(self, order: Order, provider: Provider) -> bool:
        """Tell whether the option is to be added: the client did not, and the provider takes it."""
        return (
            order.api in _STREAMS_WITH_OPTION
            and not order.facts.usage_asked
            and _identity(provider) not in self._refused
        )

    def refused_by(self, error: UpstreamError, provider: Provider) -> bool:
        """Tell whether `error` refuses the option that was added; it is not added there again."""
        if error.status not in (400, 422) or not any(name in error.body for name in _NAMES):
            return False
        self._refused.add(_identity(provider))
        return True


def _identity(provider: Provider) -> tuple[str, tuple[str, ...]]:
    """The provider and where it lives: a new address is another server."""
    return provider.id, provider.base_urls
