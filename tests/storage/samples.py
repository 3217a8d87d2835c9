from dataclasses import replace
from typing import Any

from tokenhub.types import Api, Attempt, Outcome, Prices, Rates, Usage

PRICES = Prices(Rates(2_500, 10_000, 250))

OUTCOME = Outcome(
    request_id="req-1",
    timestamp_ms=1_770_000_000_000,
    api_key_id="key-1",
    client="openai-python/3.52",
    endpoint="/v1/chat/completions",
    stream=True,
    model_requested="gpt-4o",
    mode="normal",
    reason="named",
    status=200,
    latency_ms=120.5,
    model="gpt-4o",
    provider_id="openai",
    usage=Usage(1000, 400, 50, 20, 200, 30),
    prices=PRICES,
    cost_nano=4_250_000,
    fee_nano=1_000,
    ttft_ms=40.0,
    attempts=(
        Attempt(
            "gpt-4o", "openai", "https://api.openai.com/v1", 1.0, 120.0, 200, None, api=Api.CHAT
        ),
    ),
)


def outcome(**changes: Any) -> Outcome:
    """A finished request like OUTCOME but for `changes`."""
    return replace(OUTCOME, **changes)
