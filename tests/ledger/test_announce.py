from tokenhub.ledger.account import Budget, Level, Notice
from tokenhub.ledger.announce import announcer
from tokenhub.observe.events import EventBus
from tokenhub.types import NANO


async def test_a_notice_becomes_an_event_in_dollars() -> None:
    events = EventBus(lambda: 1_800_000_000_000)
    with events.subscribe() as subscription:
        announcer(events)(Notice(Level.WARNING, Budget.KEY_MONTHLY, "k1", 10 * NANO, 8 * NANO))
        event = await anext(subscription)
    assert event.type == "budget_warning"
    assert event.fields == {
        "budget": "monthly_budget_usd",
        "api_key_id": "k1",
        "limit_usd": 10.0,
        "spent_usd": 8.0,
    }
