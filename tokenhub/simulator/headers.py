"""The headers that each service puts on its answers."""

import random
from datetime import UTC, datetime, timedelta

from tokenhub.types import ProviderType

ORGANIZATION = "sim-organization"


def service_headers(
    kind: ProviderType, request_id: str, now_s: float, rng: random.Random, *, limits: bool
) -> dict[str, str]:
    """The headers of an answer at `now_s`; `limits` adds those of the rate limits.

    The names are those of OpenAI's API reference ("Debugging requests") and rate limit guide, and
    of Anthropic's API overview and rate limit reference; vLLM has none.
    """
    match kind:
        case ProviderType.OPENAI:
            headers = {
                "server": "cloudflare",
                "openai-version": "2020-10-01",
                "openai-organization": ORGANIZATION,
                "openai-project": "proj_simulated",
                "openai-processing-ms": str(rng.randint(80, 900)),
                "x-request-id": request_id,
            }
            return headers | (_openai_limits(rng) if limits else {})
        case ProviderType.ANTHROPIC:
            headers = {
                "server": "cloudflare",
                "request-id": request_id,
                "anthropic-organization-id": ORGANIZATION,
            }
            return headers | (_anthropic_limits(now_s, rng) if limits else {})
        case ProviderType.VLLM:
            return {"server": "uvicorn"}


def _openai_limits(rng: random.Random) -> dict[str, str]:
    used = rng.randint(10, 9_000)
    return {
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "30000000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": str(30_000_000 - used),
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": f"{used // 500}ms",
    }


def _anthropic_limits(now_s: float, rng: random.Random) -> dict[str, str]:
    reset = (datetime.fromtimestamp(now_s, UTC) + timedelta(seconds=1)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    limits = {"requests": 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
    limits["tokens"] = limits["input-tokens"] + limits["output-tokens"]
    headers = {}
    for name, limit in limits.items():
        used = 1 if name == "requests" else rng.randrange(0, 5_000, 1_000)
        headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(limit - used)
        headers[f"anthropic-ratelimit-{name}-reset"] = reset
    return headers
