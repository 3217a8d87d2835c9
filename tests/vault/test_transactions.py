"""The throttle: at most five wrong passwords a minute, over a restart too."""

import asyncio

import pytest

from tests.vault.support import OTHER, PASSWORD, Home, nothing
from tokenhub.errors import VaultThrottled, WrongPassword
from tokenhub.vault import slots
from tokenhub.vault.vault import Vault, VaultState


async def guess(vault: Vault, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            await vault.unlock(OTHER, nothing)


async def test_the_sixth_try_within_a_minute_waits_even_with_the_right_password(
    home: Home,
) -> None:
    vault = await home.ready()
    await guess(vault, 5)
    home.clock.pass_s(10)
    with pytest.raises(VaultThrottled) as refusal:
        await vault.unlock(PASSWORD, nothing)
    assert refusal.value.retry_after_s == 50


async def test_a_restart_does_not_give_new_tries(home: Home) -> None:
    await guess(await home.ready(), 5)
    with pytest.raises(VaultThrottled):
        await (await home.vault()).unlock(PASSWORD, nothing)


async def test_after_the_wait_it_opens(home: Home) -> None:
    vault = await home.ready()
    await guess(vault, 5)
    home.clock.pass_s(60)
    vault.lock()
    await vault.unlock(PASSWORD, nothing)
    assert vault.state is VaultState.UNLOCKED


async def test_the_window_slides(home: Home) -> None:
    vault = await home.ready()
    for _ in range(5):
        await guess(vault, 1)
        home.clock.pass_s(10)
    with pytest.raises(VaultThrottled) as refusal:
        await vault.unlock(PASSWORD, nothing)
    assert refusal.value.retry_after_s == 10
    home.clock.pass_s(10)
    await guess(vault, 1)
    with pytest.raises(VaultThrottled):
        await vault.unlock(PASSWORD, nothing)


async def test_the_right_password_clears_the_count(home: Home) -> None:
    vault = await home.ready()
    await guess(vault, 4)
    await vault.unlock(PASSWORD, nothing)
    await guess(vault, 5)


async def test_rotation_counts_wrong_passwords_too(home: Home) -> None:
    vault = await home.ready()
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await vault.rotate(OTHER, None, nothing)
    with pytest.raises(VaultThrottled):
        await vault.unlock(PASSWORD, nothing)


async def test_guesses_at_the_same_moment_are_counted_one_by_one(home: Home) -> None:
    vault = await home.ready()
    results = await asyncio.gather(
        *(vault.unlock(OTHER, nothing) for _ in range(20)), return_exceptions=True
    )
    kinds = [type(result) for result in results]
    assert (kinds.count(WrongPassword), kinds.count(VaultThrottled)) == (5, 15)


async def test_a_try_counts_from_before_it_is_checked(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await home.ready()
    monkeypatch.setattr(slots, "unwrap", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await vault.unlock(OTHER, nothing)
    assert len(await home.rows_of("vault_failures")) == 1


async def test_a_throttled_try_is_not_counted(home: Home) -> None:
    vault = await home.ready()
    await guess(vault, 5)
    for _ in range(3):
        with pytest.raises(VaultThrottled):
            await vault.unlock(OTHER, nothing)
    assert len(await home.rows_of("vault_failures")) == 5


async def test_old_failures_are_forgotten(home: Home) -> None:
    vault = await home.ready()
    await guess(vault, 5)
    home.clock.pass_s(61)
    await guess(vault, 1)
    assert len(await home.rows_of("vault_failures")) == 1


async def test_a_clock_set_back_does_not_throttle_for_ever(home: Home) -> None:
    vault = await home.ready()
    await guess(vault, 5)
    home.clock.pass_s(-3600)
    await vault.unlock(PASSWORD, nothing)
