"""The providers and models as they were given, and the registry that requests read of them."""

import difflib
import logging
from collections.abc import Iterable, Mapping

from tokenhub.errors import RequestError, TokenHubError
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.providers.spec import ModelSpec, ProviderSpec, resolve, resolve_model
from tokenhub.storage import models, providers
from tokenhub.storage.database import Database
from tokenhub.types import Provider, Timeouts

logger = logging.getLogger(__name__)

ModelKey = tuple[str, str]
"""Provider id and model id."""


class Inventory:
    """Holds what is stored, by id; every change makes a new registry and puts it in force."""

    def __init__(self, holder: RegistryHolder, timeouts: Timeouts) -> None:
        self._holder = holder
        self._timeouts = timeouts
        self._providers: dict[str, ProviderSpec] = {}
        self._models: dict[ModelKey, ModelSpec] = {}

    @property
    def providers(self) -> Mapping[str, ProviderSpec]:
        """The providers as given, by id."""
        return self._providers

    @property
    def models(self) -> Mapping[ModelKey, ModelSpec]:
        """The models as given."""
        return self._models

    async def load(self, database: Database) -> None:
        """Read what is stored; a row that is no longer valid is left out and logged."""
        rows = await database.read(providers.all)
        for provider_id, stored in rows:
            try:
                self._providers[provider_id] = ProviderSpec.parse({"id": provider_id, **stored})
            except TokenHubError as error:
                logger.error("the stored provider %s is left out: %s", provider_id, error)
        for provider_id, model_id, stored in await database.read(models.all):
            if provider_id not in self._providers:
                continue
            key = {"id": model_id, "provider_id": provider_id}
            try:
                self._models[provider_id, model_id] = ModelSpec.parse({**stored, **key})
            except TokenHubError as error:
                logger.error("the model %s/%s is left out: %s", provider_id, model_id, error)
        self._publish()

    def put_provider(self, spec: ProviderSpec) -> None:
        """Add or replace a provider."""
        self._providers[spec.id] = spec
        self._publish()

    def remove_provider(self, provider_id: str) -> None:
        """Remove a provider and its models."""
        del self._providers[provider_id]
        self._models = {key: spec for key, spec in self._models.items() if key[0] != provider_id}
        self._publish()

    def put_models(self, specs: Iterable[ModelSpec]) -> None:
        """Add or replace models of providers that are there."""
        self._models |= {(spec.provider_id, spec.id): spec for spec in specs}
        self._publish()

    def remove_model(self, key: ModelKey) -> None:
        """Remove a model."""
        del self._models[key]
        self._publish()

    def provider(self, provider_id: str) -> ProviderSpec:
        """Return a provider as given; 404 naming the nearest where there is none."""
        spec = self._providers.get(provider_id)
        if spec is None:
            raise not_found("provider", provider_id, list(self._providers))
        return spec

    def resolved(self, spec: ProviderSpec) -> Provider:
        """Return the provider that `spec` comes to, presets and defaults filled in."""
        return resolve(spec, self._timeouts)

    def find_model(self, name: str) -> ModelKey | None:
        """Return the deployment that `name` means, None where there is none.

        `<provider_id>/<id>` is always the one; a bare id with several is a 409 that lists them.
        """
        provider_id, slash, model_id = name.partition("/")
        if slash and (provider_id, model_id) in self._models:
            return provider_id, model_id
        found = sorted(key for key in self._models if key[1] == name)
        if len(found) > 1:
            raise ambiguous(name, found)
        return found[0] if found else None

    def model_key(self, name: str) -> ModelKey:
        """Return the deployment that `name` means, else raise a 404 naming the nearest."""
        key = self.find_model(name)
        if key is None:
            known = [name for pid, mid in self._models for name in (mid, f"{pid}/{mid}")]
            raise not_found("model", name, known)
        return key

    def _publish(self) -> None:
        in_force = {spec.id: self.resolved(spec) for spec in self._providers.values()}
        deployments = [
            resolve_model(spec, in_force[spec.provider_id]) for spec in self._models.values()
        ]
        self._holder.replace(Registry.build(in_force.values(), deployments))


def ambiguous(name: str, keys: list[ModelKey]) -> RequestError:
    """Return the 409 for a bare model id that several providers have."""
    listed = ", ".join(f"{provider_id}/{model_id}" for provider_id, model_id in keys)
    return RequestError(
        409, "ambiguous_model", f"{len(keys)} providers have {name!r}: say which: {listed}"
    )


def not_found(kind: str, name: str, known: list[str]) -> RequestError:
    """Return the 404 for a `kind` that is not there, with the nearest names of those that are."""
    near = difflib.get_close_matches(name[:200], known, 3, 0.5)
    hint = f": did you mean {' or '.join(repr(each) for each in near)}?" if near else ""
    return RequestError(404, f"{kind}_not_found", f"there is no {kind} {name!r}{hint}")
