import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.samples import outcome
from tokenhub.storage import ledger, requests, stats
from tokenhub.storage.opening import open_file
from tokenhub.types import Outcome, Usage


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        yield opened


def keep(connection: sqlite3.Connection, outcomes: list[Outcome]) -> None:
    ledger.add(connection, outcomes)
    requests.add(connection, outcomes)


def test_a_new_hub_has_zeros_and_no_percentiles(connection: sqlite3.Connection) -> None:
    nothing = {"p50": None, "p95": None, "p99": None}
    assert stats.stats(connection) == {
        "global": {
            "requests": 0,
            "errors": 0,
            "cost_usd": 0.0,
            "input_tokens": 0,
            "output_tokens": 0,
            "latency_ms": nothing,
            "ttft_ms": nothing,
        },
        "by_model": {},
        "by_provider": {},
        "by_key": {},
    }


def test_sums_are_shown_for_all_and_by_model_provider_and_key(
    connection: sqlite3.Connection,
) -> None:
    keep(
        connection,
        [
            outcome(cost_nano=1_000_000_000),
            outcome(provider_id="azure", cost_nano=2_000_000_000, status=500),
            outcome(model="o3", api_key_id="key-2", cost_nano=4_000_000_000),
        ],
    )
    found = stats.stats(connection)
    assert {name: entry["cost_usd"] for name, entry in found["by_model"].items()} == {
        "gpt-4o": 3.0,
        "o3": 4.0,
    }
    assert {name: entry["requests"] for name, entry in found["by_provider"].items()} == {
        "azure": 1,
        "openai": 2,
    }
    assert found["by_key"]["key-1"]["errors"] == 1
    assert found["global"]["requests"] == 3
    assert found["global"]["cost_usd"] == 7.0
    assert found["global"]["input_tokens"] == 3000
    assert found["global"]["output_tokens"] == 600


def test_a_request_that_no_model_served_is_of_no_model(connection: sqlite3.Connection) -> None:
    keep(connection, [outcome(model=None, provider_id=None, usage=Usage(), status=502)])
    found = stats.stats(connection)
    assert found["by_model"] == found["by_provider"] == {}
    assert found["global"]["errors"] == found["by_key"]["key-1"]["errors"] == 1


def test_percentiles_are_values_that_were_measured(connection: sqlite3.Connection) -> None:
    keep(connection, [outcome(latency_ms=float(n), ttft_ms=None) for n in range(1, 201)])
    keep(connection, [outcome(model="o3", latency_ms=7.0, ttft_ms=3.0)])
    found = stats.stats(connection)
    assert found["by_model"]["gpt-4o"]["latency_ms"] == {"p50": 100.0, "p95": 190.0, "p99": 198.0}
    assert found["by_model"]["gpt-4o"]["ttft_ms"] == {"p50": None, "p95": None, "p99": None}
    assert found["by_model"]["o3"]["latency_ms"] == {"p50": 7.0, "p95": 7.0, "p99": 7.0}
    assert found["global"]["ttft_ms"] == {"p50": 3.0, "p95": 3.0, "p99": 3.0}


def test_percentiles_leave_out_what_failed(connection: sqlite3.Connection) -> None:
    keep(connection, [outcome(latency_ms=5.0), *[outcome(latency_ms=0.1, status=503)] * 9])
    assert stats.stats(connection)["global"]["latency_ms"]["p50"] == 5.0


def test_percentiles_look_at_the_newest_rows_only(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "NEWEST_ROWS", 3)
    keep(connection, [outcome(latency_ms=float(n)) for n in (900, 900, 1, 2, 3)])
    found = stats.stats(connection)
    assert found["global"]["latency_ms"] == {"p50": 2.0, "p95": 3.0, "p99": 3.0}
    assert found["global"]["requests"] == 5
