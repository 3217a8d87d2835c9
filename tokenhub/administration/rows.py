"""How providers and models are shown: what is in force, and never a secret."""

from typing import Any

from tokenhub.administration.units import timestamp
from tokenhub.health.state import Health
from tokenhub.providers.presets import PRESETS
from tokenhub.providers.pricing import price_fields
from tokenhub.providers.spec import ModelSpec, ProviderSpec
from tokenhub.types import Deployment, Provider

MASK = "********"
"""Stands for the value of a provider's own header, which may be a credential."""


def provider_row(
    spec: ProviderSpec, provider: Provider, *, has_key: bool, health: Health
) -> dict[str, Any]:
    """Return a provider with the URL and the defaults that are in force."""
    return {
        "id": provider.id,
        "type": provider.type.value,
        "preset": spec.preset,
        "base_url": provider.base_urls[0],
        "base_urls": list(provider.base_urls),
        "enabled": provider.enabled,
        "cred_store": provider.cred_store.value,
        "key_env": provider.key_env,
        "has_key": has_key,
        "prefix": provider.prefix,
        "apis": sorted(provider.apis),
        "auth_header": provider.auth_header,
        "headers": dict.fromkeys(provider.headers, MASK),
        "timeout_secs": provider.timeouts.answer_s,
        "connect_timeout_secs": provider.timeouts.connect_s,
        "first_event_timeout_secs": provider.timeouts.first_event_s,
        "stream_idle_timeout_secs": provider.timeouts.idle_s,
        "proxy": provider.proxy,
        "ca_file": provider.ca_file,
        "autoload_models": spec.autoload_models,
        "source": "store",
        "health": {
            "state": health.state.value,
            "since": timestamp(health.since_ms),
            "consecutive_errors": health.consecutive_errors,
            "last_error_class": health.last_error_class,
        },
    }


def preset_rows() -> list[dict[str, Any]]:
    """Return the catalogue of known providers, as lists show it."""
    return [
        {
            "id": preset.id,
            "name": preset.name,
            "type": preset.type.value,
            "base_url": preset.base_url,
            "key_env": preset.key_env,
            "prefix": preset.id,
            "apis": sorted(preset.apis),
        }
        for preset in PRESETS.values()
    ]


def model_row(spec: ModelSpec, deployment: Deployment) -> dict[str, Any]:
    """Return a deployment with its prices in USD per 1,000 tokens, None where not known."""
    prices: dict[str, Any] = {
        "input_per_1k": None,
        "output_per_1k": None,
        "cached_input_per_1k": None,
        "cache_write_5m_per_1k": None,
        "cache_write_1h_per_1k": None,
        "tiers": [],
    }
    if deployment.prices is not None:
        prices |= price_fields(deployment.prices)
    capabilities = deployment.capabilities
    return {
        "id": deployment.id,
        "provider_id": deployment.provider_id,
        "upstream_name": deployment.upstream_name,
        "weight": deployment.weight,
        "max_context_tokens": deployment.max_context_tokens,
        "max_output_tokens": deployment.max_output_tokens,
        **prices,
        "fallbacks": list(deployment.fallbacks),
        "capabilities": None if capabilities is None else sorted(capabilities),
        "enabled": deployment.enabled,
        "pricing_source": spec.pricing_source,
    }
