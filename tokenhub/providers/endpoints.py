"""Which of a provider's endpoints is called next."""

from tokenhub.types import Provider

_MAX_PROVIDERS = 1000


class Endpoints:
    """Round-robin over each provider's `base_urls`."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}

    def pick(self, provider: Provider) -> str:
        """Return the base URL whose turn it is."""
        urls = provider.base_urls
        if len(urls) == 1:
            return urls[0]
        turn = self._calls.get(provider.id, 0)
        if turn == 0 and len(self._calls) >= _MAX_PROVIDERS:
            self._calls.clear()
        self._calls[provider.id] = turn + 1
        return urls[turn % len(urls)]
