import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tokenhub.errors import StorageError
from tokenhub.storage import settings
from tokenhub.storage.connection import connect, transaction, translated
from tokenhub.storage.opening import open_file


@pytest.fixture
def connection(path: Path) -> sqlite3.Connection:
    return open_file(path, now_ms=lambda: 1)


def change_and_fail(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        settings.put(connection, "a", 1)
        raise KeyError


def test_a_transaction_is_undone_when_an_exception_leaves_it(
    connection: sqlite3.Connection,
) -> None:
    with closing(connection):
        with pytest.raises(KeyError):
            change_and_fail(connection)
        assert settings.get(connection, "a") is None
        assert not connection.in_transaction


def test_every_connection_checks_foreign_keys(connection: sqlite3.Connection, path: Path) -> None:
    with closing(connection), closing(connect(path)) as other:
        assert other.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert other.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_read_only_connection_refuses_to_write(
    connection: sqlite3.Connection, path: Path
) -> None:
    with closing(connection), closing(connect(path, read_only=True)) as reader:
        with pytest.raises(sqlite3.OperationalError, match="readonly") as caught:
            settings.put(reader, "a", 1)
        assert isinstance(translated(caught.value), StorageError)


def test_a_mistake_in_a_statement_is_not_taken_for_a_fault_of_the_disk(
    connection: sqlite3.Connection,
) -> None:
    with closing(connection), pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("SELECT nothing FROM nowhere")
    assert translated(caught.value) is caught.value


def test_a_connection_to_no_database_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        connect(tmp_path / "text")
