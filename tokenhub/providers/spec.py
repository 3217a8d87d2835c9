"""What an administrator may write about a provider and about a model, and what it comes to.

A spec holds what was given; `resolve` and `resolve_model` fill in presets and defaults. So a stored
row follows a preset that changes, and a partial change keeps what it does not name.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

import pydantic
from pydantic import AfterValidator, Field, SecretStr, model_validator

from tokenhub.errors import BadRequest
from tokenhub.providers import fields, presets, urls
from tokenhub.providers.payload import validate
from tokenhub.providers.presets import Preset
from tokenhub.providers.pricing import STRICT, RateFields, TierFields, resolve_prices
from tokenhub.types import (
    Api,
    Capability,
    CredStore,
    Deployment,
    Provider,
    ProviderType,
    Timeouts,
)

ProviderId = Annotated[str, Field(pattern=fields.PROVIDER_ID)]
ModelId = Annotated[str, Field(pattern=fields.MODEL_ID, max_length=fields.MODEL_ID_CHARS)]
KeyEnv = Annotated[str, Field(pattern=fields.KEY_ENV)]
BaseUrl = Annotated[str, AfterValidator(fields.check_base_url)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000)]

_DEFAULT_TIMEOUTS: Final = Timeouts()


class ProviderSpec(pydantic.BaseModel):
    """A provider's row as given; `api_key` is write-only and never in `stored()`."""

    model_config = STRICT

    id: ProviderId
    type: ProviderType | None = None
    preset: str | None = None
    base_url: BaseUrl | None = None
    base_urls: Annotated[tuple[BaseUrl, ...], Field(min_length=1, max_length=64)] | None = None
    enabled: bool = True
    cred_store: CredStore | None = None
    key_env: KeyEnv | None = None
    api_key: Annotated[SecretStr, AfterValidator(fields.check_api_key)] | None = None
    prefix: ProviderId | None = None
    apis: Annotated[frozenset[Api], Field(min_length=1)] | None = None
    auth_header: Annotated[str, AfterValidator(fields.check_auth_header)] | None = None
    headers: Annotated[dict[str, str], AfterValidator(fields.check_headers)] | None = None
    timeout_secs: Seconds | None = None
    connect_timeout_secs: Seconds | None = None
    first_event_timeout_secs: Seconds | None = None
    stream_idle_timeout_secs: Seconds | None = None
    proxy: Annotated[str, AfterValidator(fields.check_proxy)] | None = None
    ca_file: Annotated[str, AfterValidator(fields.check_ca_file)] | None = None
    autoload_models: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.base_url is not None and self.base_urls is not None:
            raise ValueError("expected either base_url or base_urls, got both")
        if self.api_key is not None and self.cred_store not in (None, CredStore.VAULT):
            raise ValueError("an api_key is kept in the vault: expected cred_store 'vault'")
        return self

    @classmethod
    def parse(cls, payload: Mapping[str, Any], *, listed: Collection[str] = ()) -> Self:
        """Return a checked spec; raise `BadRequest` naming the field that is wrong.

        `listed` are hosts allowed as base URLs although they are link-local or metadata services.
        """
        given = dict(payload)
        if given.get("api_key") is not None and given.get("cred_store") is None:
            given["cred_store"] = CredStore.VAULT.value
        spec = validate(cls, given, context={"listed": listed})
        resolve(spec)
        return spec

    def patched(self, changes: Mapping[str, Any], *, listed: Collection[str] = ()) -> Self:
        """Return this spec with `changes`; a null takes a field back to its default.

        A new `api_key` moves the provider to the vault, a null one stands in `model_fields_set`.
        Raises `BadRequest`.
        """
        merged = _merge(self.stored(), changes, fixed=("id",))
        if "api_key" in changes:
            merged["api_key"] = changes["api_key"]
        if changes.get("base_url") is not None and "base_urls" not in changes:
            merged.pop("base_urls", None)
        if changes.get("base_urls") is not None and "base_url" not in changes:
            merged.pop("base_url", None)
        if changes.get("api_key") is not None and "cred_store" not in changes:
            merged["cred_store"] = CredStore.VAULT.value
        return type(self).parse(merged, listed=listed)

    def stored(self) -> dict[str, Any]:
        """Return what was given as plain JSON values, without the key."""
        return _given(self, leave_out={"api_key"})


class ModelSpec(RateFields):
    """A model's row as given: one deployment, unique by `id` and `provider_id`."""

    id: ModelId
    provider_id: ProviderId
    upstream_name: Annotated[str, Field(pattern=fields.UPSTREAM_NAME)] | None = None
    weight: Annotated[int, Field(ge=0, le=10)] = 5
    max_context_tokens: Tokens | None = None
    max_output_tokens: Tokens | None = None
    tiers: Annotated[tuple[TierFields, ...], Field(max_length=16)] | None = None
    fallbacks: Annotated[tuple[ModelId, ...], Field(max_length=32)] | None = None
    capabilities: frozenset[Capability] | None = None
    enabled: bool = True
    pricing_source: Literal["manual", "catalogue", "provider"] | None = None

    @model_validator(mode="after")
    def _whole_prices(self) -> Self:
        resolve_prices(self, self.tiers or ())
        return self

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Self:
        """Return a checked spec; raise `BadRequest` naming the field that is wrong."""
        return validate(cls, payload)

    def patched(self, changes: Mapping[str, Any]) -> Self:
        """Return this spec with `changes`; a null takes a field back to its default.

        A new `cache_write_per_1k` takes the place of both durations' own prices.
        """
        merged = _merge(self.stored(), changes, fixed=("id", "provider_id"))
        if "cache_write_per_1k" in changes:
            for name in {"cache_write_5m_per_1k", "cache_write_1h_per_1k"} - changes.keys():
                merged.pop(name, None)
        return type(self).parse(merged)

    def stored(self) -> dict[str, Any]:
        """Return what was given as plain JSON values."""
        return _given(self)


