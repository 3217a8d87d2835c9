import sqlite3
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from tokenhub.errors import StartError
from tokenhub.storage import providers, settings
from tokenhub.storage.connection import transaction
from tokenhub.storage.migrations import APPLICATION_ID, MIGRATIONS
from tokenhub.storage.opening import open_file


def clock() -> int:
    return 1


def made(path: Path) -> Path:
    with closing(open_file(path, now_ms=clock)) as connection, transaction(connection):
        settings.put(connection, "kept", 1)
        for n in range(200):
            providers.upsert(connection, f"p{n}", {"type": "openai", "note": "x" * 100}, 1)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(StartError) as caught:
        open_file(path, now_ms=clock)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_new_database_has_every_table_and_knows_its_owner(path: Path) -> None:
    with closing(open_file(path, now_ms=clock)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT * FROM migrations").fetchall() == [
            (n, 1) for n in (1, 2, 3)
        ]


def test_database_and_companions_are_private_and_so_is_the_folder(path: Path) -> None:
    with closing(open_file(path, now_ms=clock)) as connection, transaction(connection):
        settings.put(connection, "a", 1)
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    name = path.name
    assert files == {name: 0o600, f"{name}-wal": 0o600, f"{name}-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_database_that_others_could_read_is_made_private(path: Path) -> None:
    made(path).chmod(0o644)
    open_file(path, now_ms=clock).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_written_is_there_when_opened_again(path: Path) -> None:
    with closing(open_file(made(path), now_ms=clock)) as connection:
        assert settings.get(connection, "kept") == 1


def test_an_empty_file_left_by_a_start_that_was_killed_is_used(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with closing(open_file(path, now_ms=clock)) as connection:
        assert settings.get(connection, "kept") is None


def test_a_name_with_signs_that_mean_something_in_a_url_works(tmp_path: Path) -> None:
    path = made(tmp_path / "a?b#c%20 d.sqlite")
    assert path.is_file()


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(made(path))) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    message = refusal(path)
    assert "a newer TokenHub wrote it (schema 99, this one knows 3)" in message
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks(url)")
    before = path.read_bytes()
    assert "belongs to another program" in refusal(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all\n" * 1000)
    before = path.read_bytes()
    assert "damaged or no database" in refusal(path)
    assert path.read_bytes() == before


def test_a_database_cut_short_is_refused_and_left_alone(path: Path) -> None:
    made(path)
    path.write_bytes(path.read_bytes()[: 4096 * 5])
    before = path.read_bytes()
    assert "damaged" in refusal(path)
    assert path.read_bytes() == before


def test_a_damaged_page_of_the_configuration_is_found_at_the_start(path: Path) -> None:
    with closing(sqlite3.connect(made(path))) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'providers'")
        root = found.fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : (root - 1) * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert "damaged" in refusal(path)
    assert path.read_bytes() == content


def test_a_damage_inside_a_page_is_found_at_the_start(path: Path) -> None:
    with closing(sqlite3.connect(made(path))) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'settings'")
        root = found.fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 + 8 : (root - 1) * 4096 + 10] = b"\x0f\xf0"
    path.write_bytes(content)
    assert "damaged" in refusal(path)


def test_a_folder_in_the_way_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    assert "a folder is in its place" in refusal(path)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    assert str(tmp_path / "home") in refusal(tmp_path / "home" / "tokenhub.sqlite")


def test_a_full_disk_leaves_no_half_made_database(
    path: Path, no_file_beyond: Callable[[int], AbstractContextManager[None]]
) -> None:
    with no_file_beyond(1000):
        message = refusal(path)
    assert "free space" in message
    assert list(path.parent.iterdir()) == []


def test_a_full_disk_leaves_an_existing_database_alone(
    path: Path, no_file_beyond: Callable[[int], AbstractContextManager[None]]
) -> None:
    before = made(path).read_bytes()
    with no_file_beyond(1000):
        refusal(path)
    assert path.read_bytes() == before


def test_a_read_only_folder_is_refused(plain_user_home: Path) -> None:
    plain_user_home.chmod(0o500)
    assert "Permission denied" in refusal(plain_user_home / "tokenhub.sqlite")


def test_an_existing_database_in_a_read_only_folder_is_refused(plain_user_home: Path) -> None:
    path = made(plain_user_home / "tokenhub.sqlite")
    before = path.read_bytes()
    plain_user_home.chmod(0o500)
    assert "permissions of the file and its folder" in refusal(path)
    assert path.read_bytes() == before


def test_a_read_only_file_is_refused(plain_user_home: Path) -> None:
    path = made(plain_user_home / "tokenhub.sqlite")
    before = path.read_bytes()
    path.chmod(0o400)
    assert "permissions of the file and its folder" in refusal(path)
    assert path.read_bytes() == before
