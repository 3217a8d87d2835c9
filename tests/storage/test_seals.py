import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from tests.storage.samples import OUTCOME
from tokenhub.storage import seals, writer
from tokenhub.storage.connection import transaction
from tokenhub.storage.database import Database
from tokenhub.storage.migrations import MIGRATIONS
from tokenhub.storage.opening import open_file
from tokenhub.storage.seals import SealRow


def hash_of(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def row(name: object, at_ms: int = 1, *, by: str = "a", refused: bool = False) -> SealRow:
    return SealRow(hash_of(name), by, "anthropic", "claude", refused, at_ms)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        yield opened


def put(connection: sqlite3.Connection, *rows: SealRow) -> None:
    with transaction(connection):
        seals.put(connection, rows)


def known(
    connection: sqlite3.Connection, names: Sequence[object], since_ms: int = 0
) -> list[SealRow]:
    return seals.get(connection, [hash_of(name) for name in names], since_ms=since_ms)


def test_a_seal_comes_back_with_all_who_made_or_refused_it(connection: sqlite3.Connection) -> None:
    rows = [row("x", by="a"), row("x", by="b", refused=True), row("y")]
    put(connection, *rows)
    assert sorted(known(connection, ["x", "unknown"])) == rows[:2]
    assert [type(one.refused) for one in known(connection, ["y"])] == [bool]


def test_what_is_said_last_of_a_seal_and_a_model_counts(connection: sqlite3.Connection) -> None:
    put(connection, row("x"), row("x", 2, refused=True))
    assert known(connection, ["x"]) == [row("x", 2, refused=True)]


def test_a_thousand_seals_can_be_asked_for_at_once(connection: sqlite3.Connection) -> None:
    put(connection, *(row(n) for n in range(1000)))
    assert len(known(connection, range(1500))) == 1000


def test_a_seal_that_was_not_seen_for_long_is_unknown(connection: sqlite3.Connection) -> None:
    put(connection, row("x", 5))
    assert known(connection, ["x"], since_ms=5)
    assert not known(connection, ["x"], since_ms=6)


def test_a_seal_is_removed_thirty_days_after_it_was_last_seen(
    connection: sqlite3.Connection,
) -> None:
    put(connection, row("old", 1), row("renewed", 1), row("newer", 2))
    put(connection, row("renewed", 3))
    put(connection, row("now", 2 + seals.KEPT_MS))
    assert {one.hash for one in known(connection, ["old", "renewed", "newer", "now"])} == {
        hash_of("renewed"),
        hash_of("newer"),
        hash_of("now"),
    }


def test_no_more_than_the_bound_are_kept_and_the_longest_unseen_go(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "KEPT_ROWS", 3)
    put(connection, *(row(n) for n in range(3)))
    for _ in range(5):  # the rowids lie far apart then, but the rows are no more
        put(connection, row(0))
    assert len(known(connection, range(3))) == 3
    put(connection, row(3), row(4))
    left = {one.hash for one in known(connection, range(5))}
    assert left == {hash_of(n) for n in (0, 3, 4)}


def test_the_bound_is_two_hundred_thousand(connection: sqlite3.Connection) -> None:
    for start in range(0, 200_000, 20_000):
        put(connection, *(row(n, n) for n in range(start, start + 20_000)))
    put(connection, *(row(n, n) for n in range(200_000, 200_010)))
    assert connection.execute("SELECT count(*) FROM seals").fetchone()[0] == 200_000
    assert not known(connection, range(10))
    assert len(known(connection, [10, 200_009])) == 2


def test_a_great_clearing_is_spread_over_many_groups(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "PRUNED_AT_ONCE", 1)
    put(connection, *(row(n) for n in range(10)))
    put(connection, row("later", 2 * seals.KEPT_MS))
    assert len(known(connection, range(10))) == 10 - 3
    for _ in range(3):
        put(connection, row("later", 2 * seals.KEPT_MS))
    assert not known(connection, range(10))


async def test_seals_come_without_being_waited_for(database: Database) -> None:
    database.remember(row("x"))
    await database.flush()
    assert await database.read(lambda connection: known(connection, ["x"])) == [row("x")]


async def test_seals_over_the_bound_are_dropped_and_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEAL_BOUND", 2)
    monkeypatch.setattr(writer, "GROUP_INTERVAL_S", 3600.0)
    for n in range(5):
        database.remember(row(n))
    assert (database.dropped, database.backlog) == (3, 0)
    await database.flush()
    assert await database.read(lambda connection: known(connection, range(5))) == [row(0), row(1)]


async def test_a_seal_that_cannot_be_stored_holds_up_no_other_row(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.remember(row("x")._replace(model=None))  # type: ignore[arg-type]
    database.remember(row("y"))
    database.settle(OUTCOME)
    await database.flush()
    assert await database.read(lambda connection: known(connection, ["x", "y"])) == [row("y")]
    assert (database.dropped, database.backlog) == (1, 0)
    assert "a seal cannot be stored" in caplog.text


async def test_what_was_remembered_is_there_after_a_restart(path: Path) -> None:
    first = Database.open(path, now_ms=lambda: 1)
    first.remember(row("x", refused=True))
    await first.close()
    second = Database.open(path, now_ms=lambda: 2)
    found = await second.read(lambda connection: known(connection, ["x"]))
    await second.close()
    assert found == [row("x", refused=True)]


def test_a_database_of_the_second_version_gets_a_place_for_seals(path: Path) -> None:
    open_file(path, now_ms=lambda: 1, migrations=MIGRATIONS[:2]).close()
    with closing(open_file(path, now_ms=lambda: 2)) as connection:
        put(connection, row("x"))
        assert known(connection, ["x"]) == [row("x")]
