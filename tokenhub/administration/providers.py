"""Providers: added, changed, removed, each with its key."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.key_store import KEEP, KeyChange, KeyStore
from tokenhub.administration.rows import provider_row
from tokenhub.health.monitor import HealthMonitor
from tokenhub.observe.events import EventBus
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.spec import ProviderSpec, origins
from tokenhub.storage import providers
from tokenhub.types import CredStore

Also = Callable[[sqlite3.Connection], None]


def nothing(_: sqlite3.Connection) -> None:
    """Add nothing to the transaction."""


class Providers:
    """Administers providers in the database, the inventory and the key store."""

    def __init__(
        self,
        changes: Changes,
        inventory: Inventory,
        key_store: KeyStore,
        keys: ProviderKeys,
        health: HealthMonitor,
        events: EventBus,
    ) -> None:
        self._changes = changes
        self._inventory = inventory
        self._key_store = key_store
        self._keys = keys
        self._health = health
        self._events = events

    def list(self) -> list[dict[str, Any]]:
        """Return all providers as they are shown, by id."""
        return [self.get(provider_id) for provider_id in sorted(self._inventory.providers)]

    def get(self, provider_id: str) -> dict[str, Any]:
        """Return one provider as it is shown; 404 where there is none."""
        spec = self._inventory.provider(provider_id)
        return provider_row(
            spec,
            self._inventory.resolved(spec),
            has_key=self._has_key(spec),
            health=self._health.of(provider_id),
        )

    async def upsert(
        self, payload: Mapping[str, Any], author: Author, also: Also = nothing
    ) -> tuple[dict[str, Any], bool]:
        """Create a provider, or change the fields given of one that is there.

        Return its row and whether it is new. A preset's name is the id where none is given, and a
        provider is enabled unless `payload` says otherwise. `also` runs in the same transaction.
        """
        return await self._changes.alone(self._upsert(payload, author, also))

    async def patch(
        self,
        provider_id: str,
        payload: Mapping[str, Any],
        author: Author,
        also: Also = nothing,
    ) -> bool:
        """Change the fields given; return whether that detached the provider's key.

        It does where the key is null, or the origin is a new one and no new key comes with it.
        """
        return await self._changes.alone(self._patch(provider_id, payload, author, also))

    async def delete(self, provider_id: str, author: Author) -> None:
        """Remove a provider, its models and its key."""
        await self._changes.alone(self._delete(provider_id, author))

    async def _upsert(
        self, payload: Mapping[str, Any], author: Author, also: Also
    ) -> tuple[dict[str, Any], bool]:
        if payload.get("preset") is not None:
            payload = {"id": payload["preset"], **payload}
        before = self._inventory.providers.get(str(payload.get("id")))
        if before is None:
            spec = ProviderSpec.parse(payload)
        else:
            spec = before.patched({"enabled": True, **payload})
        await self._store(spec, before, author, "provider.upsert", also)
        return self.get(spec.id), before is None

    async def _patch(
        self, provider_id: str, payload: Mapping[str, Any], author: Author, also: Also
    ) -> bool:
        before = self._inventory.provider(provider_id)
        had_key = self._key_store.has(provider_id)
        await self._store(before.patched(payload), before, author, "provider.patch", also)
        return had_key and not self._key_store.has(provider_id)

    async def _store(
        self,
        spec: ProviderSpec,
        before: ProviderSpec | None,
        author: Author,
        action: str,
        also: Also,
    ) -> None:
        key_change = self._key_change(spec, before)
        now_ms = self._changes.now_ms()

        def change(connection: sqlite3.Connection) -> None:
            providers.upsert(connection, spec.id, spec.stored(), now_ms)
            key_change.commit(connection)
            also(connection)

        entry = author.entry(
            action,
            spec.id,
            before=None if before is None else before.stored(),
            after=spec.stored() | ({} if spec.api_key is None else {"api_key": "new"}),
        )
        await self._changes.apply(entry, change)
        key_change.adopt()
        self._inventory.put_provider(ProviderSpec.parse(spec.stored()))
        self._health.forget(spec.id)  # another address or key may do better
        self._events.publish("config_changed", action=action, resource=spec.id)

    def _key_change(self, spec: ProviderSpec, before: ProviderSpec | None) -> KeyChange:
        if spec.api_key is not None:
            return self._key_store.put(spec.id, spec.api_key.get_secret_value())
        if not self._key_store.has(spec.id):
            return KEEP
        provider = self._inventory.resolved(spec)
        if before is None or _drops_key(spec) or provider.cred_store is not CredStore.VAULT:
            return self._key_store.remove(spec.id)
        was = self._inventory.resolved(before)
        return KEEP if origins(provider) <= origins(was) else self._key_store.remove(spec.id)

    async def _delete(self, provider_id: str, author: Author) -> None:
        before = self._inventory.provider(provider_id)
        key_change = self._key_store.remove(provider_id)

        def change(connection: sqlite3.Connection) -> None:
            providers.delete(connection, provider_id)
            key_change.commit(connection)

        entry = author.entry("provider.delete", provider_id, before=before.stored())
        await self._changes.apply(entry, change)
        key_change.adopt()
        self._inventory.remove_provider(provider_id)
        self._health.forget(provider_id)
        self._events.publish("config_changed", action="provider.delete", resource=provider_id)

    def _has_key(self, spec: ProviderSpec) -> bool:
        provider = self._inventory.resolved(spec)
        if provider.cred_store is CredStore.VAULT:
            return self._key_store.has(spec.id)
        return self._keys.key_for(provider, None) is not None


def _drops_key(spec: ProviderSpec) -> bool:
    return spec.api_key is None and "api_key" in spec.model_fields_set
