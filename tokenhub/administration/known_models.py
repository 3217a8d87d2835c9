"""What providers and the price catalogue know about models that may have no row yet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tokenhub.errors import UpstreamError, VaultUnavailable
from tokenhub.providers.catalogue import CatalogueEntry
from tokenhub.providers.discovery import Discovered, discover
from tokenhub.providers.fields import is_model_id
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.pricing import price_fields
from tokenhub.providers.spec import ModelSpec, resolve_model
from tokenhub.providers.upstream import Upstream
from tokenhub.types import Provider

Lookup = Callable[[Sequence[tuple[str, str]]], Awaitable[list[CatalogueEntry | None]]]

LOOKUPS_AT_ONCE: Final = 2
"""Each is a process of its own: many at once would only run into their time limit together."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model with what is known of it; `pricing_source` says who knew its prices."""

    found: Discovered
    pricing_source: str | None

    def sizes(self) -> dict[str, int]:
        """Return what is known of its sizes as fields of a model's row."""
        sizes = {
            "max_context_tokens": self.found.max_context_tokens,
            "max_output_tokens": self.found.max_output_tokens,
        }
        return {name: value for name, value in sizes.items() if value is not None}

    def fields(self) -> dict[str, Any]:
        """Return all that is known as fields of a model's row."""
        if self.found.prices is None:
            return dict(self.sizes())
        prices = price_fields(self.found.prices)
        return self.sizes() | prices | {"pricing_source": self.pricing_source}

    def spec(self, provider_id: str, *, enabled: bool) -> ModelSpec:
        """Return the row that registers it."""
        key = {"id": self.found.id, "provider_id": provider_id, "enabled": enabled}
        return ModelSpec.parse(key | self.fields())


class KnownModels:
    """Asks the catalogue (`lookup`) and, through `upstream`, the providers themselves."""

    def __init__(
        self, upstream: Upstream, keys: ProviderKeys, lookup: Lookup, now_ms: Callable[[], int]
    ) -> None:
        self._upstream = upstream
        self._keys = keys
        self._lookup = lookup
        self._now_ms = now_ms
        self._lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def listed(self, provider: Provider) -> list[KnownModel]:
        """Return what `provider` lists, with what the catalogue adds; raises `UpstreamError`.

        Without an available key it is asked without one.
        """
        found = await discover(self._upstream, provider, self._key(provider), self._now_ms())
        entries = await self._looked_up([(provider.prefix, model.id) for model in found])
        return [_merged(model, entry) for model, entry in zip(found, entries, strict=True)]

    async def completed(self, spec: ModelSpec, provider: Provider) -> ModelSpec:
        """Return `spec` with the catalogue's prices and sizes where it says nothing of them."""
        deployment = resolve_model(spec, provider)
        given = {name: value for name, value in spec.stored().items() if value is not None}
        if deployment.prices is not None:
            given.setdefault("pricing_source", "manual")
            if spec.max_context_tokens is not None:
                return ModelSpec.parse(given)
        entry = (await self._looked_up([(provider.prefix, deployment.upstream_name)]))[0]
        known = _merged(Discovered(spec.id), entry)
        # Prices are taken as a whole or not at all: ours must not mix with the catalogue's.
        filled = known.fields() if deployment.prices is None else known.sizes()
        return ModelSpec.parse(filled | given)

    async def find(self, name: str, providers: Sequence[Provider]) -> list[ModelSpec]:
        """Return the enabled row that `name` would have at each provider that is known to have it.

        The catalogue is asked first; providers it does not know are asked themselves, and one that
        does not answer has nothing.
        """
        if not is_model_id(name):
            return []
        entries = await self._looked_up([(provider.prefix, name) for provider in providers])
        found = await asyncio.gather(
            *(
                self._known(name, provider, entry)
                for provider, entry in zip(providers, entries, strict=True)
            )
        )
        return [
            known.spec(provider.id, enabled=True)
            for provider, known in zip(providers, found, strict=True)
            if known is not None
        ]

    async def _known(
        self, name: str, provider: Provider, entry: CatalogueEntry | None
    ) -> KnownModel | None:
        return (
            await self._ask(provider, name) if entry is None else _merged(Discovered(name), entry)
        )

    async def _ask(self, provider: Provider, name: str) -> KnownModel | None:
        try:
            listed = await self.listed(provider)
        except UpstreamError:
            return None
        return next((known for known in listed if known.found.id == name), None)

    async def _looked_up(self, names: Sequence[tuple[str, str]]) -> list[CatalogueEntry | None]:
        async with self._lookups:
            return await self._lookup(names)

    def _key(self, provider: Provider) -> str | None:
        try:
            return self._keys.key_for(provider, None)
        except VaultUnavailable:
            return None


def _merged(found: Discovered, entry: CatalogueEntry | None) -> KnownModel:
    """Return what the provider says, completed by the catalogue."""
    if entry is None:
        return KnownModel(found, "provider" if found.prices else None)
    merged = replace(
        found,
        prices=found.prices or entry.prices,
        max_context_tokens=found.max_context_tokens or entry.max_context_tokens,
    )
    return KnownModel(merged, "provider" if found.prices else "catalogue")
