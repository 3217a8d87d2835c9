"""Budgets of the keys and of the hub: reserved before a call, settled after it.

In memory only: one process owns the ledger, and its death ends every call that a reservation
covers. What was spent is read again from the daily sums at the start.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tokenhub.errors import RequestError
from tokenhub.ledger.account import Account, Budget, Notice
from tokenhub.ledger.periods import next_day, next_month, periods_of
from tokenhub.ledger.spent import Spent
from tokenhub.types import ApiKey


@dataclass(frozen=True, slots=True)
class HubLimits:
    """What all keys together may spend, in nano-dollars; None is no limit."""

    daily_nano: int | None = None
    monthly_nano: int | None = None


class Reservation:
    """`amount_nano` held in some accounts until the call it was made for is settled."""

    __slots__ = ("accounts", "amount_nano", "settled")

    def __init__(self, accounts: tuple[Account, ...], amount_nano: int) -> None:
        self.accounts = accounts
        self.amount_nano = amount_nano
        self.settled = False


class Budgets:
    """Keeps an account per key and month, and two for the hub: its day and its month.

    A new period begins with new accounts; what was reserved before is settled in the old ones,
    as the daily sums have it. A clock that goes back begins no period again.
    """

    def __init__(
        self,
        now_ms: Callable[[], int],
        tell: Callable[[Notice], None],
        limits: HubLimits,
        spent: Spent,
    ) -> None:
        self._now_ms = now_ms
        self._tell = tell
        self._limits = limits
        self._periods = periods_of(now_ms())
        self._keys = {
            key_id: Account(Budget.KEY_MONTHLY, key_id, nano)
            for key_id, nano in spent.by_key_this_month.items()
        }
        self._hub_day = Account(Budget.HUB_DAILY, None, spent.hub_today)
        self._hub_month = Account(Budget.HUB_MONTHLY, None, spent.hub_this_month)

    def limit_hub(self, limits: HubLimits) -> None:
        """Put `limits` in force for requests that are reserved from now on."""
        self._limits = limits

    def apply_to(self, key: ApiKey) -> bool:
        """Tell whether any budget covers a request of `key`."""
        return key.monthly_budget_nano is not None or self._limits != HubLimits()

    def room_nano(self, key: ApiKey) -> int | None:
        """Return what every budget that covers `key` can still hold, None where there is none."""
        self._roll()
        limits = self._limits
        account = self._keys.get(key.id)
        spent = 0 if account is None else account.spent_nano + account.reserved_nano
        rooms = [
            limit - used
            for limit, used in (
                (key.monthly_budget_nano, spent),
                (limits.daily_nano, self._hub_day.spent_nano + self._hub_day.reserved_nano),
                (limits.monthly_nano, self._hub_month.spent_nano + self._hub_month.reserved_nano),
            )
            if limit is not None
        ]
        return max(0, min(rooms)) if rooms else None

    def reserve(self, key: ApiKey, amount_nano: int) -> Reservation:
        """Hold `amount_nano` in every budget that covers `key`, or in none.

        Raises RequestError 402 `budget_exceeded` naming the budget that has no room for it. A
        request that costs nothing always has room.
        """
        if (refused := self.refusal(key, amount_nano)) is not None:
            raise refused
        accounts = (self._keys[key.id], self._hub_day, self._hub_month)
        for account in accounts:
            account.reserved_nano += amount_nano
        return Reservation(accounts, amount_nano)

    def refusal(self, key: ApiKey, amount_nano: int) -> RequestError | None:
        """Return why `amount_nano` does not fit into the budgets that cover `key`, None if it does.

        A budget that has refused something is told of as one that is nearly used up.
        """
        self._roll()
        account = self._keys.get(key.id)
        if account is None:
            account = self._keys[key.id] = Account(Budget.KEY_MONTHLY, key.id)
        accounts = (account, self._hub_day, self._hub_month)
        limits = (key.monthly_budget_nano, self._limits.daily_nano, self._limits.monthly_nano)
        for account, limit_nano in zip(accounts, limits, strict=True):
            if not account.has_room(amount_nano, limit_nano):
                return self._refused(account, amount_nano)
        return None

    def settle(self, reservation: Reservation, cost_nano: int) -> None:
        """Exchange the reservation for what the call did cost; a second time changes nothing."""
        if reservation.settled:
            return
        reservation.settled = True
        for account in reservation.accounts:
            account.reserved_nano -= reservation.amount_nano
            account.spent_nano += cost_nano
            if (notice := account.news()) is not None:
                self._tell(notice)

    def _roll(self) -> None:
        periods = periods_of(self._now_ms())
        if periods.day <= self._periods.day:
            return
        self._hub_day = Account(Budget.HUB_DAILY, None)
        if periods.month_start > self._periods.month_start:
            self._keys = {}
            self._hub_month = Account(Budget.HUB_MONTHLY, None)
        self._periods = periods

    def _refused(self, account: Account, amount_nano: int) -> RequestError:
        if (notice := account.news(refused=True)) is not None:
            self._tell(notice)
        daily = account.budget is Budget.HUB_DAILY
        periods = self._periods
        resets = next_day(periods.day) if daily else next_month(periods.month_start)
        return RequestError(402, "budget_exceeded", account.refusal(amount_nano, resets))
