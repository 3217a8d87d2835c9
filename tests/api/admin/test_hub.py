from tests.administration.office import OPENAI
from tests.api.admin.service import Caller


async def test_info_tells_what_runs(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI)
    info = (await admin("GET", "info")).json
    assert info["listen_addr"] == admin.base
    assert info["home"] == str(admin.office.home)
    assert (info["providers"], info["models"]) == (1, 0)
    assert (info["vault_state"], info["vault_locked"]) == ("uninitialised", True)
    assert {"version", "pid", "uptime_s", "default_mode"} <= info.keys()


async def test_a_rotated_admin_token_is_the_only_one_that_opens(admin: Caller) -> None:
    token = (await admin("POST", "admin-token/rotate")).json["token"]
    assert (await admin("GET", "info")).status == 401
    fresh = {"Authorization": f"Bearer {token}"}
    assert (await admin("GET", "info", headers=fresh)).status == 200


async def test_the_routing_config_is_changed_field_by_field(admin: Caller) -> None:
    assert (await admin("PUT", "routing-config", {"hub_daily_usd": 2.5})).json == {
        "hub_daily_usd": 2.5,
        "hub_monthly_usd": None,
    }
    assert (await admin("GET", "routing-config")).json["hub_daily_usd"] == 2.5
    assert (await admin("PUT", "routing-config", {"hub_daily": 1})).status == 400
