"""Telling subscribers that a budget is running out."""

from collections.abc import Callable

from tokenhub.ledger.account import Notice
from tokenhub.observe.events import EventBus
from tokenhub.types import NANO


def announcer(events: EventBus) -> Callable[[Notice], None]:
    """Return what publishes a notice as the event `budget_warning` or `budget_exceeded`."""

    def announce(notice: Notice) -> None:
        events.publish(
            notice.level.value,
            budget=notice.budget.value,
            api_key_id=notice.api_key_id,
            limit_usd=notice.limit_nano / NANO,
            spent_usd=notice.spent_nano / NANO,
        )

    return announce
