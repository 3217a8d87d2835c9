import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.samples import outcome
from tokenhub.storage import ledger, requests
from tokenhub.storage.opening import open_file
from tokenhub.storage.requests import LogFilter
from tokenhub.types import Usage


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        yield opened


def listed(connection: sqlite3.Connection, **wanted: object) -> list[str]:
    items, total = requests.page(connection, LogFilter(**wanted), limit=100, offset=0)  # type: ignore[arg-type]
    assert total == len(items)
    return [item["request_id"] for item in items]


def test_a_log_item_has_the_fields_of_the_specification(connection: sqlite3.Connection) -> None:
    ledger.add(connection, [outcome()])
    requests.add(connection, [outcome()])
    items, total = requests.page(connection, LogFilter(), limit=10, offset=0)
    assert total == 1
    assert items == [
        {
            "timestamp": "2026-02-02T02:40:00.000Z",
            "request_id": "req-1",
            "api_key_id": "key-1",
            "client": "openai-python/3.52",
            "endpoint": "/v1/chat/completions",
            "stream": True,
            "model_requested": "gpt-4o",
            "alias": None,
            "model": "gpt-4o",
            "provider_id": "openai",
            "mode": "normal",
            "reason": "named",
            "input_tokens": 1000,
            "cached_input_tokens": 400,
            "cache_write_tokens": 70,
            "output_tokens": 200,
            "reasoning_tokens": 30,
            "cost_usd": 0.00425,
            "fee_usd": 0.000001,
            "estimated": False,
            "latency_ms": 120.5,
            "ttft_ms": 40.0,
            "status": 200,
            "error_class": None,
            "attempts": 1,
        }
    ]


def test_a_request_without_a_settlement_is_listed_with_zeros(
    connection: sqlite3.Connection,
) -> None:
    refused = outcome(model=None, provider_id=None, status=404, usage=Usage(), attempts=())
    requests.add(connection, [refused])
    [item], _ = requests.page(connection, LogFilter(), limit=10, offset=0)
    assert (item["model"], item["cost_usd"], item["input_tokens"]) == (None, 0.0, 0)
    assert (item["estimated"], item["attempts"]) == (False, 0)


def test_a_request_id_used_twice_is_two_items_with_their_own_money(
    connection: sqlite3.Connection,
) -> None:
    both = [
        outcome(cost_nano=1_000_000_000),
        outcome(cost_nano=2_000_000_000, timestamp_ms=1_770_000_000_001),
    ]
    ledger.add(connection, both)
    requests.add(connection, both)
    items, total = requests.page(connection, LogFilter(), limit=10, offset=0)
    assert total == 2
    assert [item["cost_usd"] for item in items] == [2.0, 1.0]


def test_the_newest_come_first_and_pages_follow(connection: sqlite3.Connection) -> None:
    requests.add(connection, [outcome(request_id=f"r{n}") for n in range(5)])
    items, total = requests.page(connection, LogFilter(), limit=2, offset=1)
    assert [item["request_id"] for item in items] == ["r3", "r2"]
    assert total == 5


def test_filters_let_through_what_matches_all_of_them(connection: sqlite3.Connection) -> None:
    requests.add(
        connection,
        [
            outcome(request_id="a", timestamp_ms=10),
            outcome(request_id="b", timestamp_ms=20, model="o3", status=502),
            outcome(request_id="c", timestamp_ms=30, provider_id="azure", api_key_id="key-2"),
        ],
    )
    assert listed(connection) == ["c", "b", "a"]
    assert listed(connection, model="gpt-4o") == ["c", "a"]
    assert listed(connection, provider_id="openai", model="gpt-4o") == ["a"]
    assert listed(connection, status=502) == ["b"]
    assert listed(connection, api_key_id="key-2") == ["c"]
    assert listed(connection, since_ms=20) == ["c", "b"]
    assert listed(connection, since_ms=10, until_ms=20) == ["a"]


def test_undecodable_bytes_of_a_client_are_stored_readably(connection: sqlite3.Connection) -> None:
    requests.add(connection, [outcome(client="agent \udcff", request_id="x")])
    [item], _ = requests.page(connection, LogFilter(), limit=1, offset=0)
    assert item["client"] == "agent ?"
