"""Any interleaving of reservations and settlements keeps the sums in agreement."""

import sqlite3
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tokenhub.errors import RequestError
from tokenhub.ledger.budgets import Budgets, HubLimits, Reservation
from tokenhub.ledger.periods import DAY_MS, periods_of
from tokenhub.ledger.spent import Spent, read_spent
from tokenhub.storage import ledger as daily_sums
from tokenhub.storage.database import Database
from tokenhub.types import ApiKey, Outcome

NOW_MS = 1_800_000_000_000
LIMIT = 1_000
HUB_LIMITS = HubLimits(daily_nano=1_500, monthly_nano=4_000)
KEYS = [ApiKey(f"k{n}", "editor", b"", monthly_budget_nano=LIMIT) for n in range(3)]
amounts = st.integers(0, 400)


class BudgetMachine(RuleBasedStateMachine):
    """Reserves, settles and lets days go by, beside a model that adds up on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW_MS
        self.budgets = Budgets(lambda: self.now_ms, lambda _: None, HUB_LIMITS, Spent())
        self.open: list[tuple[Reservation, ApiKey, int, int]] = []
        self.booked: list[tuple[ApiKey, int, int, int]] = []

    @rule(key=st.sampled_from(KEYS), amount=amounts)
    def reserve(self, key: ApiKey, amount: int) -> None:
        try:
            held = self.budgets.reserve(key, amount)
        except RequestError:
            return
        self.open.append((held, key, amount, self.now_ms))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), cost=amounts, as_reserved=st.booleans())
    def settle(self, data: st.DataObject, cost: int, as_reserved: bool) -> None:
        position = data.draw(st.integers(0, len(self.open) - 1))
        held, key, amount, at_ms = self.open.pop(position)
        cost = min(cost, amount) if as_reserved else cost
        self.budgets.settle(held, cost)
        self.budgets.settle(held, cost)
        self.booked.append((key, amount, cost, at_ms))

    @rule(hours=st.integers(1, 24 * 20))
    def time_goes_by(self, hours: int) -> None:
        self.now_ms += hours * DAY_MS // 24

    def spent(self, key: ApiKey | None, from_day: int) -> tuple[int, int]:
        """What was spent since `from_day`, and by how much reservations had been exceeded."""
        rows = [
            (amount, cost)
            for booked_key, amount, cost, at_ms in self.booked
            if at_ms // DAY_MS >= from_day and key in (None, booked_key)
        ]
        return sum(cost for _, cost in rows), sum(max(0, cost - amount) for amount, cost in rows)

    def reserved(self, key: ApiKey | None, from_day: int) -> int:
        return sum(
            amount
            for _, reserved_key, amount, at_ms in self.open
            if at_ms // DAY_MS >= from_day and key in (None, reserved_key)
        )

    @invariant()
    def no_budget_is_exceeded_by_more_than_the_estimates_were_off(self) -> None:
        periods = periods_of(self.now_ms)
        covers: list[tuple[ApiKey | None, int, int | None]] = [
            (None, periods.day, HUB_LIMITS.daily_nano),
            (None, periods.month_start, HUB_LIMITS.monthly_nano),
            *((key, periods.month_start, key.monthly_budget_nano) for key in KEYS),
        ]
        for key, from_day, limit in covers:
            spent, excess = self.spent(key, from_day)
            assert spent + self.reserved(key, from_day) <= (limit or 0) + excess

    @invariant()
    def reserved_and_spent_add_up(self) -> None:
        # A request that costs nothing always passes, and shows the accounts in force.
        periods = periods_of(self.now_ms)
        for key in KEYS:
            mine, day, month = self.budgets.reserve(key, 0).accounts
            assert mine.spent_nano == self.spent(key, periods.month_start)[0]
            assert mine.reserved_nano == self.reserved(key, periods.month_start)
            assert day.spent_nano == self.spent(None, periods.day)[0]
            assert day.reserved_nano == self.reserved(None, periods.day)
            assert month.spent_nano == self.spent(None, periods.month_start)[0]
            assert month.reserved_nano == self.reserved(None, periods.month_start)


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def outcome_of(key_id: str, days_ago: int, cost: int, fee: int) -> Outcome:
    return Outcome(
        request_id="req_1",
        timestamp_ms=NOW_MS - days_ago * DAY_MS,
        api_key_id=key_id,
        client="curl",
        endpoint="/v1/chat/completions",
        stream=False,
        model_requested="gpt",
        mode="named",
        reason="named",
        status=200,
        latency_ms=1.0,
        model="gpt",
        provider_id="openai",
        cost_nano=cost,
        fee_nano=fee,
    )


async def migrated(path: Path) -> Path:
    await Database.open(path, now_ms=lambda: NOW_MS).close()
    return path


outcomes = st.builds(
    outcome_of,
    st.sampled_from(["k1", "k2"]),
    st.integers(0, 70),
    st.integers(0, 10**12),
    st.integers(0, 10**6),
)


async def test_the_sums_of_the_days_equal_the_sum_of_the_settlements(tmp_path: Path) -> None:
    path = await migrated(tmp_path / "hub.sqlite")

    @settings(max_examples=60, deadline=None)
    @given(st.lists(outcomes, max_size=30), st.integers(1, 30))
    def check(settled: list[Outcome], group: int) -> None:
        connection = sqlite3.connect(path)
        try:
            for start in range(0, len(settled), group):
                daily_sums.add(connection, settled[start : start + group])
            rows = connection.execute("SELECT sum(cost_nano + fee_nano) FROM settlements")
            days = connection.execute("SELECT sum(cost_nano + fee_nano) FROM ledger_daily")
            total = sum(one.cost_nano + one.fee_nano for one in settled)
            assert (rows.fetchone()[0] or 0) == (days.fetchone()[0] or 0) == total
            month_start = periods_of(NOW_MS).month_start
            this_month = [one for one in settled if one.timestamp_ms // DAY_MS >= month_start]
            spent = read_spent(connection, NOW_MS)
            assert spent.hub_this_month == sum(one.cost_nano + one.fee_nano for one in this_month)
        finally:
            connection.rollback()
            connection.close()

    check()
