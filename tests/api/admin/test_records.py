import pytest

from tests.api.admin.service import Caller
from tests.vault.support import NOW_MS
from tokenhub.types import Outcome, Usage


def outcome(number: int, **fields: object) -> Outcome:
    given = {
        "request_id": f"req_{number}",
        "timestamp_ms": NOW_MS + number * 1000,
        "api_key_id": "key1",
        "client": "openai/python",
        "endpoint": "/v1/chat/completions",
        "stream": False,
        "model_requested": "gpt-4o",
        "mode": "normal",
        "reason": "named",
        "status": 200,
        "latency_ms": 100.0 + number,
        "model": "gpt-4o",
        "provider_id": "openai",
        "usage": Usage(input_tokens=10, output_tokens=5),
        "cost_nano": 1_500_000,
    }
    return Outcome(**{**given, **fields})  # type: ignore[arg-type]


async def record(admin: Caller, *outcomes: Outcome) -> None:
    for each in outcomes:
        admin.office.database.settle(each)
        admin.office.database.log(each)
    await admin.office.database.flush()


async def test_logs_are_newest_first_with_tokens_and_money(admin: Caller) -> None:
    await record(admin, outcome(1), outcome(2))
    page = (await admin("GET", "logs?limit=1")).json
    assert page["total"] == 2
    (item,) = page["items"]
    assert item["request_id"] == "req_2"
    assert (item["input_tokens"], item["output_tokens"], item["cost_usd"]) == (10, 5, 0.0015)
    assert item["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "query",
    [
        "model=other",
        "provider_id=local",
        "status=502",
        "api_key_id=key2",
        "since=2027-01-15T08:00:02Z",
        "until=2027-01-15T08:00:01.500Z",
    ],
)
async def test_logs_can_be_filtered(admin: Caller, query: str) -> None:
    odd = {"model": "other", "provider_id": "local", "status": 502, "api_key_id": "key2"}
    first = query.startswith("until")
    await record(admin, outcome(1), outcome(2, **odd))
    items = (await admin("GET", f"logs?{query}")).json["items"]
    assert [item["request_id"] for item in items] == ["req_1" if first else "req_2"]


@pytest.mark.parametrize("query", ["status=ok", "since=yesterday", "colour=red"])
async def test_a_wrong_filter_is_a_400_that_names_it(admin: Caller, query: str) -> None:
    reply = await admin("GET", f"logs?{query}")
    assert reply.status == 400
    assert query.partition("=")[0] in reply.json["error"]["message"]


async def test_stats_sum_up_by_model_provider_and_key(admin: Caller) -> None:
    await record(admin, outcome(1), outcome(2, status=502, error_class="transient"))
    stats = (await admin("GET", "stats")).json
    assert (stats["global"]["requests"], stats["global"]["errors"]) == (2, 1)
    assert stats["by_model"]["gpt-4o"]["cost_usd"] == 0.003
    assert stats["by_provider"]["openai"]["input_tokens"] == 20
    assert set(stats["by_key"]["key1"]["latency_ms"]) == {"p50", "p95", "p99"}
