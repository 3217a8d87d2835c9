import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.storage.samples import PRICES, outcome
from tokenhub.storage import ledger, rows
from tokenhub.storage.connection import transaction
from tokenhub.storage.ledger import DAY_MS
from tokenhub.storage.opening import open_file
from tokenhub.types import Outcome, Prices, Rates, Tier, Usage


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        opened.row_factory = sqlite3.Row
        yield opened


def one(connection: sqlite3.Connection, sql: str) -> dict[str, object]:
    found = connection.execute(sql).fetchall()
    assert len(found) == 1
    return dict(found[0])


def test_a_charged_request_has_a_row_with_every_counter(connection: sqlite3.Connection) -> None:
    ledger.add(connection, [outcome(estimated=True)])
    assert one(connection, "SELECT * FROM settlements") == {
        "id": 1,
        "request_id": "req-1",
        "timestamp_ms": 1_770_000_000_000,
        "api_key_id": "key-1",
        "model": "gpt-4o",
        "provider_id": "openai",
        "price_sheet_id": 1,
        "estimated": 1,
        "input_tokens": 1000,
        "cached_input_tokens": 400,
        "cache_write_5m_tokens": 50,
        "cache_write_1h_tokens": 20,
        "output_tokens": 200,
        "reasoning_tokens": 30,
        "cost_nano": 4_250_000,
        "fee_nano": 1_000,
    }


def test_the_prices_used_are_copied_once_for_all_rows(connection: sqlite3.Connection) -> None:
    tiered = Prices(PRICES.base, (Tier(200_000, Rates(5_000, 20_000)),))
    ledger.add(connection, [outcome(), outcome(prices=tiered)])
    ledger.add(connection, [outcome(), outcome(prices=None)])
    found = connection.execute("SELECT price_sheet_id FROM settlements ORDER BY id").fetchall()
    assert [row[0] for row in found] == [1, 2, 1, None]
    sheets = connection.execute("SELECT sheet FROM price_sheets ORDER BY id").fetchall()
    assert json.loads(sheets[0][0])["base"]["input_nano_per_1k"] == 2_500
    assert json.loads(sheets[1][0])["tiers"][0]["above_input_tokens"] == 200_000


def test_a_request_that_cost_nothing_counts_in_the_day_only(
    connection: sqlite3.Connection,
) -> None:
    nothing = outcome(
        status=502, model=None, provider_id=None, usage=Usage(), cost_nano=0, fee_nano=0
    )
    ledger.add(connection, [nothing])
    assert connection.execute("SELECT * FROM settlements").fetchall() == []
    day = one(connection, "SELECT * FROM ledger_daily")
    assert (day["model"], day["requests"], day["errors"], day["cost_nano"]) == ("", 1, 1, 0)


def test_a_day_sums_over_groups(connection: sqlite3.Connection) -> None:
    ledger.add(connection, [outcome(), outcome(status=500)])
    ledger.add(connection, [outcome()])
    day = one(connection, "SELECT * FROM ledger_daily")
    assert day["day"] == 1_770_000_000_000 // DAY_MS
    assert (day["requests"], day["errors"]) == (3, 1)
    assert (day["input_tokens"], day["cache_write_1h_tokens"]) == (3000, 60)
    assert (day["cost_nano"], day["fee_nano"]) == (3 * 4_250_000, 3_000)


def test_what_was_spent_is_counted_from_a_day_on_with_fees(
    connection: sqlite3.Connection,
) -> None:
    ledger.add(
        connection,
        [
            outcome(timestamp_ms=3 * DAY_MS - 1, cost_nano=100, fee_nano=0),
            outcome(timestamp_ms=3 * DAY_MS, cost_nano=20, fee_nano=5),
            outcome(timestamp_ms=9 * DAY_MS, cost_nano=3, fee_nano=0),
            outcome(timestamp_ms=3 * DAY_MS, api_key_id="key-2", cost_nano=7, fee_nano=0),
        ],
    )
    assert ledger.spent_since(connection, 3) == {"key-1": 28, "key-2": 7}
    assert ledger.spent_since(connection, ledger.day_of(10 * DAY_MS)) == {}


def test_nonsense_counters_stop_at_the_largest_number(connection: sqlite3.Connection) -> None:
    huge = outcome(usage=Usage(input_tokens=2**64 - 1, output_tokens=-5), cost_nano=2**80)
    ledger.add(connection, [huge, huge])
    ledger.add(connection, [huge])
    day = one(connection, "SELECT input_tokens, output_tokens, cost_nano FROM ledger_daily")
    assert day == {
        "input_tokens": rows.LARGEST,
        "output_tokens": 0,
        "cost_nano": rows.LARGEST,
    }


outcomes = st.builds(
    outcome,
    timestamp_ms=st.integers(0, 3 * DAY_MS),
    api_key_id=st.sampled_from(["a", "b"]),
    model=st.sampled_from([None, "m", "n"]),
    provider_id=st.sampled_from(["p", "q"]),
    status=st.sampled_from([200, 400, 502]),
    usage=st.builds(Usage, input_tokens=st.integers(0, 10**6), output_tokens=st.integers(0, 10**5)),
    cost_nano=st.integers(0, 10**12),
    fee_nano=st.integers(0, 10**6),
)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(groups=st.lists(st.lists(outcomes, max_size=8), max_size=4))
def test_the_days_agree_with_the_rows_and_the_outcomes(
    connection: sqlite3.Connection, groups: list[list[Outcome]]
) -> None:
    with transaction(connection):
        connection.execute("DELETE FROM settlements")
        connection.execute("DELETE FROM ledger_daily")
    for group in groups:
        with transaction(connection):
            ledger.add(connection, group)
    every = [item for group in groups for item in group]
    sums = "ifnull(sum(cost_nano), 0), ifnull(sum(fee_nano), 0), ifnull(sum(input_tokens), 0)"
    expected = (
        sum(item.cost_nano for item in every),
        sum(item.fee_nano for item in every),
        sum(item.usage.input_tokens for item in every),
    )
    for table in ("settlements", "ledger_daily"):
        found = connection.execute(f"SELECT {sums} FROM {table}")  # noqa: S608 - constants
        assert tuple(found.fetchone()) == expected
    counted = connection.execute("SELECT ifnull(sum(requests), 0) FROM ledger_daily").fetchone()
    assert counted[0] == len(every)
    assert sum(ledger.spent_since(connection, 0).values()) == expected[0] + expected[1]
