import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.storage.samples import OUTCOME
from tokenhub.storage import groups
from tokenhub.storage.groups import Group
from tokenhub.storage.opening import open_file


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        yield opened


@pytest.mark.parametrize(("rows", "pauses"), [(0, 0), (1, 0), (25, 0), (26, 1), (60, 2)])
def test_rows_are_added_a_few_at_a_time_in_one_transaction(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, rows: int, pauses: int
) -> None:
    during: list[bool] = []
    monkeypatch.setattr(time, "sleep", lambda _: during.append(connection.in_transaction))
    logs = [replace(OUTCOME, request_id=f"req-{number}") for number in range(rows)]
    assert groups.insert(connection, Group((), logs, (), ())) == 0
    assert during == [True] * pauses
    found = connection.execute("SELECT request_id FROM requests ORDER BY id").fetchall()
    assert [row[0] for row in found] == [one.request_id for one in logs]
