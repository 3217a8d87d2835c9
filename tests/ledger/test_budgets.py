import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tokenhub.errors import RequestError
from tokenhub.ledger.account import Budget, Level, Notice
from tokenhub.ledger.budgets import Budgets, HubLimits, Reservation
from tokenhub.ledger.spent import Spent
from tokenhub.types import NANO, ApiKey

DAY_MS = 86_400_000
NOON = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp() * 1000)
KEY = ApiKey("k1", "editor", b"", monthly_budget_nano=10 * NANO)
FREE_KEY = ApiKey("k2", "notebook", b"")
NO_LIMITS, NOTHING = HubLimits(), Spent()


class World:
    """Budgets with a clock that can be set and a record of the notices."""

    def __init__(
        self, limits: HubLimits = NO_LIMITS, spent: Spent = NOTHING, now_ms: int = NOON
    ) -> None:
        self.now_ms = now_ms
        self.notices: list[Notice] = []
        self.budgets = Budgets(lambda: self.now_ms, self.notices.append, limits, spent)

    def spend(self, nano: int, key: ApiKey = KEY) -> None:
        self.budgets.settle(self.budgets.reserve(key, nano), nano)

    def refusal(self, nano: int, key: ApiKey = KEY) -> RequestError:
        with pytest.raises(RequestError) as caught:
            self.budgets.reserve(key, nano)
        assert (caught.value.status, caught.value.code) == (402, "budget_exceeded")
        return caught.value

    def told(self) -> list[tuple[Level, Budget]]:
        return [(notice.level, notice.budget) for notice in self.notices]


def test_a_budget_can_be_spent_to_the_last_nano_dollar() -> None:
    world = World()
    world.spend(10 * NANO)
    world.refusal(1)


def test_reservations_count_until_they_are_settled() -> None:
    world = World()
    held = world.budgets.reserve(KEY, 9 * NANO)
    world.refusal(2 * NANO)
    world.budgets.settle(held, NANO)
    world.budgets.reserve(KEY, 9 * NANO)


def test_a_refused_reservation_holds_nothing() -> None:
    world = World(HubLimits(daily_nano=5 * NANO))
    world.refusal(6 * NANO)
    world.budgets.limit_hub(HubLimits())
    world.budgets.reserve(KEY, 10 * NANO)


def test_settling_twice_counts_once() -> None:
    world = World()
    held = world.budgets.reserve(KEY, 4 * NANO)
    world.budgets.settle(held, 4 * NANO)
    world.budgets.settle(held, 4 * NANO)
    world.budgets.reserve(KEY, 6 * NANO)


def test_a_call_that_was_not_made_gives_its_reservation_back() -> None:
    world = World()
    world.budgets.settle(world.budgets.reserve(KEY, 10 * NANO), 0)
    world.budgets.reserve(KEY, 10 * NANO)


