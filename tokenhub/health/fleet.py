"""Which providers there are, and which of them health is about."""

from collections.abc import Callable, Mapping

from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import RegistryHolder
from tokenhub.types import CredStore, Provider


class Fleet:
    """The registry's providers as health sees them.

    `keys` says which keys are to be had, without keeping a vault open by asking; `is_local` which
    providers need no network beyond a private one.
    """

    def __init__(
        self,
        registry: RegistryHolder,
        keys: ProviderKeys,
        is_local: Callable[[Provider], bool],
    ) -> None:
        self._registry = registry
        self._keys = keys
        self.is_local = is_local

    @property
    def providers(self) -> Mapping[str, Provider]:
        """All providers by id."""
        return self._registry.current.providers

    def serving(self) -> list[Provider]:
        """Return those that can be called now: enabled, and with a key if they need one.

        The others' health stands still: a locked vault is not their fault.
        """
        return [p for p in self.providers.values() if p.enabled and self._has_key(p)]

    def key_of(self, provider: Provider) -> str | None:
        """Return our own key for a provider that is serving; None if it needs none of ours."""
        return self._keys.key_for(provider, None)

    def remote_ids(self) -> set[str]:
        """Return the ids of those serving that only a network can reach."""
        return {provider.id for provider in self.serving() if not self.is_local(provider)}

    def _has_key(self, provider: Provider) -> bool:
        """Whether it can be called; a client that brings the key itself is taken to have it."""
        if provider.cred_store is CredStore.CLIENT:
            return True
        return self._keys.missing(provider, None) is None
