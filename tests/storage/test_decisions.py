import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.storage.samples import OUTCOME
from tokenhub.storage import decisions, writer
from tokenhub.storage.connection import transaction
from tokenhub.storage.database import Database
from tokenhub.storage.migrations import MIGRATIONS
from tokenhub.storage.opening import open_file
from tokenhub.types import DecisionRow, ErrorClass

COLUMNS = {"order": [0], "score": [0.25], "rejected": {"detail": ["zu groß"]}}
DECISION = DecisionRow(
    request_id="req-1",
    timestamp_ms=OUTCOME.timestamp_ms,
    mode="cheap",
    reason="auto:cheap: best score",
    model_id="gpt-4o",
    provider_id="openai",
    columns=lambda: COLUMNS,
    attempts=OUTCOME.attempts,
    estimated_cost_nano=5_000_000,
    cost_nano=4_250_000,
)


def decision(**changes: Any) -> DecisionRow:
    return replace(DECISION, **changes)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        yield opened


def add(connection: sqlite3.Connection, *rows: DecisionRow) -> None:
    with transaction(connection):
        decisions.add(connection, rows)
        decisions.prune(connection, rows)


def kept(connection: sqlite3.Connection) -> list[str]:
    items, total = decisions.page(connection, limit=1000, offset=0)
    assert total == len(items)
    return [item["request_id"] for item in items]


def test_a_decision_comes_back_as_it_was_made(connection: sqlite3.Connection) -> None:
    add(connection, decision())
    assert decisions.get(connection, "req-1") == {
        "request_id": "req-1",
        "timestamp": "2026-02-02T02:40:00.000Z",
        "mode": "cheap",
        "reason": "auto:cheap: best score",
        "chosen": {"model_id": "gpt-4o", "provider_id": "openai"},
        "attempts": [
            {
                "model_id": "gpt-4o",
                "provider_id": "openai",
                "endpoint": "https://api.openai.com/v1",
                "api": "chat",
                "start_ms": 1.0,
                "end_ms": 120.0,
                "status": 200,
                "error_class": None,
                "cost_usd": 0.0,
                "left_out": [],
            }
        ],
        "estimated_cost_usd": 0.005,
        "cost_usd": 0.00425,
        "columns": COLUMNS,
    }


def test_the_class_of_a_failed_attempt_is_kept(connection: sqlite3.Connection) -> None:
    failed = replace(OUTCOME.attempts[0], status=None, error_class=ErrorClass.TRANSIENT)
    add(connection, decision(attempts=(failed,)))
    found = decisions.get(connection, "req-1")
    assert found is not None
    assert found["attempts"][0]["error_class"] == "transient"


def test_what_was_left_out_for_an_attempt_is_kept_with_it_and_else_nothing(
    connection: sqlite3.Connection,
) -> None:
    whole = OUTCOME.attempts[0]
    short = replace(whole, left_out=("cache_control", "tools.3.defer_loading"))
    add(connection, decision(attempts=(whole, short)))
    found = decisions.get(connection, "req-1")
    assert found is not None
    assert [one["left_out"] for one in found["attempts"]] == [
        [],
        ["cache_control", "tools.3.defer_loading"],
    ]
    (row,) = connection.execute("SELECT attempts FROM decisions").fetchone()
    assert row.count("left_out") == 1


def test_where_nothing_could_take_the_request_nothing_was_chosen(
    connection: sqlite3.Connection,
) -> None:
    add(connection, decision(model_id=None, provider_id=None, estimated_cost_nano=None))
    items, _ = decisions.page(connection, limit=1, offset=0)
    assert (items[0]["chosen"], items[0]["estimated_cost_usd"]) == (None, None)


def test_of_two_decisions_with_one_id_the_newest_is_found(connection: sqlite3.Connection) -> None:
    add(connection, decision(mode="cheap"), decision(mode="fast"))
    found = decisions.get(connection, "req-1")
    assert found is not None
    assert found["mode"] == "fast"
    assert decisions.get(connection, "req-2") is None


def test_pages_are_newest_first_and_without_candidates(connection: sqlite3.Connection) -> None:
    add(connection, *(decision(request_id=f"req-{n}") for n in range(5)))
    items, total = decisions.page(connection, limit=2, offset=1)
    assert ([item["request_id"] for item in items], total) == (["req-3", "req-2"], 5)
    assert "columns" not in items[0]


def test_a_decision_is_removed_when_the_newest_is_a_week_younger(
    connection: sqlite3.Connection,
) -> None:
    start = DECISION.timestamp_ms
    add(connection, decision(request_id="old"), decision(request_id="new", timestamp_ms=start + 1))
    add(connection, decision(request_id="newest", timestamp_ms=start + 1 + decisions.KEPT_MS))
    assert kept(connection) == ["newest", "new"]


def test_no_more_than_the_bound_are_kept(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "KEPT_ROWS", 3)
    for n in range(6):
        add(connection, decision(request_id=f"req-{n}"))
    assert kept(connection) == ["req-5", "req-4", "req-3"]


def test_a_great_clearing_is_spread_over_many_groups(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "PRUNED_AT_ONCE", 1)
    add(connection, *(decision(request_id=f"req-{n}") for n in range(10)))
    later = DECISION.timestamp_ms + 2 * decisions.KEPT_MS
    add(connection, decision(request_id="later", timestamp_ms=later))
    assert len(kept(connection)) == 11 - 3
    for _ in range(3):
        add(connection, decision(request_id="later", timestamp_ms=later))
    assert set(kept(connection)) == {"later"}


async def test_decisions_come_without_being_waited_for(database: Database) -> None:
    database.decide(decision())
    await database.flush()
    found = await database.read(lambda connection: decisions.get(connection, "req-1"))
    assert found is not None
    assert found["columns"] == COLUMNS


async def test_decisions_over_the_bound_are_dropped_and_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "DECISION_BOUND", 2)
    monkeypatch.setattr(writer, "GROUP_INTERVAL_S", 3600.0)
    for n in range(5):
        database.decide(decision(request_id=f"req-{n}"))
    assert (database.dropped, database.backlog) == (3, 0)
    await database.flush()
    assert await database.read(kept) == ["req-1", "req-0"]


async def test_a_decision_that_cannot_be_stored_holds_up_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.decide(decision(request_id="bad", columns=lambda: {"object": object()}))
    database.decide(decision(request_id="good"))
    await database.flush()
    assert await database.read(kept) == ["good"]
    assert database.dropped == 1
    assert "'bad'" in caplog.text


def test_a_database_of_the_first_version_gets_a_place_for_decisions(path: Path) -> None:
    open_file(path, now_ms=lambda: 1, migrations=MIGRATIONS[:1]).close()
    with closing(open_file(path, now_ms=lambda: 2)) as connection:
        add(connection, decision())
        assert kept(connection) == ["req-1"]
    assert path.with_name(f"{path.name}.v1.bak").exists()
