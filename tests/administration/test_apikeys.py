from pathlib import Path
from typing import Any

import pytest

from tests.administration.office import AUTHOR, Office, office
from tokenhub.errors import BadRequest, RequestError
from tokenhub.types import Scope

DAY_MS = 86_400_000


async def test_a_key_is_shown_once_and_kept_as_a_hash(desk: Office) -> None:
    made = await desk.apikeys.create({"name": "editor"}, AUTHOR)
    assert len(made["id"]) == 16
    assert len(made["key"]) == len("tokenhub_") + 64
    assert made["key"].startswith(made["prefix"])
    assert made["key"] not in str(desk.apikeys.list())
    assert made["key"] not in await desk.everything_stored()
    assert desk.ring.authenticate(made["key"], desk.clock()).name == "editor"


async def test_a_key_has_the_limits_it_was_given(desk: Office) -> None:
    fields: dict[str, Any] = {
        "name": "editor",
        "scopes": ["chat", "models"],
        "allowed_models": ["gpt-*"],
        "expires_in": "30d",
        "monthly_budget_usd": 12.5,
        "rate_limit_rps": 5,
        "rate_limit_burst": 7,
    }
    made = await desk.apikeys.create(fields, AUTHOR)
    key = desk.ring.authenticate(made["key"], desk.clock())
    assert key.scopes == frozenset({Scope.CHAT, Scope.MODELS})
    assert key.allowed_models == ("gpt-*",)
    assert key.expires_at_ms == desk.clock() + 30 * DAY_MS
    assert key.monthly_budget_nano == 12_500_000_000
    assert (key.rate_limit_rps, key.rate_limit_burst) == (5, 7)
    assert made["monthly_budget_usd"] == 12.5
    assert made["expires_at"].endswith("Z")


async def test_scopes_may_come_as_the_text_of_a_list(desk: Office) -> None:
    made = await desk.apikeys.create({"name": "a", "scopes": '["chat","plan"]'}, AUTHOR)
    assert made["scopes"] == ["chat", "plan"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["chat", "admin"]}, "scopes"),
        ({"name": "a", "scopes": "chat"}, "scopes"),
        ({"name": "a", "scopes": 3}, "scopes"),
        ({"name": "a", "allowed_models": []}, "allowed_models"),
        ({"name": "a", "expires_in": "soon"}, "expires_in"),
        ({"name": "a", "expires_in": "0h"}, "expires_in"),
        ({"name": "a", "expires_in": 3600}, "expires_in"),
        ({"name": "a", "expires_in": "999999999d"}, "expires_in"),
        ({"name": "a", "monthly_budget_usd": -1}, "monthly_budget_usd"),
        ({"name": "a", "monthly_budget_usd": "12"}, "monthly_budget_usd"),
        ({"name": "a", "rate_limit_rps": True}, "rate_limit_rps"),
        ({"name": "a", "enabled": "yes"}, "enabled"),
        ({"name": "a", "rotation": 3}, "rotation"),
    ],
)
async def test_a_wrong_field_is_named(desk: Office, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await desk.apikeys.create(fields, AUTHOR)
    assert (refused.value.param or "").split(".")[0] == param
    assert desk.apikeys.list() == []


async def test_rotating_kills_the_old_value_at_once(desk: Office) -> None:
    made = await desk.apikeys.create({"name": "a"}, AUTHOR)
    fresh = await desk.apikeys.rotate(made["id"], AUTHOR)
    assert fresh["id"] == made["id"]
    assert desk.ring.authenticate(fresh["key"], desk.clock()).id == made["id"]
    with pytest.raises(RequestError, match="not known"):
        desk.ring.authenticate(made["key"], desk.clock())


async def test_a_revoked_key_is_refused_once_that_is_answered(desk: Office) -> None:
    made = await desk.apikeys.create({"name": "a"}, AUTHOR)
    await desk.apikeys.revoke(made["id"], AUTHOR)
    with pytest.raises(RequestError, match="not known"):
        desk.ring.authenticate(made["key"], desk.clock())
    with pytest.raises(RequestError) as refused:
        desk.apikeys.get(made["id"])
    assert refused.value.status == 404


async def test_an_edit_changes_only_what_it_names_and_null_lifts_a_limit(desk: Office) -> None:
    fields = {"name": "a", "expires_in": "1h", "monthly_budget_usd": 3, "allowed_models": ["x"]}
    made = await desk.apikeys.create(fields, AUTHOR)
    changes = {"expires_in": None, "monthly_budget_usd": None, "allowed_models": None}
    await desk.apikeys.patch(made["id"], changes | {"enabled": False}, AUTHOR)
    shown = desk.apikeys.get(made["id"])
    assert shown["name"] == "a"
    assert (shown["expires_at"], shown["monthly_budget_usd"], shown["allowed_models"]) == (
        None,
    ) * 3
    with pytest.raises(RequestError, match="disabled"):
        desk.ring.authenticate(made["key"], desk.clock())


async def test_every_change_has_its_audit_row_and_event(desk: Office) -> None:
    with desk.events.subscribe() as events:
        made = await desk.apikeys.create({"name": "a"}, AUTHOR)
        await desk.apikeys.patch(made["id"], {"name": "b"}, AUTHOR)
        await desk.apikeys.rotate(made["id"], AUTHOR)
        await desk.apikeys.revoke(made["id"], AUTHOR)
        told = [(await anext(events)).fields["action"] for _ in range(4)]
    actions = ["apikey.create", "apikey.update", "apikey.rotate", "apikey.revoke"]
    assert told == actions
    assert [action for action, _, _ in await desk.audit()] == actions


async def test_keys_come_back_after_a_restart(tmp_path: Path) -> None:
    async with office(tmp_path) as desk:
        made = await desk.apikeys.create({"name": "a", "scopes": ["chat"]}, AUTHOR)
        before = desk.apikeys.list()
    async with office(tmp_path) as desk:
        assert desk.apikeys.list() == before
        assert desk.ring.authenticate(made["key"], desk.clock()).id == made["id"]
