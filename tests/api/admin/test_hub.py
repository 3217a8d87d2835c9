import pytest

from tests.administration.office import OPENAI
from tests.api.admin.service import Caller


async def test_info_tells_what_runs(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI)
    info = (await admin("GET", "info")).json
    assert info["listen_addr"] == admin.base.removeprefix("http://")
    assert info["home"] == str(admin.office.home)
    assert (info["providers"], info["models"]) == (1, 0)
    assert (info["vault_state"], info["vault_locked"]) == ("uninitialised", True)
    assert {"version", "pid", "uptime_s", "default_mode"} <= info.keys()


async def test_a_rotated_admin_token_is_the_only_one_that_opens(admin: Caller) -> None:
    token = (await admin("POST", "admin-token/rotate")).json["token"]
    assert (await admin("GET", "info")).status == 401
    fresh = {"Authorization": f"Bearer {token}"}
    assert (await admin("GET", "info", headers=fresh)).status == 200


@pytest.mark.parametrize("path", ["admin-token/rotate", "vault/lock"])
async def test_a_route_without_fields_takes_none(admin: Caller, path: str) -> None:
    refused = await admin("POST", path, {"force": True})
    assert (refused.status, "'force'" in refused.json["error"]["message"]) == (400, True)
    assert (await admin("POST", path, {})).status == 200


async def test_a_payload_of_many_values_is_refused(admin: Caller) -> None:
    limits = [f"m{number}" for number in range(10_001)]
    refused = await admin("POST", "apikeys", {"name": "a", "allowed_models": limits})
    assert refused.status == 400
    assert "too many values" in refused.json["error"]["message"]
