"""Models: added, changed, switched on and off, removed; one row a deployment."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.inventory import Inventory, ModelKey, ambiguous, not_found
from tokenhub.administration.known_models import KnownModels
from tokenhub.administration.providers import Also, nothing
from tokenhub.administration.rows import model_row
from tokenhub.errors import BadRequest
from tokenhub.observe.events import EventBus
from tokenhub.providers.pricing import RateFields
from tokenhub.providers.spec import ModelSpec, resolve_model
from tokenhub.storage import models

PRICE_FIELDS = frozenset(RateFields.model_fields) | {"tiers"}


class Models:
    """Administers models in the database and the inventory."""

    def __init__(
        self, changes: Changes, inventory: Inventory, known: KnownModels, events: EventBus
    ) -> None:
        self._changes = changes
        self._inventory = inventory
        self._known = known
        self._events = events

    def list(self) -> list[dict[str, Any]]:
        """Return all deployments as they are shown, by id and then provider."""
        ordered = sorted(self._inventory.models, key=lambda key: (key[1], key[0]))
        return [self._row(key) for key in ordered]

    def get(self, name: str) -> dict[str, Any]:
        """Return one deployment as it is shown."""
        return self._row(self._inventory.model_key(name))

    async def upsert(
        self, payload: Mapping[str, Any], author: Author, also: Also = nothing
    ) -> tuple[dict[str, Any], bool]:
        """Create a deployment, or change the fields given of one that is there.

        Return its row and whether it is new. Prices and sizes of a new one that are not given come
        from the catalogue, where it knows the model. It is enabled unless `payload` says otherwise.
        """
        key = (str(payload.get("provider_id")), str(payload.get("id")))
        if key in self._inventory.models:
            return await self._changes.alone(self._update(key, payload, author, also))
        spec = ModelSpec.parse(payload)
        provider = self._inventory.providers.get(spec.provider_id)
        if provider is None:
            known = ", ".join(sorted(self._inventory.providers)) or "none yet"
            raise BadRequest(
                f"provider_id: there is no provider {spec.provider_id!r}: one of {known}",
                param="provider_id",
            )
        spec = await self._known.completed(spec, self._inventory.resolved(provider))
        return await self._changes.alone(self._upsert(spec, author, also))

    async def patch(
        self, name: str, payload: Mapping[str, Any], author: Author, also: Also = nothing
    ) -> None:
        """Change the fields given; enabling a known model without a row registers it."""
        if payload.get("enabled") is True and len(payload) == 1 and not self._has(name):
            spec = await self._registrable(name)
            await self._changes.alone(self._upsert(spec, author, also))
        else:
            await self._changes.alone(self._patch(name, payload, author, "model.patch", also))

    async def delete(self, name: str, author: Author) -> None:
        """Remove a deployment."""
        await self._changes.alone(self._delete(name, author))

    async def register(self, specs: Sequence[ModelSpec], author: Author) -> None:
        """Add those of `specs` that have no row yet, all at once."""
        await self._changes.alone(self._register(specs, author))

    async def _upsert(
        self, spec: ModelSpec, author: Author, also: Also
    ) -> tuple[dict[str, Any], bool]:
        self._inventory.provider(spec.provider_id)  # it may have gone while the catalogue was read
        key = (spec.provider_id, spec.id)
        before = self._inventory.models.get(key)
        await self._store(spec, before, author, "model.upsert", also)
        return self._row(key), before is None

    async def _update(
        self, key: ModelKey, payload: Mapping[str, Any], author: Author, also: Also
    ) -> tuple[dict[str, Any], bool]:
        changes = {"enabled": True, **payload}
        await self._patch("/".join(key), changes, author, "model.upsert", also)
        return self._row(key), False

    async def _patch(
        self, name: str, payload: Mapping[str, Any], author: Author, action: str, also: Also
    ) -> None:
        before = self._inventory.models[self._inventory.model_key(name)]
        changes = dict(payload)
        if PRICE_FIELDS & changes.keys():
            changes.setdefault("pricing_source", "manual")
        await self._store(before.patched(changes), before, author, action, also)

    async def _store(
        self, spec: ModelSpec, before: ModelSpec | None, author: Author, action: str, also: Also
    ) -> None:
        now_ms = self._changes.now_ms()
        stored = spec.stored()

        def change(connection: sqlite3.Connection) -> None:
            models.upsert(connection, spec.provider_id, spec.id, stored, now_ms)
            also(connection)

        resource = f"{spec.provider_id}/{spec.id}"
        entry = author.entry(
            action, resource, before=None if before is None else before.stored(), after=stored
        )
        await self._changes.apply(entry, change)
        self._inventory.put_models([spec])
        self._events.publish("config_changed", action=action, resource=resource)

    async def _register(self, specs: Sequence[ModelSpec], author: Author) -> None:
        now_ms = self._changes.now_ms()
        known = self._inventory
        fresh = [
            spec
            for spec in specs
            if spec.provider_id in known.providers
            and (spec.provider_id, spec.id) not in known.models
        ]
        if not fresh:
            return

        def change(connection: sqlite3.Connection) -> None:
            for spec in fresh:
                models.upsert(connection, spec.provider_id, spec.id, spec.stored(), now_ms)

        entries = [
            author.entry("model.upsert", f"{spec.provider_id}/{spec.id}", after=spec.stored())
            for spec in fresh
        ]
        await self._changes.apply_all(entries, change)
        known.put_models(fresh)
        self._events.publish("config_changed", action="model.upsert", models=len(fresh))

    async def _delete(self, name: str, author: Author) -> None:
        key = self._inventory.model_key(name)
        resource = "/".join(key)
        entry = author.entry("model.delete", resource, before=self._inventory.models[key].stored())
        await self._changes.apply(entry, lambda connection: models.delete(connection, *key))
        self._inventory.remove_model(key)
        self._events.publish("config_changed", action="model.delete", resource=resource)

    def _has(self, name: str) -> bool:
        return self._inventory.find_model(name) is not None

    async def _registrable(self, name: str) -> ModelSpec:
        """Return the row of a model that a provider or the catalogue knows under `name`."""
        provider_id, slash, model_id = name.partition("/")
        if slash and provider_id in self._inventory.providers:
            wanted, candidates = model_id, [provider_id]
        else:
            wanted, candidates = name, sorted(self._inventory.providers)
        specs = [self._inventory.providers[candidate] for candidate in candidates]
        found = await self._known.find(wanted, [self._inventory.resolved(spec) for spec in specs])
        if len(found) > 1:
            raise ambiguous(name, [(spec.provider_id, spec.id) for spec in found])
        if not found:
            raise not_found("model", name, [key[1] for key in self._inventory.models])
        return found[0]

    def _row(self, key: ModelKey) -> dict[str, Any]:
        spec = self._inventory.models[key]
        provider = self._inventory.resolved(self._inventory.provider(spec.provider_id))
        return model_row(spec, resolve_model(spec, provider))
