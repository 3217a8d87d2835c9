"""The one way in which requests are paid for: estimate, reserve, charge, settle."""

from typing import Protocol

from tokenhub.errors import RequestError
from tokenhub.ledger.budgets import Budgets
from tokenhub.ledger.budgets import Reservation as Hold
from tokenhub.ledger.experience import Experience
from tokenhub.ledger.prices import cost_nano
from tokenhub.ledger.quotes import Quotes
from tokenhub.types import ApiKey, Cost, Deployment, Outcome, Prices, Provider, Usage, per_request
from tokenhub.wire.request import RequestFacts

MAX_BACKLOG = 5000
"""With more settlements waiting for the database, new requests are refused."""


class Settlements(Protocol):
    """Where settlements are kept for ever; `storage.database.Database` is one."""

    @property
    def backlog(self) -> int:
        """How many wait to be written."""
        ...

    def settle(self, outcome: Outcome) -> None:
        """Take one in; it is never dropped."""
        ...


@per_request
class Reservation:
    """Money held for one request; to be settled exactly once.

    `counted_tokens` is our own count of its input, from which the ledger learns.
    """

    hold: Hold
    counted_tokens: int


@per_request
class Charge:
    """What a call did cost, at the `prices` used; `estimated` where that is not certain."""

    prices: Prices | None
    cost_nano: int
    fee_nano: int
    estimated: bool


NOTHING = Charge(None, 0, 0, estimated=False)
"""The charge for a request that reached no provider."""


class Ledger:
    """Estimates, reserves, charges and settles every request of every endpoint."""

    def __init__(self, settlements: Settlements, budgets: Budgets, fee_nano: int) -> None:
        self._settlements = settlements
        self._budgets = budgets
        self._fee_nano = fee_nano
        self._experience = Experience()
        self._quotes = Quotes(fee_nano, self._experience)

    def has_budget(self, key: ApiKey) -> bool:
        """Tell whether a budget covers requests of `key`: then only known prices will do."""
        return self._budgets.apply_to(key)

    def corrected(self, deployment: Deployment, tokens: int) -> int:
        """Return our own count of input `tokens` as this deployment would probably count them."""
        return self._experience.corrected(deployment.id, tokens)

    def cost(self, facts: RequestFacts, deployment: Deployment, provider: Provider) -> Cost | None:
        """Return what the request probably costs, and at most with the fee; None without prices."""
        return self._quotes.cost(facts, deployment, provider)

    def room_nano(self, key: ApiKey) -> int | None:
        """Return what the budgets that cover `key` can still hold, None where there is none."""
        return self._budgets.room_nano(key)

    def refusal(self, key: ApiKey, most_nano: int) -> RequestError | None:
        """Return the 402 of the budget that cannot hold `most_nano`, None where all can."""
        return self._budgets.refusal(key, most_nano)

    def reserve(self, key: ApiKey, most_nano: int, counted_tokens: int) -> Reservation:
        """Hold what the request may cost in every budget that covers it.

        Raises RequestError 402 `budget_exceeded`, 503 `ledger_behind` while the database cannot
        keep up.
        """
        if self._settlements.backlog > MAX_BACKLOG:
            message = "too many settlements wait for the database: try again in a moment"
            raise RequestError(503, "ledger_behind", message, headers={"Retry-After": "1"})
        return Reservation(self._budgets.reserve(key, most_nano), counted_tokens)

    def charge(self, deployment: Deployment, provider: Provider, usage: Usage | None) -> Charge:
        """Return what `usage` costs; without one nothing was used, and there is no fee."""
        if usage is None:
            return NOTHING
        prices = self._quotes.prices(deployment, provider)
        if prices is None:
            return Charge(None, 0, self._fee_nano, estimated=True)
        return Charge(prices, cost_nano(prices, usage), self._fee_nano, usage.estimated)

    def settle(self, reservation: Reservation | None, outcome: Outcome) -> None:
        """Book what the request did cost; a second time changes nothing.

        Without a reservation, the request was refused: it only counts in the daily sums, and not
        even there while the database is behind, so that refusals cannot fill the memory.
        """
        if reservation is None:
            if self._settlements.backlog <= MAX_BACKLOG:
                self._settlements.settle(outcome)
            return
        if reservation.hold.settled:
            return
        self._budgets.settle(reservation.hold, outcome.cost_nano + outcome.fee_nano)
        self._settlements.settle(outcome)
        usage, counted_tokens = outcome.usage, reservation.counted_tokens
        if outcome.error_class is None and outcome.model and not usage.estimated:
            self._experience.learn(
                outcome.model, counted_tokens, usage.input_tokens, usage.output_tokens
            )
