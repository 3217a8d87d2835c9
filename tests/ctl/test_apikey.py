import os
from datetime import UTC, datetime

from tests.ctl.conftest import Shell


async def test_a_key_is_created_used_rotated_edited_and_revoked(shell: Shell) -> None:
    created = await shell("apikey", "create", "--name", "editor", "--scopes", "chat,models")
    fields = dict(line.split(maxsplit=1) for line in created.out.splitlines()[:3])
    assert f"{os.environ['TOKENHUB_URL']}/v1 " in created.out
    office = shell.office
    assert office.ring.authenticate(fields["key"], office.clock()).name == "editor"
    rotated = (await shell("apikey", "rotate", fields["id"], "--json")).json
    assert rotated["key"] != fields["key"]
    assert (await shell("apikey", "edit", fields["id"], "--expires-in", "30d")).code == 0
    assert office.apikeys.get(fields["id"])["expires_at"] is not None
    assert (await shell("apikey", "delete", fields["id"])).code == 0
    assert office.apikeys.list() == []


async def test_a_key_is_created_from_json(shell: Shell) -> None:
    created = (
        await shell("apikey", "create", '{"name":"a","monthly_budget_usd":5}', "--json")
    ).json
    assert created["monthly_budget_usd"] == 5


async def test_the_list_shows_keys_by_their_beginning_only(shell: Shell) -> None:
    created = (await shell("apikey", "create", "--name", "editor", "--json")).json
    out = (await shell("apikey", "list")).out
    assert created["prefix"] in out
    assert created["key"] not in out


async def test_a_key_may_be_called_by_its_name(shell: Shell) -> None:
    await shell("apikey", "create", "--name", "editor")
    assert (await shell("apikey", "edit", "editor", "--rate-limit-rps", "5")).code == 0
    assert (await shell("apikey", "rotate", "editor")).code == 0
    assert (await shell("apikey", "delete", "editor")).code == 0
    ran = await shell("apikey", "delete", "editor")
    assert (ran.code, "'tokenhubctl apikey list'" in ran.err) == (1, True)


async def test_a_name_of_two_keys_is_refused_with_their_ids(shell: Shell) -> None:
    ids = sorted(
        [(await shell("apikey", "create", "--name", "a", "--json")).json["id"] for _ in range(2)]
    )
    ran = await shell("apikey", "delete", "a")
    assert (ran.code, ", ".join(ids) in ran.err) == (1, True)
    assert len(shell.office.apikeys.list()) == 2


async def test_the_list_says_what_is_not_limited_and_what_has_expired(shell: Shell) -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    shell.office.clock.now_ms = now_ms - 2 * 3_600_000
    await shell("apikey", "create", "--name", "old", "--expires-in", "1h")
    shell.office.clock.now_ms = now_ms
    await shell("apikey", "create", "--name", "new", "--expires-in", "1h")
    old, new = (await shell("apikey", "list")).out.splitlines()[1:]
    assert old.split()[3:6] == ["expired", "all", "all"]
    assert new.split()[3:6] == ["yes", "all", "all"]