def resolve(spec: ProviderSpec, timeouts: Timeouts = _DEFAULT_TIMEOUTS) -> Provider:
    """Return the provider in force; `timeouts` are the hub's, used where the row has none.

    Raises `BadRequest` when neither row nor preset says type or URL.
    """
    given = spec.base_urls or ((spec.base_url,) if spec.base_url is not None else ())
    preset = _preset(spec, given)
    provider_type = _type(spec, preset)
    # A preset of another protocol family knows this provider's name and key, but not its API.
    same = preset if preset is not None and preset.type is provider_type else None
    cred_store = spec.cred_store or (CredStore.ENV if spec.key_env else CredStore.NONE)
    return Provider(
        id=spec.id,
        type=provider_type,
        base_urls=_base_urls(given, same, provider_type),
        enabled=spec.enabled,
        cred_store=cred_store,
        key_env=_key_env(spec, preset) if cred_store is CredStore.ENV else None,
        prefix=spec.prefix or (preset.id if preset is not None else spec.id),
        apis=spec.apis or (same.apis if same is not None else presets.APIS_OF_TYPE[provider_type]),
        auth_header=spec.auth_header or (same.auth_header if same is not None else None),
        headers=MappingProxyType(dict(spec.headers or {})),
        timeouts=Timeouts(
            connect_s=spec.connect_timeout_secs or timeouts.connect_s,
            answer_s=spec.timeout_secs or timeouts.answer_s,
            first_event_s=spec.first_event_timeout_secs or timeouts.first_event_s,
            idle_s=spec.stream_idle_timeout_secs or timeouts.idle_s,
        ),
        proxy=spec.proxy,
        ca_file=spec.ca_file,
    )


def resolve_model(spec: ModelSpec, provider: Provider) -> Deployment:
    """Return the deployment in force at `provider`, which must be the one the row names."""
    return Deployment(
        id=spec.id,
        provider_id=spec.provider_id,
        upstream_name=spec.upstream_name or _without_prefix(spec.id, provider),
        weight=spec.weight,
        max_context_tokens=spec.max_context_tokens,
        max_output_tokens=spec.max_output_tokens,
        prices=resolve_prices(spec, spec.tiers or ()),
        fallbacks=spec.fallbacks or (),
        capabilities=_capabilities(spec),
        enabled=spec.enabled,
    )


def origins(provider: Provider) -> frozenset[urls.Origin]:
    """Return where the provider's key may go; a change that adds one detaches the key."""
    return frozenset(urls.origin(url) for url in provider.base_urls)


def _preset(spec: ProviderSpec, given: tuple[str, ...]) -> Preset | None:
    host = urls.host_of(given[0]) if given else ""
    try:
        return presets.find(spec.preset, spec.id, host)
    except ValueError as error:
        raise BadRequest(str(error), param="preset") from None


def _type(spec: ProviderSpec, preset: Preset | None) -> ProviderType:
    if spec.type is not None:
        return spec.type
    if preset is not None:
        return preset.type
    allowed = ", ".join(ProviderType)
    raise BadRequest(f"type: this field is required: one of {allowed}", param="type")


def _base_urls(
    given: tuple[str, ...], preset: Preset | None, provider_type: ProviderType
) -> tuple[str, ...]:
    if given:
        return tuple(_complete(url, preset) for url in given)
    default = presets.URL_OF_TYPE.get(provider_type) if preset is None else preset.base_url
    if default is None:
        who = f"type {provider_type.value!r}" if preset is None else preset.name
        raise BadRequest(f"base_url: this field is required for {who}", param="base_url")
    return (default,)


def _complete(url: str, preset: Preset | None) -> str:
    if preset is not None and preset.serves(urls.host_of(url)):
        return urls.with_version(url, preset.path)
    return urls.with_version(url)


def _key_env(spec: ProviderSpec, preset: Preset | None) -> str:
    from_preset = preset.key_env if preset is not None else None
    own = "".join(char if char.isalnum() else "_" for char in spec.id.upper()) + "_API_KEY"
    return spec.key_env or from_preset or own


def _capabilities(spec: ModelSpec) -> frozenset[Capability] | None:
    """What the row says; a name with "embed" in it is else taken for a model that cannot talk."""
    if spec.capabilities is None and "embed" in spec.id.lower():
        return frozenset({Capability.EMBEDDINGS})
    return spec.capabilities


def _without_prefix(model_id: str, provider: Provider) -> str:
    for prefix in (provider.id, provider.prefix):
        if prefix and model_id.startswith(prefix + "/"):
            return model_id[len(prefix) + 1 :]
    return model_id


def _given(spec: pydantic.BaseModel, leave_out: set[str] | None = None) -> dict[str, Any]:
    values = spec.model_dump(mode="json", exclude=leave_out, exclude_unset=True)
    return {
        name: sorted(value) if isinstance(getattr(spec, name), frozenset) else value
        for name, value in values.items()
    }


def _merge(
    stored: Mapping[str, Any], changes: Mapping[str, Any], fixed: tuple[str, ...]
) -> dict[str, Any]:
    for name in fixed:
        if name in changes and changes[name] != stored[name]:
            raise BadRequest(f"{name}: cannot be changed: add another and delete this", param=name)
    merged = {**stored, **changes}
    return {name: value for name, value in merged.items() if value is not None}
