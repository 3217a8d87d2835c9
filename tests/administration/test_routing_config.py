import math
from pathlib import Path
from typing import Any

import pytest

from tests.administration.office import AUTHOR, OPENAI, Office, office
from tokenhub.errors import BadRequest, RequestError, StartError
from tokenhub.routing.policy import Mode, RoutingConfig
from tokenhub.storage import settings
from tokenhub.types import ApiKey

KEY = ApiKey("id", "name", b"hash")
USUAL = {
    "default_mode": "normal",
    "default_max_budget_usd": 0.05,
    "default_max_latency_ms": 20000,
    "max_budget_usd_ceiling": None,
    "max_latency_ms_ceiling": None,
    "fallback": True,
    "named_fallback": "equivalent",
    "backup_providers": [],
    "unknown_model": "refuse",
    "hedge_after_ms": 0,
    "hub_daily_usd": None,
    "hub_monthly_usd": None,
}
OTHER: dict[str, Any] = {
    "default_mode": "cheap",
    "default_max_budget_usd": 0.01,
    "default_max_latency_ms": 1500,
    "max_budget_usd_ceiling": 2.5,
    "max_latency_ms_ceiling": 60000,
    "fallback": False,
    "named_fallback": "listed",
    "backup_providers": ["openai"],
    "unknown_model": "route",
    "hedge_after_ms": 60_000,
    "hub_daily_usd": 3,
    "hub_monthly_usd": 50,
}


async def test_at_first_it_is_as_specified(desk: Office) -> None:
    assert desk.rules.get() == USUAL
    assert desk.policies.current == RoutingConfig()


async def test_everything_can_be_changed_and_is_in_force_at_once(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    assert await desk.rules.put(OTHER, AUTHOR) == OTHER
    assert desk.policies.current == RoutingConfig(
        default_mode=Mode.CHEAP,
        default_max_budget_nano=10_000_000,
        default_max_latency_ms=1500,
        max_budget_nano_ceiling=2_500_000_000,
        max_latency_ms_ceiling=60_000,
        fallback=False,
        named_fallback="listed",
        backup_providers=("openai",),
        unknown_model="route",
        hedge_after_ms=60_000,
    )
    assert desk.budgets.apply_to(KEY)


async def test_a_limit_is_in_force_at_once_and_the_other_one_stays(desk: Office) -> None:
    await desk.rules.put({"hub_monthly_usd": 5}, AUTHOR)
    whole = await desk.rules.put({"hub_daily_usd": 0.5}, AUTHOR)
    assert whole == {**USUAL, "hub_daily_usd": 0.5, "hub_monthly_usd": 5}
    with pytest.raises(RequestError, match="hub_daily_usd"):
        desk.budgets.reserve(KEY, 600_000_000)


async def test_null_lifts_a_limit_and_a_ceiling(desk: Office) -> None:
    await desk.rules.put({"hub_daily_usd": 0, "max_budget_usd_ceiling": 0}, AUTHOR)
    await desk.rules.put({"hub_daily_usd": None, "max_budget_usd_ceiling": None}, AUTHOR)
    assert not desk.budgets.apply_to(KEY)
    assert desk.policies.current.max_budget_nano_ceiling is None


@pytest.mark.parametrize(
    ("other", "ours"),
    [
        ("minimize_cost", "cheap"),
        ("minimize_latency", "fast"),
        ("maximize_quality", "high_confidence"),
        ("balanced", "normal"),
    ],
)
async def test_a_mode_may_be_called_as_orchestrators_do(
    desk: Office, other: str, ours: str
) -> None:
    assert (await desk.rules.put({"default_mode": other}, AUTHOR))["default_mode"] == ours


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hub_daily_usd", -1),
        ("hub_daily_usd", "1"),
        ("hub_monthly_usd", math.inf),
        ("default_mode", "cheep"),
        ("default_mode", None),
        ("default_max_budget_usd", math.nan),
        ("default_max_budget_usd", 101),
        ("default_max_latency_ms", 0),
        ("default_max_latency_ms", 1.5),
        ("max_latency_ms_ceiling", 300_001),
        ("max_budget_usd_ceiling", -0.01),
        ("fallback", "off"),
        ("named_fallback", "any"),
        ("unknown_model", "guess"),
        ("hedge_after_ms", -1),
        ("hedge_after_ms", 60_001),
        ("hedge_after_ms", 0.5),
        ("hedge_after_ms", True),
        ("hedge_after_ms", None),
        ("backup_providers", "openai"),
        ("backup_providers", ["nobody"]),
        ("default_budget", 1),
    ],
)
async def test_a_wrong_or_unknown_field_is_refused_by_name_and_changes_nothing(
    desk: Office, field: str, value: object
) -> None:
    with pytest.raises(BadRequest, match=field) as refused:
        await desk.rules.put({"fallback": False, field: value}, AUTHOR)
    assert refused.value.param == field
    assert desk.rules.get() == USUAL
    assert await desk.audit() == []


