from pathlib import Path

import pytest

from tests.administration.office import AUTHOR, Office, office
from tokenhub.errors import BadRequest, RequestError
from tokenhub.types import ApiKey

KEY = ApiKey("id", "name", b"hash")


async def test_at_first_nothing_is_limited(desk: Office) -> None:
    assert desk.routing_config.get() == {"hub_daily_usd": None, "hub_monthly_usd": None}


async def test_a_limit_is_in_force_at_once_and_the_other_one_stays(desk: Office) -> None:
    await desk.routing_config.put({"hub_monthly_usd": 5}, AUTHOR)
    whole = await desk.routing_config.put({"hub_daily_usd": 0.5}, AUTHOR)
    assert whole == {"hub_daily_usd": 0.5, "hub_monthly_usd": 5}
    with pytest.raises(RequestError, match="hub_daily_usd"):
        desk.budgets.reserve(KEY, 600_000_000)


async def test_null_lifts_a_limit(desk: Office) -> None:
    await desk.routing_config.put({"hub_daily_usd": 0}, AUTHOR)
    await desk.routing_config.put({"hub_daily_usd": None}, AUTHOR)
    assert not desk.budgets.apply_to(KEY)


@pytest.mark.parametrize(
    "fields", [{"hub_daily_usd": -1}, {"hub_daily_usd": "1"}, {"default_mode": "cheap"}]
)
async def test_a_wrong_or_unknown_field_is_refused(desk: Office, fields: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        await desk.routing_config.put(fields, AUTHOR)
    assert await desk.audit() == []


async def test_the_configuration_comes_back_after_a_restart(tmp_path: Path) -> None:
    async with office(tmp_path) as desk:
        await desk.routing_config.put({"hub_daily_usd": 1.25}, AUTHOR)
        assert (await desk.audit())[-1][0] == "routing-config.update"
    async with office(tmp_path) as desk:
        assert desk.routing_config.get()["hub_daily_usd"] == 1.25
        assert desk.budgets.apply_to(KEY)
