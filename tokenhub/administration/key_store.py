"""Where providers' keys are kept: in the vault, or with the vault off in memory only."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tokenhub.errors import BadRequest
from tokenhub.providers.keys import secret_name
from tokenhub.storage import vault as vault_rows
from tokenhub.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A change of one key: `commit` goes into the transaction, `adopt` into memory after it."""

    commit: Callable[[sqlite3.Connection], object]
    adopt: Callable[[], object]


KEEP = KeyChange(lambda _: None, lambda: None)
"""The key stays as it is."""


class KeyStore(Protocol):
    """Keeps providers' keys by provider id."""

    def has(self, provider_id: str) -> bool:
        """Tell whether there is a key, also while it cannot be read."""
        ...

    def put(self, provider_id: str, key: str) -> KeyChange:
        """Return the change that stores `key`; raises TokenHubError where none can be now."""
        ...

    def remove(self, provider_id: str) -> KeyChange:
        """Return the change that removes the key, where there is one."""
        ...

    def reveal(self, name: str) -> str | None:
        """Return the secret `name` (see `providers.keys`); raises `VaultUnavailable`."""
        ...


class VaultKeys:
    """Keys in the vault."""

    def __init__(self, vault: Vault, now_ms: Callable[[], int]) -> None:
        self._vault = vault
        self._now_ms = now_ms

    def has(self, provider_id: str) -> bool:
        """Tell whether the vault holds a key of the provider."""
        return self._vault.has(secret_name(provider_id))

    def put(self, provider_id: str, key: str) -> KeyChange:
        """Return the change that seals `key`; raises `VaultUnavailable` unless unlocked."""
        sealed = self._vault.seal(secret_name(provider_id), key)
        return KeyChange(
            lambda connection: vault_rows.put_secret(connection, sealed, self._now_ms()),
            lambda: self._vault.adopt(sealed),
        )

    def remove(self, provider_id: str) -> KeyChange:
        """Return the change that removes the secret; the vault may be locked."""
        name = secret_name(provider_id)
        return KeyChange(
            lambda connection: self._vault.drop(connection, name), lambda: self._vault.forget(name)
        )

    def reveal(self, name: str) -> str | None:
        """Return a secret while the vault is unlocked."""
        return self._vault.reveal(name)


class MemoryKeys:
    """Keys in the memory of this process: TOKENHUB_VAULT_ENABLED=false."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def hold(self, provider_id: str, key: str) -> None:
        """Keep a key of the credentials file until the process ends."""
        self._keys[secret_name(provider_id)] = key

    def has(self, provider_id: str) -> bool:
        """Tell whether a key of the provider is held."""
        return secret_name(provider_id) in self._keys

    def put(self, provider_id: str, key: str) -> KeyChange:
        """Refuse: what is given by API must outlive the process."""
        raise BadRequest(
            "api_key: the vault is disabled (TOKENHUB_VAULT_ENABLED): use the credentials file, "
            "or cred_store 'env'",
            param="api_key",
        )

    def remove(self, provider_id: str) -> KeyChange:
        """Return the change that forgets the key."""
        return KeyChange(lambda _: None, lambda: self._keys.pop(secret_name(provider_id), None))

    def reveal(self, name: str) -> str | None:
        """Return a key that is held."""
        return self._keys.get(name)