async def test_a_wrong_mode_is_told_which_there_are(desk: Office) -> None:
    with pytest.raises(BadRequest, match=r"unknown mode 'cheep': one of cheap, normal, .*fast"):
        await desk.rules.put({"default_mode": "cheep"}, AUTHOR)


async def test_a_backup_provider_that_was_deleted_does_not_hinder_other_changes(
    desk: Office,
) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    await desk.rules.put({"backup_providers": ["openai", "openai"]}, AUTHOR)
    await desk.providers.delete("openai", AUTHOR)
    assert (await desk.rules.put({"fallback": False}, AUTHOR))["backup_providers"] == ["openai"]


async def test_a_change_is_told_and_audited(desk: Office) -> None:
    with desk.events.subscribe() as events:
        await desk.rules.put({"fallback": False}, AUTHOR)
        event = await anext(events)
    assert (event.type, event.fields["resource"]) == ("config_changed", "routing-config")
    assert await desk.audit() == [("routing-config.update", "routing-config", "admin")]


async def test_the_configuration_comes_back_after_a_restart(tmp_path: Path) -> None:
    async with office(tmp_path) as desk:
        await desk.providers.upsert(OPENAI, AUTHOR)
        await desk.rules.put(OTHER, AUTHOR)
        policy = desk.policies.current
    async with office(tmp_path) as desk:
        assert desk.rules.get() == OTHER
        assert desk.policies.current == policy
        assert desk.budgets.apply_to(KEY)


async def test_the_settings_count_until_a_configuration_is_stored(tmp_path: Path) -> None:
    settings_of = {
        "TOKENHUB_DEFAULT_MODE": "minimize_cost",
        "TOKENHUB_DEFAULT_MAX_BUDGET_USD": "0.25",
        "TOKENHUB_DEFAULT_MAX_LATENCY_MS": "900",
    }
    async with office(tmp_path, environ=settings_of) as desk:
        assert desk.rules.get() == {
            **USUAL,
            "default_mode": "cheap",
            "default_max_budget_usd": 0.25,
            "default_max_latency_ms": 900,
        }
        await desk.rules.put({"default_max_latency_ms": 700}, AUTHOR)
    async with office(tmp_path, environ={"TOKENHUB_DEFAULT_MODE": "fast"}) as desk:
        assert desk.rules.get()["default_mode"] == "cheap"
        assert desk.rules.get()["default_max_latency_ms"] == 700


async def test_a_configuration_of_an_older_hub_is_completed(tmp_path: Path) -> None:
    async with office(tmp_path) as desk:
        await desk.database.write(
            lambda connection: settings.put(connection, "routing-config", {"hub_daily_usd": 1})
        )
    async with office(tmp_path, environ={"TOKENHUB_DEFAULT_MODE": "fast"}) as desk:
        assert desk.rules.get() == {**USUAL, "hub_daily_usd": 1, "default_mode": "fast"}


async def test_a_stored_configuration_that_is_wrong_stops_the_start_in_words(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as desk:
        await desk.database.write(
            lambda connection: settings.put(connection, "routing-config", {"fallback": 3})
        )
    with pytest.raises(StartError, match="stored routing config is wrong: fallback"):
        async with office(tmp_path):
            pass
