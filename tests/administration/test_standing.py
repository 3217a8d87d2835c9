from typing import Any

from tests.administration.office import AUTHOR, OPENAI, Office
from tokenhub.administration.standing import Standing
from tokenhub.administration.units import timestamp
from tokenhub.health.monitor import CallEnd
from tokenhub.types import ErrorClass

LIMITED = CallEnd(ErrorClass.RATE_LIMITED, retry_after_s=30.0)
WELL = CallEnd(latency_s=2.0, ttft_s=0.5, output_tokens=90)
BROKEN = CallEnd(ErrorClass.TRANSIENT)


async def peopled(desk: Office) -> Standing:
    urls = ["https://a.example/v1", "https://b.example/v1"]
    await desk.providers.upsert({"id": "pool", "type": "openai", "base_urls": urls}, AUTHOR)
    await desk.providers.upsert(OPENAI, AUTHOR)
    for provider_id, model in (("openai", "m"), ("pool", "m"), ("pool", "a")):
        await desk.models.upsert({"id": model, "provider_id": provider_id}, AUTHOR)
    return Standing(desk.holder, desk.health)


def call(desk: Office, provider_id: str, end: CallEnd) -> None:
    permit = desk.health.begin(desk.holder.current.providers[provider_id])
    assert permit is not None
    desk.health.finished(permit, f"{provider_id}/m", end)


async def test_a_provider_that_was_never_called_is_healthy(desk: Office) -> None:
    items = (await peopled(desk)).providers()
    assert [item["provider_id"] for item in items] == ["openai", "pool"]
    assert items[1] == {
        "provider_id": "pool",
        "state": "healthy",
        "since": timestamp(desk.clock()),
        "consecutive_errors": 0,
        "last_error_class": None,
        "cooldown_until": None,
        "endpoints": [
            {"url": "https://a.example/v1", "state": "healthy"},
            {"url": "https://b.example/v1", "state": "healthy"},
        ],
    }


async def test_errors_and_a_pause_are_shown(desk: Office) -> None:
    standing = await peopled(desk)
    call(desk, "openai", BROKEN)
    call(desk, "openai", BROKEN)
    call(desk, "openai", LIMITED)
    item = standing.providers()[0]
    assert (item["state"], item["consecutive_errors"]) == ("degraded", 2)
    assert item["last_error_class"] == "rate_limited"
    assert item["cooldown_until"] == timestamp(desk.clock() + 30_000)


async def test_an_untried_model_has_no_figures(desk: Office) -> None:
    item = (await peopled(desk)).models({})[0]
    assert item == {
        "model_id": "a",
        "provider_id": "pool",
        "health": "healthy",
        "latency_ms": None,
        "ttft_ms": None,
        "tokens_per_second": None,
        "success_rate": None,
        "requests": 0,
    }


async def test_a_model_shows_what_its_calls_were_like(desk: Office) -> None:
    standing = await peopled(desk)
    call(desk, "openai", WELL)
    item = standing.models({"provider_id": "openai"})[0]
    assert (item["ttft_ms"], item["success_rate"], item["requests"]) == (500.0, 1.0, 1)
    assert item["tokens_per_second"] is not None
    for _ in range(4):
        call(desk, "openai", BROKEN)
    assert standing.models({"provider_id": "openai"})[0]["health"] != "healthy"


async def test_models_are_listed_by_name_and_can_be_picked(desk: Office) -> None:
    standing = await peopled(desk)

    def keys(only: dict[str, str]) -> list[Any]:
        return [(one["model_id"], one["provider_id"]) for one in standing.models(only)]

    assert keys({}) == [("a", "pool"), ("m", "openai"), ("m", "pool")]
    assert keys({"model_id": "m"}) == [("m", "openai"), ("m", "pool")]
    assert keys({"model_id": "m", "provider_id": "pool"}) == [("m", "pool")]
