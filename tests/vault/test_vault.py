"""States and secrets; `test_transactions` has the throttle, `test_rotation` the rotation."""

import asyncio
import logging

import pytest

from tests.vault.support import CHEAP, OTHER, PASSWORD, Home, audit, nothing, refuse
from tokenhub.errors import BadRequest, RequestError, VaultError, VaultUnavailable, WrongPassword
from tokenhub.storage import vault as rows
from tokenhub.vault.slots import DEFAULT_COST, Argon2Cost
from tokenhub.vault.vault import Vault, VaultState


async def test_a_new_home_has_no_vault_and_reveals_nothing(home: Home) -> None:
    vault = await home.vault()
    assert vault.state is VaultState.UNINITIALISED
    with pytest.raises(VaultUnavailable, match="uninitialised"):
        vault.reveal("provider:openai")
    with pytest.raises(VaultUnavailable, match="uninitialised"):
        vault.seal("provider:openai", "sk-1")


async def test_initialising_leaves_it_unlocked_and_says_so(home: Home) -> None:
    vault = await home.ready()
    assert vault.state is VaultState.UNLOCKED
    assert home.changes == [VaultState.UNLOCKED]


@pytest.mark.parametrize("password", ["", "seven c"])
async def test_a_password_of_fewer_than_8_characters_is_refused(home: Home, password: str) -> None:
    vault = await home.vault()
    with pytest.raises(BadRequest) as refusal:
        await vault.init(password, nothing)
    assert refusal.value.param == "admin_password"
    assert vault.state is VaultState.UNINITIALISED


async def test_a_vault_is_initialised_once(home: Home) -> None:
    vault = await home.ready()
    with pytest.raises(RequestError, match="already") as refusal:
        await vault.init(OTHER, nothing)
    assert refusal.value.status == 409
    await vault.unlock(PASSWORD, nothing)


async def test_unlocking_what_is_not_initialised_is_a_409(home: Home) -> None:
    with pytest.raises(RequestError, match="not initialised") as refusal:
        await (await home.vault()).unlock(PASSWORD, nothing)
    assert refusal.value.status == 409


async def test_secrets_are_there_again_after_a_restart_and_an_unlock(home: Home) -> None:
    await home.keep(await home.ready(), "provider:openai", "sk-1")
    vault = await home.vault()
    assert vault.state is VaultState.LOCKED
    await vault.unlock(PASSWORD, nothing)
    assert vault.reveal("provider:openai") == "sk-1"
    assert home.changes == [VaultState.UNLOCKED, VaultState.UNLOCKED]


async def test_a_vault_with_the_real_cost_opens_again(home: Home) -> None:
    vault = await home.vault(cost=DEFAULT_COST)
    await vault.init(PASSWORD, nothing)
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert vault.state is VaultState.UNLOCKED


async def test_a_wrong_password_changes_nothing(home: Home) -> None:
    await home.keep(await home.ready(), "provider:openai", "sk-1")
    vault = await home.vault()
    before = [await home.rows_of(table) for table in ("vault", "vault_slots", "vault_secrets")]
    with pytest.raises(WrongPassword):
        await vault.unlock(OTHER, audit("vault.unlock"))
    assert vault.state is VaultState.LOCKED
    assert [await home.rows_of(t) for t in ("vault", "vault_slots", "vault_secrets")] == before
    assert await home.rows_of("settings") == []


async def test_an_unlocked_vault_checks_the_password_too(home: Home) -> None:
    vault = await home.ready()
    with pytest.raises(WrongPassword):
        await vault.unlock(OTHER, nothing)
    assert vault.state is VaultState.UNLOCKED
    await vault.unlock(PASSWORD, nothing)
    assert home.changes == [VaultState.UNLOCKED]