def test_a_refusal_names_the_budget_its_state_and_when_it_resets() -> None:
    world = World()
    world.spend(3 * NANO)
    world.budgets.reserve(KEY, NANO + NANO // 2)
    assert world.refusal(6 * NANO).message == (
        "this request does not fit into what is left of the budget monthly_budget_usd of this key: "
        "of $10.00, $3.00 is spent and $1.50 reserved for running requests, and this request may "
        "cost $6.00; a smaller max_tokens makes it cheaper, and the budget resets at "
        "2026-12-01T00:00:00Z"
    )


def test_a_refusal_says_when_all_of_the_budget_is_spent() -> None:
    world = World()
    world.spend(10 * NANO)
    assert world.refusal(6 * NANO).message == (
        "the budget monthly_budget_usd of this key is used up: of $10.00, $10.00 is spent and "
        "$0.00 reserved for running requests, and this request may cost $6.00; "
        "it resets at 2026-12-01T00:00:00Z"
    )


@pytest.mark.parametrize(
    ("limits", "named", "resets"),
    [
        (HubLimits(daily_nano=1001), "hub_daily_usd", "2026-11-16T00:00:00Z"),
        (HubLimits(monthly_nano=1001), "hub_monthly_usd", "2026-12-01T00:00:00Z"),
    ],
)
def test_the_hubs_budgets_cap_all_keys_together(limits: HubLimits, named: str, resets: str) -> None:
    world = World(limits, now_ms=NOON - 15 * DAY_MS)
    world.spend(1000)
    message = world.refusal(2, FREE_KEY).message
    assert f"the budget {named} of the hub" in message
    assert "of $0.000001001, $0.000001 is spent" in message
    assert message.endswith(resets)


def test_a_key_without_a_budget_may_spend_anything() -> None:
    world = World()
    world.spend(10**15, FREE_KEY)
    world.budgets.reserve(FREE_KEY, 10**15)


def test_a_request_that_costs_nothing_passes_a_budget_that_is_used_up() -> None:
    world = World()
    world.budgets.settle(world.budgets.reserve(KEY, NANO), 20 * NANO)
    world.budgets.reserve(KEY, 0)


def test_a_budget_of_zero_refuses_whatever_costs_something() -> None:
    world = World()
    world.refusal(1, replace(KEY, monthly_budget_nano=0))
    world.budgets.reserve(replace(KEY, monthly_budget_nano=0), 0)


def test_a_budget_given_later_knows_what_the_key_has_spent_this_month() -> None:
    world = World()
    world.spend(3 * NANO, FREE_KEY)
    world.refusal(8 * NANO, replace(FREE_KEY, monthly_budget_nano=10 * NANO))


def test_budgets_apply_to_keys_that_have_one_and_to_all_when_the_hub_has_one() -> None:
    world = World()
    assert world.budgets.apply_to(KEY)
    assert not world.budgets.apply_to(FREE_KEY)
    world.budgets.limit_hub(HubLimits(monthly_nano=0))
    assert world.budgets.apply_to(FREE_KEY)


def test_a_new_day_empties_the_daily_budget_only() -> None:
    limits = HubLimits(daily_nano=NANO, monthly_nano=2 * NANO)
    world = World(limits, now_ms=NOON - 2 * DAY_MS)
    for _ in range(2):
        world.spend(NANO, FREE_KEY)
        assert "hub_daily_usd" in world.refusal(1, FREE_KEY).message
        world.now_ms += DAY_MS
    assert "hub_monthly_usd" in world.refusal(1, FREE_KEY).message


def test_a_new_month_empties_the_monthly_budgets() -> None:
    world = World(HubLimits(monthly_nano=10 * NANO))
    world.spend(10 * NANO)
    world.refusal(1)
    world.now_ms += DAY_MS
    world.spend(10 * NANO)
    world.refusal(1)


def test_a_call_that_runs_over_the_end_of_a_period_belongs_to_the_one_it_began_in() -> None:
    world = World(HubLimits(daily_nano=NANO))
    held = world.budgets.reserve(KEY, NANO)
    world.now_ms += DAY_MS
    world.budgets.reserve(KEY, NANO)
    world.budgets.settle(held, NANO)
    world.refusal(1)


def test_a_clock_that_goes_back_begins_no_period_again() -> None:
    world = World()
    world.spend(10 * NANO)
    world.now_ms -= 40 * DAY_MS
    world.refusal(1)


def test_what_was_spent_before_the_start_counts() -> None:
    world = World(
        HubLimits(daily_nano=5, monthly_nano=100),
        Spent(by_key_this_month={"k1": 10 * NANO - 3}, hub_this_month=96, hub_today=1),
    )
    assert "this key" in world.refusal(4).message
    assert "hub_daily_usd" in world.refusal(5, FREE_KEY).message
    world.budgets.limit_hub(HubLimits(monthly_nano=100))
    assert "hub_monthly_usd" in world.refusal(5, FREE_KEY).message


def test_80_and_100_percent_are_told_once_each() -> None:
    world = World()
    for _ in range(10):
        world.spend(NANO)
    assert world.notices == [
        Notice(Level.WARNING, Budget.KEY_MONTHLY, "k1", 10 * NANO, 8 * NANO),
        Notice(Level.EXCEEDED, Budget.KEY_MONTHLY, "k1", 10 * NANO, 10 * NANO),
    ]
    world.refusal(1)
    assert len(world.notices) == 2


def test_a_jump_over_both_marks_tells_only_the_higher() -> None:
    world = World(HubLimits(daily_nano=NANO, monthly_nano=2 * NANO))
    world.spend(NANO, FREE_KEY)
    assert world.told() == [(Level.EXCEEDED, Budget.HUB_DAILY)]
    assert world.notices[0].api_key_id is None


def test_a_refusal_tells_that_an_almost_spent_budget_is_used_up() -> None:
    world = World()
    world.spend(9 * NANO)
    world.refusal(2 * NANO)
    world.refusal(2 * NANO)
    assert world.told() == [
        (Level.WARNING, Budget.KEY_MONTHLY),
        (Level.EXCEEDED, Budget.KEY_MONTHLY),
    ]


def test_one_request_that_is_too_large_is_no_news_of_the_budget() -> None:
    world = World()
    world.refusal(11 * NANO)
    assert world.notices == []


def test_notices_are_not_repeated_after_a_restart() -> None:
    world = World(spent=Spent(by_key_this_month={"k1": 9 * NANO}))
    world.spend(NANO // 2)
    assert world.notices == []
    world.spend(NANO // 2)
    assert world.told() == [(Level.EXCEEDED, Budget.KEY_MONTHLY)]


def test_a_raised_budget_is_told_of_again() -> None:
    world = World()
    world.spend(9 * NANO)
    for _ in range(8):
        world.spend(NANO, replace(KEY, monthly_budget_nano=20 * NANO))
    assert world.told() == [(Level.WARNING, Budget.KEY_MONTHLY)] * 2


def test_a_new_month_is_told_of_again() -> None:
    world = World()
    world.spend(10 * NANO)
    world.now_ms += DAY_MS
    world.spend(10 * NANO)
    assert world.told() == [(Level.EXCEEDED, Budget.KEY_MONTHLY)] * 2


def test_a_budget_that_was_taken_away_is_told_of_no_more() -> None:
    world = World()
    world.spend(5 * NANO)
    world.spend(5 * NANO, replace(KEY, monthly_budget_nano=None))
    assert world.notices == []


async def test_200_parallel_requests_cannot_overspend() -> None:
    world = World()
    refused = 0

    async def request() -> None:
        nonlocal refused
        try:
            held: Reservation = world.budgets.reserve(KEY, NANO)
        except RequestError:
            refused += 1
            return
        await asyncio.sleep(0)
        world.budgets.settle(held, NANO)

    await asyncio.gather(*(request() for _ in range(200)))
    assert refused == 190
    world.refusal(1)
