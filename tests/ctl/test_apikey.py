from tests.ctl.conftest import Shell


async def test_a_key_is_created_used_rotated_edited_and_revoked(shell: Shell) -> None:
    created = await shell("apikey", "create", "--name", "editor", "--scopes", "chat,models")
    fields = dict(line.split(maxsplit=1) for line in created.out.splitlines())
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
