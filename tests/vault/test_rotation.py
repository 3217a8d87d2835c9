"""Rotation: all of it or nothing, whatever fails and whenever the process dies."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from tests.vault.support import CHEAP, OTHER, PASSWORD, Home, nothing, refuse
from tokenhub.errors import BadRequest, RequestError, StorageError, VaultUnavailable, WrongPassword
from tokenhub.storage import vault as rows
from tokenhub.storage.database import Database
from tokenhub.vault.slots import Argon2Cost
from tokenhub.vault.vault import Vault, VaultState

ROOT = Path(__file__).parents[2]
SECRETS = {"provider:anthropic": "sk-ant-1", "provider:openai": "sk-1", "provider:xai": "xai-1"}
T = TypeVar("T")


async def filled(home: Home) -> Vault:
    vault = await home.ready()
    for name, secret in SECRETS.items():
        await home.keep(vault, name, secret)
    return vault


def revealed(vault: Vault) -> dict[str, str | None]:
    return {name: vault.reveal(name) for name in vault.names()}


async def password_of(path: Path) -> str:
    """Return the one password that opens the vault at `path`, its secrets being whole."""
    db = Database.open(path, now_ms=lambda: 0)
    vault = await Vault.load(db, now_ms=lambda: 0, cost=CHEAP)
    opening = []
    for password in (PASSWORD, OTHER):
        try:
            await vault.unlock(password, nothing)
            assert revealed(vault) == SECRETS
            opening.append(password)
        except WrongPassword:
            pass
    await db.close()
    (password,) = opening
    return password


async def test_a_new_password_replaces_the_old_one(home: Home) -> None:
    vault = await filled(home)
    await vault.rotate(PASSWORD, OTHER, nothing)
    assert revealed(vault) == SECRETS
    vault.lock()
    with pytest.raises(WrongPassword):
        await vault.unlock(PASSWORD, nothing)
    await vault.unlock(OTHER, nothing)
    assert revealed(vault) == SECRETS


async def test_without_a_new_password_the_old_one_stays_and_everything_else_is_new(
    home: Home,
) -> None:
    vault = await filled(home)
    assert vault._opened is not None
    old_key = bytes(vault._opened.data_key)
    old_slot, old_rows = await home.rows_of("vault_slots"), await home.rows_of("vault_secrets")
    await vault.rotate(PASSWORD, None, nothing)
    assert bytes(vault._opened.data_key) != old_key
    assert await home.rows_of("vault_slots") != old_slot
    assert not set(await home.rows_of("vault_secrets")) & set(old_rows)
    assert [row[1] for row in await home.rows_of("vault_secrets")] == [2, 2, 2]
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert revealed(vault) == SECRETS


async def test_a_wrong_old_password_changes_nothing(home: Home) -> None:
    vault = await filled(home)
    tables = ("vault", "vault_slots", "vault_secrets")
    before = [await home.rows_of(table) for table in tables]
    with pytest.raises(WrongPassword):
        await vault.rotate(OTHER, "another password", nothing)
    assert [await home.rows_of(table) for table in tables] == before
    assert revealed(vault) == SECRETS


async def test_a_new_password_that_is_too_short_is_refused(home: Home) -> None:
    vault = await filled(home)
    with pytest.raises(BadRequest) as refusal:
        await vault.rotate(PASSWORD, "short", nothing)
    assert refusal.value.param == "new_password"
    assert await home.rows_of("vault_failures") == []


async def test_rotating_what_is_not_initialised_is_a_409(home: Home) -> None:
    with pytest.raises(RequestError) as refusal:
        await (await home.vault()).rotate(PASSWORD, OTHER, nothing)
    assert refusal.value.status == 409


async def test_a_locked_vault_is_rotated_and_stays_locked(home: Home) -> None:
    vault = await filled(home)
    vault.lock()
    await vault.rotate(PASSWORD, OTHER, nothing)
    assert vault.state is VaultState.LOCKED
    with pytest.raises(VaultUnavailable):
        vault.reveal("provider:openai")
    await vault.unlock(OTHER, nothing)
    assert revealed(vault) == SECRETS


async def test_a_lock_during_a_rotation_wins(home: Home) -> None:
    vault = await filled(home)
    async with asyncio.TaskGroup() as group:
        group.create_task(vault.rotate(PASSWORD, OTHER, nothing))
        await asyncio.sleep(0)
        vault.lock()
    assert vault.state is VaultState.LOCKED
    await vault.unlock(OTHER, nothing)
    assert revealed(vault) == SECRETS


async def test_requests_read_their_keys_all_through_a_rotation(home: Home) -> None:
    vault = await filled(home)
    rotation = asyncio.ensure_future(vault.rotate(PASSWORD, OTHER, nothing))
    while not rotation.done():
        assert vault.reveal("provider:openai") == "sk-1"
        await asyncio.sleep(0)
    await rotation
    assert vault.reveal("provider:openai") == "sk-1"


async def test_the_old_keys_are_wiped(home: Home) -> None:
    vault = await filled(home)
    old = vault._opened
    assert old is not None
    await vault.rotate(PASSWORD, OTHER, nothing)
    assert old.data_key == bytes(32)
    assert old.secrets == {}


async def test_a_secret_sealed_before_a_rotation_is_not_stored_after_it(home: Home) -> None:
    vault = await filled(home)
    sealed = vault.seal("provider:openai", "sk-2")
    await vault.rotate(PASSWORD, OTHER, nothing)
    with pytest.raises(RequestError, match="send it again") as refusal:
        await home.db.write(lambda c: rows.put_secret(c, sealed, 0))
    assert refusal.value.status == 409
    await home.keep(vault, "provider:openai", "sk-2")
    vault.lock()
    await vault.unlock(OTHER, nothing)
    assert vault.reveal("provider:openai") == "sk-2"


async def test_a_secret_stored_before_a_rotation_and_adopted_after_it_is_the_stored_one(
    home: Home,
) -> None:
    vault = await filled(home)
    sealed = vault.seal("provider:openai", "sk-2")
    await home.db.write(lambda c: rows.put_secret(c, sealed, 0))
    await vault.rotate(PASSWORD, OTHER, nothing)
    vault.adopt(sealed)
    assert vault.reveal("provider:openai") == "sk-2"


async def test_a_rotation_and_a_change_of_a_key_at_once_leave_every_secret_readable(
    home: Home,
) -> None:
    vault = await filled(home)

    async def keep(number: int) -> None:
        with suppress(RequestError):
            await home.keep(vault, f"provider:{number}", "sk-n")

    await asyncio.gather(
        *(keep(n) for n in range(5)),
        vault.rotate(PASSWORD, None, nothing),
        *(keep(n) for n in range(5, 10)),
        vault.rotate(PASSWORD, None, nothing),
    )
    before = revealed(vault)
    assert None not in before.values()
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert revealed(vault) == before


async def test_two_rotations_at_once_happen_one_after_the_other(home: Home) -> None:
    vault = await filled(home)
    await asyncio.gather(
        vault.rotate(PASSWORD, OTHER, nothing), vault.rotate(OTHER, PASSWORD, nothing)
    )
    assert [row[2] for row in await home.rows_of("vault")] == [3]
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert revealed(vault) == SECRETS


async def test_the_cost_of_a_slot_is_not_lowered(home: Home) -> None:
    vault = await home.vault(cost=Argon2Cost(memory_kib=16, iterations=1, lanes=1))
    await vault.init(PASSWORD, nothing)
    vault = await home.vault(cost=Argon2Cost(memory_kib=8, iterations=2, lanes=1))
    await vault.rotate(PASSWORD, OTHER, nothing)
    spec = (await home.db.read(rows.slots))["password"]
    assert (spec["memory_kib"], spec["iterations"]) == (16, 2)


async def test_a_caller_that_goes_away_leaves_memory_and_database_agreeing(home: Home) -> None:
    vault = await filled(home)
    caller = asyncio.ensure_future(vault.rotate(PASSWORD, OTHER, nothing))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await vault.rotate(OTHER, None, nothing)  # waits for its turn
    await home.keep(vault, "provider:openai", "sk-2")
    vault.lock()
    await vault.unlock(OTHER, nothing)
    assert revealed(vault) == SECRETS | {"provider:openai": "sk-2"}


async def test_a_secret_changed_in_the_database_does_not_stop_the_others_rotation(
    home: Home,
) -> None:
    vault = await filled(home)
    await home.execute("UPDATE vault_secrets SET nonce = zeroblob(12) WHERE name LIKE '%xai'")
    await vault.rotate(PASSWORD, OTHER, nothing)
    assert revealed(vault) == SECRETS | {"provider:xai": None}


async def test_without_its_audit_row_nothing_is_rotated(home: Home) -> None:
    vault = await filled(home)
    with pytest.raises(RuntimeError, match="no audit"):
        await vault.rotate(PASSWORD, OTHER, refuse)
    assert revealed(vault) == SECRETS
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert revealed(vault) == SECRETS


class FailingConnection:
    """A connection whose disk fails at one statement."""

    def __init__(self, connection: sqlite3.Connection, fuse: list[int]) -> None:
        self._connection = connection
        self._fuse = fuse

    def execute(self, *args: Any) -> sqlite3.Cursor:
        self._fuse[0] -= 1
        if self._fuse[0] < 0:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self._connection.execute(*args)


class FailingDatabase:
    """The database, with statements that fail after `fuse[0]` good ones."""

    def __init__(self, db: Database) -> None:
        self.fuse = [1_000]
        self.read = db.read
        self._db = db

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        return await self._db.write(
            lambda c: change(cast("sqlite3.Connection", FailingConnection(c, self.fuse)))
        )


async def test_a_disk_that_fails_at_any_statement_leaves_everything_as_it_was(home: Home) -> None:
    await filled(home)
    failing = FailingDatabase(home.db)
    vault = await Vault.load(cast("Database", failing), now_ms=home.clock, cost=CHEAP)
    await vault.unlock(PASSWORD, nothing)
    before, failed = await home.rows_of("vault_secrets"), 0
    while True:
        home.clock.pass_s(61)
        failing.fuse[0] = failed
        try:
            await vault.rotate(PASSWORD, OTHER, nothing)
            break
        except StorageError:
            failed += 1
        assert revealed(vault) == SECRETS
        assert await home.rows_of("vault_secrets") == before
    assert failed > 2 * len(SECRETS)
    assert revealed(vault) == SECRETS
    assert await home.rows_of("vault_secrets") != before


async def test_a_process_killed_before_any_statement_leaves_the_old_or_the_new_vault_whole(
    home: Home, tmp_path: Path
) -> None:
    await filled(home)
    await home.db.close()
    kills = tmp_path / "kills"
    kills.mkdir()
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.vault.killed_rotation", str(home.path), str(kills)],
        cwd=ROOT,
        check=True,
        timeout=50,
    )
    left = sorted(kills.iterdir(), key=lambda folder: int(folder.name))
    found = [await password_of(folder / home.path.name) for folder in left]
    assert len(found) > 2 * len(SECRETS)
    assert found == [PASSWORD] * (len(found) - 1) + [OTHER]


async def test_a_write_torn_at_any_page_leaves_the_old_or_the_new_vault_whole(
    home: Home, tmp_path: Path
) -> None:
    vault = await filled(home)
    log = home.path.with_name(home.path.name + "-wal")
    before = log.stat().st_size
    await vault.rotate(PASSWORD, OTHER, nothing)
    written = log.read_bytes()
    page = 24 + 4096  # a frame's header and its page: https://sqlite.org/fileformat2.html#walformat
    found = []
    for cut in range(before, len(written) + 1, page // 2):
        folder = tmp_path / str(cut)
        folder.mkdir()
        shutil.copy(home.path, folder)
        (folder / log.name).write_bytes(written[:cut])
        found.append(await password_of(folder / home.path.name))
    assert found[0] == PASSWORD
    assert found[-1] == OTHER
    assert found == sorted(found, key=[PASSWORD, OTHER].index)
