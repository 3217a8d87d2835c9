"""One budget in one period."""

from dataclasses import dataclass
from enum import StrEnum

from tokenhub.types import NANO


class Budget(StrEnum):
    """Which budget it is; the hub's cap all keys together."""

    KEY_MONTHLY = "monthly_budget_usd"
    HUB_DAILY = "hub_daily_usd"
    HUB_MONTHLY = "hub_monthly_usd"


class Level(StrEnum):
    """How much of a budget is gone; the values are the types of the events that tell it."""

    WARNING = "budget_warning"
    EXCEEDED = "budget_exceeded"


@dataclass(frozen=True, slots=True)
class Notice:
    """80 % (WARNING) or all (EXCEEDED) of a budget is gone; `api_key_id` None is the whole hub."""

    level: Level
    budget: Budget
    api_key_id: str | None
    limit_nano: int
    spent_nano: int


class Account:
    """What was spent and is reserved in one period, and which notices went out for it.

    `limit_nano` is the budget as it was when the last request came, None while there is none.
    """

    __slots__ = ("_told", "api_key_id", "budget", "limit_nano", "reserved_nano", "spent_nano")

    def __init__(self, budget: Budget, api_key_id: str | None, spent_nano: int = 0) -> None:
        self.budget = budget
        self.api_key_id = api_key_id
        self.spent_nano = spent_nano
        self.reserved_nano = 0
        self.limit_nano: int | None = None
        self._told: Level | None = None

    def has_room(self, amount_nano: int, limit_nano: int | None) -> bool:
        """Tell whether `amount_nano` more fits into `limit_nano` (None: no limit)."""
        if limit_nano != self.limit_nano:
            # What a new limit finds already spent is no news, and neither is it after a restart.
            self.limit_nano = limit_nano
            self._told = self._level()
        return (
            limit_nano is None
            or amount_nano == 0
            or self.spent_nano + self.reserved_nano + amount_nano <= limit_nano
        )

    def news(self, *, refused: bool = False) -> Notice | None:
        """Return the notice that is due now, once for each level of a limit.

        A budget that has refused a request counts as used up as soon as 80 % of it is spent.
        """
        level = self._level()
        if refused and level is Level.WARNING:
            level = Level.EXCEEDED
        if level is None or level is self._told or self._told is Level.EXCEEDED:
            return None
        self._told = level
        return Notice(level, self.budget, self.api_key_id, self.limit_nano or 0, self.spent_nano)

    def refusal(self, amount_nano: int, resets: str) -> str:
        """Return the sentence that tells a client why `amount_nano` more is refused."""
        limit_nano = self.limit_nano or 0
        whose = "the hub" if self.api_key_id is None else "this key"
        budget = f"the budget {self.budget.value} of {whose}"
        if self.spent_nano >= limit_nano:
            what, way_out = f"{budget} is used up", "it"
        else:
            what = f"this request does not fit into what is left of {budget}"
            way_out = "a smaller max_tokens makes it cheaper, and the budget"
        return (
            f"{what}: of ${_usd(limit_nano)}, ${_usd(self.spent_nano)} is spent and "
            f"${_usd(self.reserved_nano)} reserved for running requests, and this request may cost "
            f"${_usd(amount_nano)}; {way_out} resets at {resets}"
        )

    def _level(self) -> Level | None:
        limit = self.limit_nano
        if limit is None or self.spent_nano * 5 < limit * 4:
            return None
        return Level.WARNING if self.spent_nano < limit else Level.EXCEEDED


def _usd(nano: int) -> str:
    whole, rest = divmod(nano, NANO)
    return f"{whole}.{f'{rest:09d}'.rstrip('0'):0<2}"
