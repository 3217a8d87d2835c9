import asyncio
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from tests.observe.outcomes import OUTCOME
from tokenhub.observe.metrics import SLICE_SAMPLES, Metrics, Readings
from tokenhub.types import Usage

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(metrics: Metrics) -> Samples:
    """The samples as a scraper reads them, by name and sorted labels."""
    text = (await metrics.render()).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"tokenhub_{name}", tuple(sorted(labels.items()))))


ROUTE = {"mode": "named", "model": "gpt", "provider": "openai"}
TO = {"model": "gpt", "provider": "openai"}


async def test_a_request_counts_under_its_route_and_status() -> None:
    metrics = Metrics(Readings)
    metrics.observe(OUTCOME)
    metrics.observe(OUTCOME)
    metrics.observe(replace(OUTCOME, status=502, error_class="transient"))
    samples = await scrape(metrics)
    assert of(samples, "requests_total", **ROUTE, status="200") == 2
    assert of(samples, "requests_total", **ROUTE, status="502") == 1
    assert of(samples, "request_errors_total", **ROUTE, **{"class": "transient"}) == 1


async def test_times_are_kept_in_histograms() -> None:
    metrics = Metrics(Readings)
    metrics.observe(OUTCOME)
    samples = await scrape(metrics)
    assert of(samples, "request_latency_ms_sum", **ROUTE) == 320
    assert of(samples, "request_latency_ms_bucket", **ROUTE, le="250.0") == 0
    assert of(samples, "request_latency_ms_bucket", **ROUTE, le="500.0") == 1
    assert of(samples, "ttft_ms_sum", **ROUTE) == 80
    assert of(samples, "proxy_overhead_ms_sum") == 0.4


async def test_times_that_are_not_known_are_not_counted() -> None:
    metrics = Metrics(Readings)
    metrics.observe(replace(OUTCOME, ttft_ms=None, overhead_ms=None))
    samples = await scrape(metrics)
    assert of(samples, "ttft_ms_count", **ROUTE) == 0
    assert of(samples, "proxy_overhead_ms_count") == 0


async def test_cost_and_tokens_add_up() -> None:
    metrics = Metrics(Readings)
    metrics.observe(OUTCOME)
    metrics.observe(OUTCOME)
    samples = await scrape(metrics)
    assert of(samples, "cost_usd_total", **TO) == 0.003
    for direction, tokens in (
        ("input", 200),
        ("cached_input", 80),
        ("cache_write", 30),
        ("output", 40),
        ("reasoning", 16),
    ):
        assert of(samples, "tokens_total", **TO, direction=direction) == tokens


async def test_a_request_that_reached_no_model_has_empty_labels() -> None:
    metrics = Metrics(Readings)
    refused = replace(
        OUTCOME,
        model=None,
        provider_id=None,
        status=404,
        error_class="model_not_found",
        usage=Usage(),
        cost_nano=0,
    )
    metrics.observe(refused)
    samples = await scrape(metrics)
    nowhere = {"mode": "named", "model": "", "provider": ""}
    assert of(samples, "requests_total", **nowhere, status="404") == 1
    assert of(samples, "cost_usd_total", model="", provider="") == 0


async def test_a_request_that_never_came_to_the_gateway_counts_by_status_and_class() -> None:
    metrics = Metrics(Readings)
    metrics.aside(200, None)
    metrics.aside(401, "missing_api_key")
    metrics.aside(401, "expired_api_key")
    samples = await scrape(metrics)
    nowhere = {"mode": "", "model": "", "provider": ""}
    assert of(samples, "requests_total", **nowhere, status="200") == 1
    assert of(samples, "requests_total", **nowhere, status="401") == 2
    assert of(samples, "request_errors_total", **nowhere, **{"class": "expired_api_key"}) == 1
    assert of(samples, "request_errors_total", **nowhere, **{"class": "None"}) is None


async def test_what_a_client_wrote_is_no_label() -> None:
    metrics = Metrics(Readings)
    metrics.observe(replace(OUTCOME, model_requested="hostile", client="hostile"))
    assert b"hostile" not in await metrics.render()


async def test_refusals_and_skips_are_counted() -> None:
    metrics = Metrics(Readings)
    metrics.rate_limited()
    metrics.skipped("openai", "credentials")
    samples = await scrape(metrics)
    assert of(samples, "rate_limited_total") == 1
    assert of(samples, "provider_skips_total", provider="openai", reason="credentials") == 1


async def test_readings_are_taken_at_each_scrape() -> None:
    readings = [
        Readings({"openai": 0, "groq": 2}, True, 3, 4, 5, 6),
        Readings({"openai": 1}),
    ]
    metrics = Metrics(lambda: readings.pop(0))
    samples = await scrape(metrics)
    assert of(samples, "provider_health_state", provider="openai") == 0
    assert of(samples, "provider_health_state", provider="groq") == 2
    assert of(samples, "vault_locked") == 1
    assert of(samples, "in_flight") == 3
    assert of(samples, "store_dropped_total") == 4
    assert of(samples, "settlement_queue_depth") == 5
    assert of(samples, "event_subscribers") == 6
    samples = await scrape(metrics)
    assert of(samples, "provider_health_state", provider="openai") == 1
    assert of(samples, "vault_locked") == 0


async def test_a_long_metric_is_rendered_in_slices_and_reads_as_one() -> None:
    metrics = Metrics(Readings)
    for n in range(SLICE_SAMPLES + 1):
        metrics.skipped(f"provider-{n:04}", "disabled")
    turns = 0
    rendering = asyncio.ensure_future(metrics.render())
    while not rendering.done():
        turns += 1
        await asyncio.sleep(0)
    text = rendering.result().decode()
    assert text.count("# TYPE tokenhub_provider_skips_total counter\n") == 1
    assert text.count("tokenhub_provider_skips_total{") == SLICE_SAMPLES + 1
    assert turns > text.count("# TYPE")


async def test_no_creation_times_are_exposed() -> None:
    metrics = Metrics(Readings)
    metrics.observe(OUTCOME)
    assert b"_created" not in await metrics.render()
