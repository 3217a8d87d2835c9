"""The routing configuration: so far what all keys together may spend."""

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic import ConfigDict, Field

from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.units import nano, usd
from tokenhub.ledger.budgets import Budgets, HubLimits
from tokenhub.observe.events import EventBus
from tokenhub.providers.payload import validate
from tokenhub.storage import settings

SETTING = "routing-config"

_Budget = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None


class _Fields(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    hub_daily_usd: _Budget = None
    hub_monthly_usd: _Budget = None


def stored_limits(connection: sqlite3.Connection) -> HubLimits:
    """Return the hub's budgets as they are stored."""
    return _limits(_Fields.model_validate(settings.get(connection, SETTING) or {}))


class RoutingConfig:
    """Administers the configuration in the database and in `budgets`."""

    def __init__(
        self, changes: Changes, budgets: Budgets, limits: HubLimits, events: EventBus
    ) -> None:
        self._changes = changes
        self._budgets = budgets
        self._limits = limits
        self._events = events

    def get(self) -> dict[str, Any]:
        """Return the whole configuration; a budget of null is none."""
        return _shown(self._limits)

    async def put(self, payload: Mapping[str, Any], author: Author) -> dict[str, Any]:
        """Change the fields given; return the whole."""
        given = validate(_Fields, payload).model_dump(exclude_unset=True)
        return await self._changes.alone(self._put(given, author))

    async def _put(self, given: dict[str, Any], author: Author) -> dict[str, Any]:
        before = self.get()
        after = before | given
        limits = _limits(_Fields.model_validate(after))
        entry = author.entry("routing-config.update", SETTING, before=before, after=after)
        await self._changes.apply(
            entry, lambda connection: settings.put(connection, SETTING, after)
        )
        self._limits = limits
        self._budgets.limit_hub(limits)
        self._events.publish("config_changed", action="routing-config.update", resource=SETTING)
        return self.get()


def _limits(fields: _Fields) -> HubLimits:
    return HubLimits(nano(fields.hub_daily_usd), nano(fields.hub_monthly_usd))


def _shown(limits: HubLimits) -> dict[str, Any]:
    return {
        "hub_daily_usd": usd(limits.daily_nano),
        "hub_monthly_usd": usd(limits.monthly_nano),
    }
