import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tokenhub.errors import StartError
from tokenhub.storage import settings
from tokenhub.storage.connection import transaction
from tokenhub.storage.migrations import MIGRATIONS, Migration
from tokenhub.storage.opening import open_file

STEPS = [MIGRATIONS[0], *[(f"CREATE TABLE added_{n}(id INTEGER) STRICT",) for n in range(2, 8)]]


def opened(path: Path, migrations: Sequence[Migration]) -> sqlite3.Connection:
    return open_file(path, now_ms=lambda: 7, migrations=migrations)


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def copies(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*.bak"))


def test_a_new_database_is_not_copied(path: Path) -> None:
    opened(path, STEPS).close()
    assert copies(path) == []


def test_the_database_is_copied_before_it_is_migrated(path: Path) -> None:
    with closing(opened(path, STEPS[:1])) as connection, transaction(connection):
        settings.put(connection, "kept", "old")
    opened(path, STEPS[:3]).close()
    copy = path.with_name(f"{path.name}.v1.bak")
    assert copies(path) == [copy.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "added_2" not in tables(copy)
    assert {"added_2", "added_3"} <= tables(path)
    with closing(opened(copy, STEPS[:1])) as connection:
        assert settings.get(connection, "kept") == "old"


def test_what_only_the_log_beside_the_database_holds_is_in_the_copy(path: Path) -> None:
    with closing(opened(path, STEPS[:1])) as connection:
        with transaction(connection):
            settings.put(connection, "kept", "not checkpointed")
        opened(path, STEPS[:2]).close()
    with closing(sqlite3.connect(path.with_name(f"{path.name}.v1.bak"))) as copy:
        assert settings.get(copy, "kept") == "not checkpointed"


def test_the_last_three_copies_are_kept(path: Path) -> None:
    for version in range(1, 7):
        opened(path, STEPS[:version]).close()
    assert copies(path) == [f"{path.name}.v{version}.bak" for version in (3, 4, 5)]


def test_each_step_is_noted_with_its_time(path: Path) -> None:
    with closing(opened(path, STEPS[:3])) as connection:
        assert connection.execute("SELECT * FROM migrations").fetchall() == [
            (1, 7),
            (2, 7),
            (3, 7),
        ]


def test_a_step_that_fails_is_undone_and_can_be_repeated(path: Path) -> None:
    broken = [*STEPS[:1], (*STEPS[1], "CREATE TABLE settings(again INTEGER) STRICT")]
    opened(path, STEPS[:1]).close()
    with pytest.raises(StartError, match="table settings already exists"):
        opened(path, broken)
    assert "added_2" not in tables(path)
    opened(path, STEPS[:2]).close()
    assert "added_2" in tables(path)


def test_a_full_disk_during_the_copy_leaves_the_database_and_no_copy(path: Path) -> None:
    opened(path, STEPS[:1]).close()
    (path.with_name(f"{path.name}.copy")).mkdir()
    before = path.read_bytes()
    with pytest.raises(StartError):
        opened(path, STEPS[:2])
    assert path.read_bytes() == before
    assert copies(path) == []
