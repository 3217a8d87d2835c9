import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.storage.samples import outcome
from tokenhub.errors import StorageError
from tokenhub.storage import groups, jobs, ledger, providers, readers, requests, settings, writer
from tokenhub.storage.connection import probe
from tokenhub.storage.database import Database

REPOSITORY = Path(__file__).parents[2]


def rows_of(table: str) -> Callable[[sqlite3.Connection], int]:
    sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - a constant of the test
    return lambda connection: int(connection.execute(sql).fetchone()[0])


def page_limit(pages: int) -> Callable[[sqlite3.Connection], None]:
    return lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").close()


@pytest.fixture
def inserted(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the writer has committed a group."""
    event, insert = threading.Event(), groups.insert

    def told(*arguments: Any) -> int:
        refused = insert(*arguments)
        event.set()
        return refused

    monkeypatch.setattr(groups, "insert", told)
    return event


async def test_a_write_is_there_for_a_reader_when_it_returns(database: Database) -> None:
    await database.write(lambda connection: settings.put(connection, "a", [1]))
    assert await database.read(lambda connection: settings.get(connection, "a")) == [1]


async def test_a_write_returns_what_the_change_returns(database: Database) -> None:
    new = await database.write(lambda connection: providers.upsert(connection, "p", {}, 1))
    assert new is True


async def test_an_exception_in_a_change_comes_back_and_nothing_is_changed(
    database: Database,
) -> None:
    def change(connection: sqlite3.Connection) -> None:
        settings.put(connection, "a", 1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await database.write(change)
    assert await database.read(rows_of("settings")) == 0
    assert database.healthy


async def test_ten_writers_at_once_are_all_served(database: Database) -> None:
    def count(connection: sqlite3.Connection) -> int:
        number = int(settings.get(connection, "n") or 0) + 1
        settings.put(connection, "n", number)
        return number

    numbers = await asyncio.gather(*(database.write(count) for _ in range(10)))
    assert sorted(numbers) == list(range(1, 11))


async def test_a_write_that_is_cancelled_before_it_begins_changes_nothing(
    database: Database,
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(_: sqlite3.Connection) -> None:
        begun.set()
        go.wait(10)

    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(slow))
        await asyncio.to_thread(begun.wait, 10)
        waiting = group.create_task(database.write(lambda c: settings.put(c, "a", 1)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        go.set()
    assert await database.read(rows_of("settings")) == 0


async def test_a_read_that_is_cancelled_before_it_begins_is_not_made(database: Database) -> None:
    begun, go = threading.Semaphore(0), threading.Event()
    made: list[int] = []

    def slow(_: sqlite3.Connection) -> None:
        begun.release()
        go.wait(10)

    async with asyncio.TaskGroup() as group:
        for _ in range(readers.READERS):
            group.create_task(database.read(slow))
            await asyncio.to_thread(begun.acquire, timeout=10)
        waiting = group.create_task(database.read(lambda _: made.append(1)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        go.set()
    await database.read(rows_of("settings"))
    assert made == []


async def test_a_database_that_does_not_answer_is_a_storage_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(jobs, "ANSWER_TIMEOUT_S", 0.01)
    with pytest.raises(StorageError, match=r"did not answer .* may still take effect"):
        await database.write(lambda _: go.wait(10))
    with pytest.raises(StorageError, match=r"did not answer within 0 s$"):
        await database.write(lambda connection: settings.put(connection, "a", 1))
    go.set()
    monkeypatch.undo()
    assert await database.write(rows_of("settings")) == 0


async def test_a_timeout_raised_by_a_change_is_its_own(database: Database) -> None:
    def change(_: sqlite3.Connection) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await database.write(change)


async def test_a_query_that_takes_too_long_is_interrupted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUERY_TIMEOUT_S", 0.0)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(StorageError, match="interrupted"):
        await database.read(lambda connection: connection.execute(endless).fetchone())


async def test_a_query_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError):
        await database.read(lambda connection: settings.put(connection, "a", 1))


async def test_settlements_and_log_rows_come_without_being_waited_for(database: Database) -> None:
    database.settle(outcome())
    database.log(outcome())
    assert database.backlog == 1
    await database.flush()
    assert database.backlog == 0
    assert await database.read(rows_of("settlements")) == 1
    assert await database.read(rows_of("requests")) == 1


async def test_a_group_is_committed_by_itself_when_its_time_has_come(
    database: Database, inserted: threading.Event
) -> None:
    database.settle(outcome())
    await asyncio.to_thread(inserted.wait, 20)
    assert await database.read(rows_of("settlements")) == 1


async def test_a_full_group_does_not_wait_for_its_time(
    database: Database, inserted: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "GROUP_INTERVAL_S", 3600.0)
    for n in range(writer.GROUP_ROWS):
        database.settle(outcome(request_id=f"req-{n}"))
    await asyncio.to_thread(inserted.wait, 20)
    assert await database.read(rows_of("settlements")) == writer.GROUP_ROWS


async def test_changes_do_not_keep_a_group_from_its_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "GROUP_INTERVAL_S", 0.0)
    database.settle(outcome())
    await database.write(lambda connection: settings.put(connection, "a", 1))
    await database.write(lambda connection: settings.put(connection, "b", 1))
    assert database.backlog == 0


async def test_log_rows_over_the_bound_are_dropped_and_counted_and_settlements_are_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOG_BOUND", 10)
    monkeypatch.setattr(writer, "GROUP_INTERVAL_S", 3600.0)
    for n in range(15):
        database.log(outcome(request_id=f"req-{n}"))
        database.settle(outcome(request_id=f"req-{n}"))
    assert database.dropped == 5
    await database.flush()
    assert await database.read(rows_of("requests")) == 10
    assert await database.read(rows_of("settlements")) == 15
    database.log(outcome())
    assert database.dropped == 5


async def test_a_row_that_cannot_be_stored_holds_up_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.settle(outcome(request_id="bad-1", timestamp_ms=2**70))
    database.settle(outcome(request_id="good"))
    database.log(outcome(request_id="bad-2", mode=None))
    database.log(outcome(request_id="good"))
    await database.flush()
    assert (database.dropped, database.backlog) == (2, 0)
    assert await database.read(rows_of("settlements")) == 1
    assert await database.read(rows_of("requests")) == 1
    assert "'bad-1'" in caplog.text
    assert "'bad-2'" in caplog.text


async def test_a_disk_that_fills_while_rows_are_sorted_out_loses_none(
    database: Database,
) -> None:
    await database.write(page_limit(1))
    database.settle(outcome(request_id="bad", timestamp_ms=2**70))
    database.settle(outcome(request_id="x" * 100_000))
    with pytest.raises(StorageError, match="full"):
        await database.flush()
    await database.write(page_limit(100_000))
    await database.flush()
    assert (database.backlog, database.dropped) == (0, 1)
    assert await database.read(rows_of("settlements")) == 1


async def test_a_full_disk_is_a_storage_error_and_changes_nothing(database: Database) -> None:
    await database.write(page_limit(1))
    with pytest.raises(StorageError, match="database or disk is full"):
        await database.write(lambda connection: settings.put(connection, "a", "x" * 100_000))
    failed = not database.healthy
    await database.write(page_limit(100_000))
    assert (failed, database.healthy) == (True, True)
    assert await database.read(rows_of("settings")) == 0


async def test_settlements_wait_for_space_on_a_full_disk(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.write(page_limit(1))
    database.settle(outcome(request_id="x" * 100_000))
    database.settle(outcome(request_id="y"))
    with pytest.raises(StorageError, match="full"):
        await database.flush()
    assert (database.backlog, database.healthy) == (2, False)
    await database.write(page_limit(100_000))
    await database.flush()
    assert (database.backlog, database.healthy) == (0, True)
    assert await database.read(rows_of("settlements")) == 2
    assert caplog.text.count("cannot be written") == 1


async def test_health_comes_back_without_another_write(
    path: Path,
    no_file_beyond: Callable[[int], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = threading.Event()

    def told(connection: sqlite3.Connection) -> None:
        probe(connection)
        written.set()

    monkeypatch.setattr(writer, "probe", told)
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    database = Database.open(path, now_ms=lambda: 1)
    with no_file_beyond(1):
        with pytest.raises(StorageError):
            await database.write(lambda connection: settings.put(connection, "a", "x" * 10_000))
        failed = not database.healthy
    await asyncio.to_thread(written.wait, 20)
    await database.close()
    assert (failed, database.healthy) == (True, True)


async def test_close_commits_what_waits(database: Database, path: Path) -> None:
    database.settle(outcome())
    database.log(outcome())
    await database.close()
    with closing(sqlite3.connect(path)) as connection:
        assert rows_of("settlements")(connection) == 1
        assert rows_of("requests")(connection) == 1


async def test_close_says_what_is_lost(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.write(page_limit(1))
    database.settle(outcome(request_id="x" * 100_000))
    await database.close()
    assert "1 settlements could not be stored" in caplog.text


async def test_a_closed_database_refuses(database: Database) -> None:
    await database.close()
    await database.close()
    for use in (database.write(rows_of("settings")), database.read(rows_of("settings"))):
        with pytest.raises(StorageError, match="closed"):
            await use
    with pytest.raises(StorageError, match="closed"):
        await database.flush()


async def test_a_file_that_vanished_under_a_running_hub_is_a_storage_error(
    database: Database, path: Path
) -> None:
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        file.unlink()
    with pytest.raises(StorageError):
        await database.read(rows_of("settings"))


async def test_the_listener_sees_commits_and_no_rollbacks(path: Path) -> None:
    seen: list[int] = []
    count = rows_of("settings")
    database = Database.open(
        path, now_ms=lambda: 1, on_commit=lambda connection: seen.append(count(connection))
    )
    await database.write(lambda connection: settings.put(connection, "a", 1))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda c: c.execute("INSERT INTO settings VALUES ('a', 'b')"))
    await database.write(lambda connection: settings.put(connection, "b", 1))
    await database.close()
    assert seen == [1, 2]


async def test_a_listener_that_fails_does_not_undo_the_commit(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise ValueError

    database = Database.open(path, now_ms=lambda: 1, on_commit=fail)
    await database.write(lambda connection: settings.put(connection, "a", 1))
    assert await database.read(rows_of("settings")) == 1
    await database.close()
    assert "after a commit" in caplog.text


CHILD = """
import asyncio, pathlib, sys
from tests.storage.samples import outcome
from tokenhub.storage import settings
from tokenhub.storage.database import Database

async def main():
    database = Database.open(pathlib.Path(sys.argv[1]), now_ms=lambda: 1)
    for n in range(1_000_000):
        database.settle(outcome(request_id=str(n)))
        database.log(outcome(request_id=str(n)))
        await database.write(lambda connection: settings.put(connection, f"s{n}", n))
        if n % 50 == 0:
            await database.flush()
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [5, 120])
def test_nothing_acknowledged_is_lost_by_a_kill(path: Path, acknowledged: int) -> None:
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        last = [int(child.stdout.readline()) for _ in range(acknowledged)][-1]
        child.kill()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = connection.execute("SELECT value FROM settings").fetchall()
        assert {json.loads(value) for (value,) in stored} >= set(range(last + 1))
        flushed = last // 50 * 50
        settled = connection.execute("SELECT request_id FROM settlements").fetchall()
        assert {int(number) for (number,) in settled} >= set(range(flushed + 1))
        total = sum(ledger.spent_since(connection, 0).values())
        assert total == len(settled) * (outcome().cost_nano + outcome().fee_nano)
        assert requests.page(connection, requests.LogFilter(), limit=1, offset=0)[1] > flushed
