"""APIs that a provider turned out not to have, whatever its row says."""

from collections.abc import Callable

from tokenhub.types import Api, Provider

MARKED_S = 3600.0
"""After an hour the provider is asked again: it may have been updated."""
MAX_MARKS = 10_000


class LackingApis:
    """Remembers for an hour who has no such API; a provider at a new address is another one."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: dict[tuple[str, tuple[str, ...], Api], float] = {}

    def mark(self, provider: Provider, api: Api) -> None:
        """The provider answered that it has no `api`."""
        if len(self._until) >= MAX_MARKS:
            self._until.clear()
        self._until[_name(provider, api)] = self._monotonic() + MARKED_S

    def forget(self, provider_id: str) -> None:
        """Ask a provider anew that was changed or deleted."""
        self._until = {name: at for name, at in self._until.items() if name[0] != provider_id}

    def lacks(self, provider: Provider, api: Api) -> bool:
        """Tell whether a call of `api` is known to be of no use."""
        if not self._until:
            return False
        until = self._until.get(_name(provider, api))
        return until is not None and self._monotonic() < until


def _name(provider: Provider, api: Api) -> tuple[str, tuple[str, ...], Api]:
    return provider.id, provider.base_urls, api
