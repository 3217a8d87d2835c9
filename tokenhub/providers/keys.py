"""Where a provider's key comes from."""

from collections.abc import Callable, Mapping
from typing import Literal

from tokenhub.errors import VaultUnavailable
from tokenhub.types import CredStore, Provider

Missing = Literal["credentials", "vault_locked"]


def secret_name(provider_id: str) -> str:
    """Return the name under which the vault holds a provider's key."""
    return f"provider:{provider_id}"


class ProviderKeys:
    """Finds the key of a provider at the moment of each call, so that a lock takes effect at once.

    `reveal` reads a vault secret by name, None when there is none, and raises `VaultUnavailable`.
    """

    def __init__(self, reveal: Callable[[str], str | None], environ: Mapping[str, str]) -> None:
        self._reveal = reveal
        self._environ = environ

    def key_for(self, provider: Provider, client_authorization: str | None) -> str | None:
        """Return the key to call `provider` with, None when it has none.

        `client_authorization` is the client's own `Authorization` header where it was not our key;
        it is what a `cred_store: client` provider gets. Raises `VaultUnavailable`.
        """
        match provider.cred_store:
            case CredStore.NONE:
                return None
            case CredStore.VAULT:
                return self._reveal(secret_name(provider.id))
            case CredStore.ENV:
                return _usable(self._environ.get(provider.key_env or ""))
            case CredStore.CLIENT:
                return client_authorization

    def missing(self, provider: Provider, client_authorization: str | None) -> Missing | None:
        """Return why `provider` cannot be called for want of a key, None when it can."""
        if provider.cred_store is CredStore.NONE:
            return None
        try:
            key = self.key_for(provider, client_authorization)
        except VaultUnavailable:
            return "vault_locked"
        return "credentials" if key is None else None


def _usable(value: str | None) -> str | None:
    key = (value or "").strip()
    return key if key and key.isascii() and key.isprintable() else None
