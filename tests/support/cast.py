"""Who plays in a test world: the simulated providers, their models, and the hub that has them."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tokenhub.client import Client
from tokenhub.simulator import Simulator

ADMIN_TOKEN: Final = "0123456789abcdef" * 4
KEYS: Final = {"openai": "sk-sim-openai-4711", "anthropic": "sk-ant-sim-4711"}
"""The one key that each simulated provider takes; vLLM takes any."""
LLAMA: Final = "meta-llama/Llama-3.1-8B-Instruct"

MODELS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "id": name,
        "provider_id": provider_id,
        "max_context_tokens": context,
        "max_output_tokens": 4096,
        "input_per_1k": input_usd,
        "output_per_1k": output_usd,
        **more,
    }
    for name, provider_id, context, input_usd, output_usd, more in (
        ("gpt-4o", "openai", 128_000, 0.0025, 0.01, {}),
        ("gpt-5", "openai", 400_000, 0.00125, 0.01, {}),
        ("gpt-3.5-turbo-instruct", "openai", 4_097, 0.0015, 0.002, {"weight": 1}),
        ("text-embedding-3-small", "openai", 8_192, 0.00002, 0, {"capabilities": ["embeddings"]}),
        ("claude-sonnet-4-5", "anthropic", 200_000, 0.003, 0.015, {}),
        ("claude-haiku-4-5", "anthropic", 200_000, 0.001, 0.005, {}),
        (LLAMA, "vllm", 131_072, 0.0001, 0.0002, {}),
    )
)
"""Prices are USD for 1,000 tokens. A row without sizes or prices would wait for the catalogue.

What cannot chat, and cannot say so, weighs too little to stand in for what can.
"""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings of a test's hub: any free port, no rate limits, no probes, the providers' keys.

    Probes would come at their own times between the calls that a test counts.
    """
    return {
        "TOKENHUB_HEALTH_PROBE_DISABLED": "true",
        "TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN,
        "TOKENHUB_LISTEN_ADDR": "127.0.0.1:0",
        "TOKENHUB_RATE_LIMIT_RPS": "0",
        "TOKENHUB_ADMIN_RATE_LIMIT_RPS": "0",
        **{f"SIM_{name.upper()}_KEY": key for name, key in KEYS.items()},
        **(extra or {}),
    }


def simulator(kind: str, seed: int = 1, now: Callable[[], float] = time.time) -> Simulator:
    """A simulator that wants the key the hub has for it; not started."""
    return Simulator(kind, seed=seed, api_key=KEYS.get(kind), now=now)


def simulators(seed: int = 1, now: Callable[[], float] = time.time) -> dict[str, Simulator]:
    """One simulator of each kind."""
    return {kind: simulator(kind, seed, now) for kind in ("openai", "anthropic", "vllm")}


def provider(kind: str, base_url: str) -> dict[str, Any]:
    """The row of the provider that the simulator at `base_url` plays."""
    row = {"id": kind, "type": kind, "base_url": base_url}
    if kind in KEYS:
        row |= {"cred_store": "env", "key_env": f"SIM_{kind.upper()}_KEY"}
    return row


async def furnish(admin: Client, base_urls: Mapping[str, str]) -> str:
    """Register the providers (by kind) and their models; return a client key's value."""
    for kind, base_url in base_urls.items():
        await admin.add_provider(provider(kind, base_url))
    for model in MODELS:
        if model["provider_id"] in base_urls:
            await admin.add_model(model)
    return str((await admin.create_api_key({"name": "test"}))["key"])
