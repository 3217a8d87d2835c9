import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.administration.office import AUTHOR, PASSWORD, Office, office
from tokenhub.administration.vault import VaultDoor
from tokenhub.errors import BadRequest, RequestError, WrongPassword
from tokenhub.vault.vault import VaultState

GIVEN = {"admin_password": PASSWORD}


async def test_a_vault_is_made_locked_and_opened_again(desk: Office) -> None:
    assert (await desk.door.status())["state"] == "uninitialised"
    made = await desk.door.init(GIVEN, AUTHOR)
    assert (made["state"], made["slots"], made["secrets"]) == ("unlocked", ["password"], 0)
    assert (await desk.door.lock(AUTHOR))["state"] == "locked"
    assert (await desk.door.unlock(GIVEN, AUTHOR))["state"] == "unlocked"
    assert [action for action, _, _ in await desk.audit()] == [
        "vault.init",
        "vault.lock",
        "vault.unlock",
    ]


async def test_a_wrong_password_opens_nothing_and_leaves_no_row(desk: Office) -> None:
    await desk.door.init(GIVEN, AUTHOR)
    await desk.door.lock(AUTHOR)
    with pytest.raises(WrongPassword):
        await desk.door.unlock({"admin_password": "something else"}, AUTHOR)
    assert desk.vault.state is VaultState.LOCKED
    assert [action for action, _, _ in await desk.audit()] == ["vault.init", "vault.lock"]


async def test_rotation_replaces_the_password(desk: Office) -> None:
    await desk.door.init(GIVEN, AUTHOR)
    passwords = {"old_password": PASSWORD, "new_password": "battery staple"}
    assert (await desk.door.rotate(passwords, AUTHOR))["state"] == "unlocked"
    with pytest.raises(WrongPassword):
        await desk.door.unlock(GIVEN, AUTHOR)
    await desk.door.unlock({"admin_password": "battery staple"}, AUTHOR)


async def test_a_lock_holds_even_if_its_audit_row_cannot_be_written(desk: Office) -> None:
    await desk.door.init(GIVEN, AUTHOR)
    await desk.database.close()
    with pytest.raises(Exception, match="closed"):
        await desk.door.lock(AUTHOR)
    assert desk.vault.state is VaultState.LOCKED


@pytest.mark.parametrize("payload", [{}, {"password": PASSWORD}, {"admin_password": 12345678}])
async def test_a_wrong_payload_is_named_without_its_value(
    desk: Office, payload: dict[str, object]
) -> None:
    with pytest.raises(BadRequest) as refused:
        await desk.door.init(payload, AUTHOR)
    assert PASSWORD not in refused.value.message
    assert desk.vault.state is VaultState.UNINITIALISED


async def test_a_vault_that_is_switched_off_cannot_be_opened(tmp_path: Path) -> None:
    async with office(tmp_path, vault_enabled=False) as desk:
        for change in (desk.door.init(GIVEN, AUTHOR), desk.door.lock(AUTHOR)):
            with pytest.raises(RequestError, match="disabled") as refused:
                await change
            assert refused.value.status == 409
        assert (await desk.door.status())["enabled"] is False


async def test_what_follows_the_opening_is_done_even_if_the_caller_goes_away(desk: Office) -> None:
    opened = asyncio.Event()

    async def note() -> None:
        opened.set()

    door = VaultDoor(
        desk.changes, desk.database, desk.vault, enabled=True, autolock_minutes=0, opened=note
    )
    opening = asyncio.ensure_future(door.init(GIVEN, AUTHOR))
    await asyncio.sleep(0)
    opening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await opening
    await asyncio.wait_for(opened.wait(), 10)
    assert desk.vault.state is VaultState.UNLOCKED
