from tests.administration.office import PASSWORD
from tests.api.admin.service import Caller

GIVEN = {"admin_password": PASSWORD}


async def test_the_states_of_the_vault_over_http(admin: Caller) -> None:
    assert (await admin("GET", "vault")).json == {
        "state": "uninitialised",
        "enabled": True,
        "slots": [],
        "autolock_minutes": 0,
        "locks_in_s": None,
        "secrets": 0,
    }
    assert (await admin("POST", "vault/unlock", GIVEN)).status == 409
    short = await admin("POST", "vault/init", {"admin_password": "short"})
    assert (short.status, "admin_password: expected 8" in short.text) == (400, True)
    assert (await admin("POST", "vault/init", GIVEN)).json["state"] == "unlocked"
    assert (await admin("POST", "vault/init", GIVEN)).status == 409
    assert (await admin("POST", "vault/lock")).json["state"] == "locked"
    assert (await admin("POST", "vault/unlock", GIVEN)).json["state"] == "unlocked"


async def test_wrong_passwords_are_a_401_and_then_throttled(admin: Caller) -> None:
    await admin("POST", "vault/init", GIVEN)
    replies = [
        await admin("POST", "vault/unlock", {"admin_password": "wrong password"}) for _ in range(6)
    ]
    assert [reply.status for reply in replies] == [401] * 5 + [429]
    assert int(replies[-1].headers["Retry-After"]) >= 1


async def test_rotation_takes_the_old_password_and_perhaps_a_new_one(admin: Caller) -> None:
    await admin("POST", "vault/init", GIVEN)
    assert (await admin("POST", "vault/rotate", {"old_password": PASSWORD})).status == 200
    both = {"old_password": PASSWORD, "new_password": "battery staple"}
    assert (await admin("POST", "vault/rotate", both)).status == 200
    assert (await admin("POST", "vault/unlock", GIVEN)).status == 401
