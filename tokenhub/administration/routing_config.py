"""The routing configuration: how models are chosen, and what all keys together may spend."""

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, ConfigDict, Field

from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.units import nano, usd
from tokenhub.config import Settings
from tokenhub.errors import BadRequest, StartError
from tokenhub.ledger.budgets import Budgets, HubLimits
from tokenhub.observe.events import EventBus
from tokenhub.providers.payload import validate
from tokenhub.routing.policy import Mode, PolicyHolder, RoutingConfig, mode_of
from tokenhub.routing.steering import MAX_BUDGET_USD, MAX_LATENCY_MS
from tokenhub.storage import settings as settings_rows
from tokenhub.storage.database import Database
from tokenhub.text import clean

SETTING = "routing-config"

MAX_BACKUPS = 100
MAX_HEDGE_AFTER_MS = 60_000


def known_mode(text: str) -> Mode:
    """Return the mode of a payload's field; raises ValueError naming those there are."""
    mode = mode_of(text)
    if mode is None:
        raise ValueError(f"unknown mode {clean(text, 80)!r}: one of {', '.join(Mode)}")
    return mode


_ModeName = Annotated[str, AfterValidator(lambda text: known_mode(text).value)]
_Spending = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
_PerRequest = Annotated[float, Field(ge=0, le=MAX_BUDGET_USD, allow_inf_nan=False)]
_Milliseconds = Annotated[int, Field(ge=1, le=MAX_LATENCY_MS)]


class _Fields(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    default_mode: _ModeName = Mode.NORMAL.value
    default_max_budget_usd: _PerRequest = 0.05
    default_max_latency_ms: _Milliseconds = 20_000
    max_budget_usd_ceiling: _PerRequest | None = None
    max_latency_ms_ceiling: _Milliseconds | None = None
    fallback: bool = True
    named_fallback: Literal["equivalent", "listed", "none"] = "equivalent"
    backup_providers: Annotated[list[str], Field(max_length=MAX_BACKUPS)] = []
    unknown_model: Literal["refuse", "route"] = "refuse"
    hedge_after_ms: Annotated[int, Field(ge=0, le=MAX_HEDGE_AFTER_MS)] = 0
    hub_daily_usd: _Spending | None = None
    hub_monthly_usd: _Spending | None = None

    def policy(self) -> RoutingConfig:
        """What requests are decided by."""
        return RoutingConfig(
            default_mode=known_mode(self.default_mode),
            default_max_budget_nano=nano(self.default_max_budget_usd) or 0,
            default_max_latency_ms=self.default_max_latency_ms,
            max_budget_nano_ceiling=nano(self.max_budget_usd_ceiling),
            max_latency_ms_ceiling=self.max_latency_ms_ceiling,
            fallback=self.fallback,
            named_fallback=self.named_fallback,
            backup_providers=tuple(dict.fromkeys(self.backup_providers)),
            unknown_model=self.unknown_model,
            hedge_after_ms=self.hedge_after_ms,
        )

    def limits(self) -> HubLimits:
        """What budgets go by."""
        return HubLimits(nano(self.hub_daily_usd), nano(self.hub_monthly_usd))


def stored_limits(connection: sqlite3.Connection) -> HubLimits:
    """Return the hub's budgets as they are stored; raises StartError for a wrong row."""
    return _parsed(settings_rows.get(connection, SETTING) or {}).limits()


async def stored_policy(database: Database, settings: Settings) -> RoutingConfig:
    """Return the policy as it is stored, and where it says nothing, that of the settings.

    Raises StartError for a wrong row.
    """
    usual = {
        "default_mode": settings.default_mode,
        "default_max_budget_usd": usd(settings.default_max_budget_nano),
        "default_max_latency_ms": settings.default_max_latency_ms,
    }
    stored = await database.read(lambda connection: settings_rows.get(connection, SETTING))
    return _parsed(usual | (stored or {})).policy()


class RoutingRules:
    """Administers the configuration in the database, in `policies` and in `budgets`.

    Both hold what is stored when this is made; `limits` is what `budgets` do.
    """

    def __init__(
        self,
        changes: Changes,
        inventory: Inventory,
        policies: PolicyHolder,
        budgets: Budgets,
        limits: HubLimits,
        events: EventBus,
    ) -> None:
        self._changes = changes
        self._inventory = inventory
        self._policies = policies
        self._budgets = budgets
        self._limits = limits
        self._events = events

    def get(self) -> dict[str, Any]:
        """Return the whole configuration; a ceiling or a hub budget of null is none."""
        return _shown(self._policies.current, self._limits)

    async def put(self, payload: Mapping[str, Any], author: Author) -> dict[str, Any]:
        """Change the fields given; return the whole, which is in force for the next request."""
        given = validate(_Fields, payload).model_dump(exclude_unset=True)
        return await self._changes.alone(self._put(given, author))

    async def _put(self, given: dict[str, Any], author: Author) -> dict[str, Any]:
        for provider_id in given.get("backup_providers", ()):
            if provider_id not in self._inventory.providers:
                raise self._no_provider(provider_id)
        before = self.get()
        after = before | given
        fields = validate(_Fields, after)
        entry = author.entry("routing-config.update", SETTING, before=before, after=after)
        await self._changes.apply(
            entry, lambda connection: settings_rows.put(connection, SETTING, after)
        )
        self._limits = fields.limits()
        self._policies.replace(fields.policy())
        self._budgets.limit_hub(self._limits)
        self._events.publish("config_changed", action="routing-config.update", resource=SETTING)
        return self.get()

    def _no_provider(self, provider_id: str) -> BadRequest:
        known = ", ".join(sorted(self._inventory.providers)) or "none yet"
        message = f"there is no provider {clean(provider_id, 80)!r}: one of {known}"
        return BadRequest(f"backup_providers: {message}", param="backup_providers")


def _parsed(stored: Mapping[str, Any]) -> _Fields:
    try:
        return validate(_Fields, stored)
    except BadRequest as error:
        raise StartError(f"the stored routing config is wrong: {error}") from None


def _shown(policy: RoutingConfig, limits: HubLimits) -> dict[str, Any]:
    return {
        "default_mode": policy.default_mode.value,
        "default_max_budget_usd": usd(policy.default_max_budget_nano),
        "default_max_latency_ms": policy.default_max_latency_ms,
        "max_budget_usd_ceiling": usd(policy.max_budget_nano_ceiling),
        "max_latency_ms_ceiling": policy.max_latency_ms_ceiling,
        "fallback": policy.fallback,
        "named_fallback": policy.named_fallback,
        "backup_providers": list(policy.backup_providers),
        "unknown_model": policy.unknown_model,
        "hedge_after_ms": policy.hedge_after_ms,
        "hub_daily_usd": usd(limits.daily_nano),
        "hub_monthly_usd": usd(limits.monthly_nano),
    }