async def test_changes_commit_together_with_their_audit_row(home: Home) -> None:
    vault = await home.vault()
    await vault.init(PASSWORD, audit("vault.init"))
    vault.lock()
    await vault.unlock(PASSWORD, audit("vault.unlock"))
    await vault.rotate(PASSWORD, OTHER, audit("vault.rotate"))
    actions = [row[0] for row in await home.rows_of("settings")]
    assert sorted(map(str, actions)) == ["vault.init", "vault.rotate", "vault.unlock"]


# What a test means to fail is logged as the program's failure: a bug in `also` is one.
async def test_nothing_is_initialised_without_its_audit_row(home: Home) -> None:
    vault = await home.vault()
    with pytest.raises(RuntimeError, match="no audit"):
        await vault.init(PASSWORD, refuse)
    assert vault.state is VaultState.UNINITIALISED
    assert await home.rows_of("vault") == []


async def test_nothing_is_unlocked_without_its_audit_row(home: Home) -> None:
    await home.ready()
    vault = await home.vault()
    with pytest.raises(RuntimeError, match="no audit"):
        await vault.unlock(PASSWORD, refuse)
    assert vault.state is VaultState.LOCKED


async def test_a_lock_takes_effect_on_the_next_reveal(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-1")
    vault.lock()
    assert vault.state is VaultState.LOCKED
    with pytest.raises(VaultUnavailable) as refusal:
        vault.reveal("provider:openai")
    assert refusal.value.state == "locked"


async def test_a_lock_overwrites_every_key_in_memory(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-1")
    opened = vault._opened
    assert opened is not None
    data_key, secret = opened.data_key, opened.secrets["provider:openai"]
    vault.lock()
    assert data_key == bytes(32)
    assert secret == bytes(4)


async def test_locking_twice_is_announced_once(home: Home) -> None:
    vault = await home.ready()
    vault.lock()
    vault.lock()
    assert home.changes == [VaultState.UNLOCKED, VaultState.LOCKED]


async def test_names_are_known_while_locked(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "b", "2")
    await home.keep(vault, "a", "1")
    vault = await home.vault()
    assert vault.names() == ["a", "b"]
    assert vault.has("a")
    assert not vault.has("c")


async def test_an_unknown_secret_is_none(home: Home) -> None:
    assert (await home.ready()).reveal("provider:openai") is None


async def test_storing_again_replaces_and_wipes_the_old_secret(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-1")
    assert vault._opened is not None
    old = vault._opened.secrets["provider:openai"]
    await home.keep(vault, "provider:openai", "sk-2")
    assert vault.reveal("provider:openai") == "sk-2"
    assert old == bytes(4)


async def test_a_secret_is_revealed_only_after_it_was_adopted(home: Home) -> None:
    vault = await home.ready()
    sealed = vault.seal("provider:openai", "sk-1")
    assert vault.reveal("provider:openai") is None
    await home.db.write(lambda c: rows.put_secret(c, sealed, 0))
    vault.adopt(sealed)
    assert vault.reveal("provider:openai") == "sk-1"


async def test_a_secret_that_was_not_sealed_here_is_not_adopted(home: Home) -> None:
    vault = await home.ready()
    vault.adopt(rows.Sealed("provider:openai", 1, bytes(12), bytes(20)))
    assert vault.reveal("provider:openai") is None


async def test_a_secret_adopted_after_a_lock_is_read_with_the_next_unlock(home: Home) -> None:
    vault = await home.ready()
    sealed = vault.seal("provider:openai", "sk-1")
    await home.db.write(lambda c: rows.put_secret(c, sealed, 0))
    vault.lock()
    vault.adopt(sealed)
    assert vault.has("provider:openai")
    await vault.unlock(PASSWORD, nothing)
    assert vault.reveal("provider:openai") == "sk-1"


async def test_a_dropped_secret_is_gone_from_database_and_memory(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-1")
    assert vault._opened is not None
    secret = vault._opened.secrets["provider:openai"]
    assert await home.db.write(lambda c: vault.drop(c, "provider:openai"))
    vault.forget("provider:openai")
    assert vault.reveal("provider:openai") is None
    assert secret == bytes(4)
    assert await home.rows_of("vault_secrets") == []


async def test_a_secret_can_be_dropped_while_locked(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-1")
    vault.lock()
    assert await home.db.write(lambda c: vault.drop(c, "provider:openai"))
    vault.forget("provider:openai")
    assert not vault.has("provider:openai")


async def test_dropping_what_is_not_there_says_so(home: Home) -> None:
    vault = await home.ready()
    assert not await home.db.write(lambda c: vault.drop(c, "provider:openai"))
    vault.forget("provider:openai")


@pytest.mark.parametrize("secret", ["", "schlüssel-键", "sk-\ud800"])
async def test_any_text_comes_back_as_it_was(home: Home, secret: str) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", secret)
    assert vault.reveal("provider:openai") == secret
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert vault.reveal("provider:openai") == secret


async def test_no_secret_and_no_password_lies_in_any_file(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-very-secret")
    await vault.rotate(PASSWORD, OTHER, nothing)
    for file in home.path.parent.iterdir():
        content = file.read_bytes()
        assert not any(word.encode() in content for word in ("sk-very-secret", PASSWORD, OTHER))


async def test_no_secret_is_in_what_objects_show(home: Home) -> None:
    vault = await home.ready()
    await home.keep(vault, "provider:openai", "sk-very-secret")
    shown = repr(vault) + repr(vault.__dict__) + repr(vault.seal("x", "sk-very-secret"))
    assert "sk-very-secret" not in shown


async def test_a_lock_during_an_unlock_wins(home: Home) -> None:
    await home.ready()
    vault = await home.vault()
    async with asyncio.TaskGroup() as group:
        group.create_task(vault.unlock(PASSWORD, nothing))
        await asyncio.sleep(0)
        vault.lock()
    assert vault.state is VaultState.LOCKED
    assert home.changes == [VaultState.UNLOCKED]


async def test_a_lock_during_the_initialisation_wins(home: Home) -> None:
    vault = await home.vault()
    async with asyncio.TaskGroup() as group:
        group.create_task(vault.init(PASSWORD, nothing))
        await asyncio.sleep(0)
        vault.lock()
    assert home.changes == [VaultState.LOCKED]
    await vault.unlock(PASSWORD, nothing)


async def test_of_two_initialisations_at_once_one_is_refused(home: Home) -> None:
    vault = await home.vault()
    results = await asyncio.gather(
        vault.init(PASSWORD, nothing), vault.init(OTHER, nothing), return_exceptions=True
    )
    assert results[0] is None
    assert isinstance(results[1], RequestError)


async def test_a_caller_that_goes_away_does_not_stop_a_change(home: Home) -> None:
    vault = await home.vault()
    caller = asyncio.ensure_future(vault.init(PASSWORD, nothing))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await vault.unlock(PASSWORD, nothing)  # waits for its turn, and finds the vault initialised
    assert vault.state is VaultState.UNLOCKED


async def test_an_unlock_finds_a_vault_whose_creation_was_committed_without_an_answer(
    home: Home,
) -> None:
    vault = await home.vault()
    await home.ready()
    await vault.unlock(PASSWORD, nothing)
    vault.lock()
    assert vault.state is VaultState.LOCKED


async def test_closing_wipes_the_keys_and_announces_nothing(home: Home) -> None:
    vault = await home.ready()
    opened = vault._opened
    await vault.close()
    assert opened is not None
    assert opened.data_key == bytes(32)
    assert home.changes == [VaultState.UNLOCKED]


async def test_auto_lock_is_off_by_default(home: Home) -> None:
    vault = await home.ready()
    home.clock.pass_s(10**7)
    assert vault.locks_in_s is None
    assert not vault.lock_if_idle()


async def test_auto_lock_counts_from_the_last_request_that_needed_a_key(home: Home) -> None:
    vault = await home.ready(autolock_minutes=30)
    home.clock.pass_s(1000)
    assert vault.locks_in_s == 800
    vault.touch()
    assert vault.locks_in_s == 1800
    home.clock.pass_s(1799)
    assert not vault.lock_if_idle()
    assert vault.state is VaultState.UNLOCKED


async def test_auto_lock_locks_when_its_time_has_come(home: Home) -> None:
    vault = await home.ready(autolock_minutes=0.5)
    home.clock.pass_s(30)
    assert vault.locks_in_s == 0
    assert vault.lock_if_idle()
    assert home.changes == [VaultState.UNLOCKED, VaultState.LOCKED]


async def test_a_locked_vault_has_nothing_to_count_down(home: Home) -> None:
    vault = await home.ready(autolock_minutes=30)
    vault.lock()
    assert vault.locks_in_s is None
    assert not vault.lock_if_idle()


async def test_a_cheaper_slot_is_made_dearer_on_unlock(home: Home) -> None:
    await home.ready()
    dearer = Argon2Cost(memory_kib=16, iterations=2, lanes=1)
    vault = await home.vault(cost=dearer)
    await vault.unlock(PASSWORD, nothing)
    spec = (await home.db.read(rows.slots))["password"]
    assert (spec["memory_kib"], spec["iterations"], spec["lanes"]) == (16, 2, 1)
    vault = await home.vault(cost=CHEAP)
    await vault.unlock(PASSWORD, nothing)
    assert (await home.db.read(rows.slots))["password"] == spec


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vault_secrets SET ciphertext = zeroblob(20) WHERE name = 'a'",
        "UPDATE vault_secrets SET nonce = zeroblob(12) WHERE name = 'a'",
        "UPDATE vault_secrets SET version = 2 WHERE name = 'a'",
        "UPDATE vault_secrets SET version = -1 WHERE name = 'a'",
        "UPDATE vault_secrets SET (nonce, ciphertext) ="
        " (SELECT nonce, ciphertext FROM vault_secrets WHERE name = 'b') WHERE name = 'a'",
    ],
    ids=["ciphertext", "nonce", "version", "negative version", "another secret's row"],
)
async def test_a_secret_changed_in_the_database_is_left_out_and_named(
    home: Home, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    vault = await home.ready()
    await home.keep(vault, "a", "secret of a")
    await home.keep(vault, "b", "secret of b")
    await home.execute(change)
    vault.lock()
    with caplog.at_level(logging.ERROR):
        await vault.unlock(PASSWORD, nothing)
    assert vault.reveal("a") is None
    assert vault.reveal("b") == "secret of b"
    assert "'a' was changed outside TokenHub" in caplog.text
    assert "secret of" not in caplog.text


@pytest.mark.parametrize("change", ["vault_id = 'other'", "key_version = 7", "key_version = -7"])
async def test_a_vault_row_changed_in_the_database_refuses_the_password(
    home: Home, change: str
) -> None:
    await home.ready()
    await home.execute(f"UPDATE vault SET {change}")  # noqa: S608
    with pytest.raises(WrongPassword):
        await (await home.vault()).unlock(PASSWORD, nothing)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM vault_slots",
        "UPDATE vault_slots SET spec = '{}'",
        "UPDATE vault_slots SET spec = 'nothing'",
    ],
)
async def test_a_damaged_slot_is_said_to_be_one(home: Home, change: str) -> None:
    await home.ready()
    await home.execute(change)
    with pytest.raises(VaultError, match="restore a backup"):
        await (await home.vault()).unlock(PASSWORD, nothing)


async def test_a_vault_is_not_announced_to_anybody_unless_asked(home: Home) -> None:
    vault = await Vault.load(home.db, now_ms=home.clock, cost=CHEAP)
    await vault.init(PASSWORD, nothing)
    assert vault.state is VaultState.UNLOCKED
