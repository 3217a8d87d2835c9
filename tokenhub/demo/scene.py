"""The cast of the demo: its simulated providers, their models, and what befalls them."""

from dataclasses import dataclass, replace
from typing import Any

from tokenhub.simulator import Failure, Profile, Simulator

SEED = 2026


@dataclass(frozen=True, slots=True)
class Role:
    """A simulated provider: its id at the hub, its family, how it behaves on a good day."""

    id: str
    kind: str
    profile: Profile


ROLES = (
    Role("openai", "openai", Profile(ttft_ms=180, tokens_per_s=120, jitter=0.4)),
    Role("anthropic", "anthropic", Profile(ttft_ms=260, tokens_per_s=90, jitter=0.3)),
    Role("workstation", "vllm", Profile(ttft_ms=90, tokens_per_s=60, jitter=0.2)),
)

MODELS: tuple[dict[str, Any], ...] = (
    {
        "id": "gpt-4o",
        "provider_id": "openai",
        "weight": 8,
        "max_context_tokens": 128_000,
        "input_per_1k": 0.0025,
        "output_per_1k": 0.01,
        "cached_input_per_1k": 0.00125,
        "fallbacks": ["gpt-4o-mini", "meta-llama/Llama-3.1-8B-Instruct"],
    },
    {
        "id": "gpt-4o-mini",
        "provider_id": "openai",
        "weight": 5,
        "max_context_tokens": 128_000,
        "input_per_1k": 0.00015,
        "output_per_1k": 0.0006,
        "cached_input_per_1k": 0.000075,
    },
    {
        "id": "text-embedding-3-small",
        "provider_id": "openai",
        "max_context_tokens": 8_192,
        "input_per_1k": 0.00002,
        "output_per_1k": 0,
        "capabilities": ["embeddings"],
    },
    {
        "id": "claude-sonnet-5-5",
        "provider_id": "anthropic",
        "weight": 9,
        "max_context_tokens": 1_000_000,
        "max_output_tokens": 128_000,
        "input_per_1k": 0.003,
        "output_per_1k": 0.015,
    },
    {
        "id": "claude-haiku-4-5",
        "provider_id": "anthropic",
        "weight": 6,
        "max_context_tokens": 200_000,
        "max_output_tokens": 64_000,
        "input_per_1k": 0.001,
        "output_per_1k": 0.005,
    },
    {
        "id": "meta-llama/Llama-3.1-8B-Instruct",
        "provider_id": "workstation",
        "weight": 4,
        "max_context_tokens": 131_072,
        "input_per_1k": 0,
        "output_per_1k": 0,
    },
)


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that befalls a provider: from `at_s` of each round on, for `for_s` seconds."""

    provider_id: str
    at_s: float
    for_s: float
    what: str


ROUND_S = 60.0
"""The incidents come again after this many seconds."""

INCIDENTS = (
    Incident("openai", 10, 5, "outage"),
    Incident("anthropic", 25, 5, "rate limit"),
    Incident("workstation", 40, 8, "slow spell"),
)


def troubled(role: Role, incident: Incident) -> Profile:
    """How `role` behaves while `incident` lasts."""
    match incident.what:
        case "outage":
            return replace(role.profile, failure=Failure.answer(503))
        case "rate limit":
            return replace(role.profile, failure=Failure.answer(429, retry_after="4"))
        case _:
            return replace(role.profile, ttft_ms=role.profile.ttft_ms * 12, tokens_per_s=12)


def cast() -> dict[str, tuple[Role, Simulator]]:
    """One simulator for each role, not yet started."""
    return {role.id: (role, Simulator(role.kind, role.profile, SEED)) for role in ROLES}
