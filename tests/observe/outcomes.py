"""A finished request, for the tests of this room."""

from tokenhub.types import Attempt, ErrorClass, Outcome, Usage

OUTCOME = Outcome(
    request_id="req_1",
    timestamp_ms=1_800_000_000_000,
    api_key_id="k1",
    client="curl",
    endpoint="/v1/chat/completions",
    stream=True,
    model_requested="gpt",
    mode="named",
    reason="named",
    status=200,
    latency_ms=320.0,
    model="gpt",
    provider_id="openai",
    usage=Usage(
        input_tokens=100,
        cached_input_tokens=40,
        cache_write_5m_tokens=10,
        cache_write_1h_tokens=5,
        output_tokens=20,
        reasoning_tokens=8,
    ),
    cost_nano=1_500_000,
    fee_nano=1_000,
    ttft_ms=80.0,
    overhead_ms=0.4,
)


def an_attempt(error_class: ErrorClass | None) -> Attempt:
    return Attempt("gpt", "openai", "https://api.openai.com/v1", 0.1, 9.0, 503, error_class)
