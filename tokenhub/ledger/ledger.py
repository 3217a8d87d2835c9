"""The one way in which requests are paid for: estimate, reserve, charge, settle."""

from dataclasses import dataclass
from typing import Protocol

from tokenhub.errors import RequestError
from tokenhub.ledger.address import is_local
from tokenhub.ledger.budgets import Budgets
from tokenhub.ledger.budgets import Reservation as Hold
from tokenhub.ledger.experience import Experience
from tokenhub.ledger.prices import complete, cost_nano, worst_case_nano
from tokenhub.types import Api, ApiKey, Deployment, Outcome, Prices, Provider, Rates, Usage
from tokenhub.wire.request import RequestFacts

MAX_BACKLOG = 5000
"""With more settlements waiting for the database, new requests are refused (SPEC §7)."""
DEFAULT_OUTPUT_TOKENS = 4096
"""Reserved for an answer where the client gave no limit (SPEC §6)."""
FREE = Prices(Rates(0, 0, 0, 0, 0))


class Settlements(Protocol):
    """Where settlements are kept for ever; `storage.database.Database` is one."""

    @property
    def backlog(self) -> int:
        """How many wait to be written."""
        ...

    def settle(self, outcome: Outcome) -> None:
        """Take one in; it is never dropped."""
        ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request will need of a deployment.

    `counted_tokens` is our own count of its input, `input_tokens` the same as this deployment
    would count it. `prices` None: the price is not known. `most_nano` is what must be reserved,
    fee included; `expected_nano` the probable cost without the fee.
    """

    deployment_key: str
    prices: Prices | None
    counted_tokens: int
    input_tokens: int
    most_nano: int
    expected_nano: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money held for one request; to be settled exactly once."""

    hold: Hold
    estimate: Estimate


@dataclass(frozen=True, slots=True)
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

    def has_budget(self, key: ApiKey) -> bool:
        """Tell whether a budget covers requests of `key`: then only known prices will do."""
        return self._budgets.apply_to(key)

    def knows_price(self, deployment: Deployment, provider: Provider) -> bool:
        """Tell whether the price is known; on a machine of one's own it is 0 (SPEC §7)."""
        return _prices(deployment, provider) is not None

    def corrected(self, deployment: Deployment, tokens: int) -> int:
        """Return our own count of input `tokens` as this deployment would probably count them."""
        return self._experience.corrected(deployment.key, tokens)

    def estimate(self, deployment: Deployment, provider: Provider, facts: RequestFacts) -> Estimate:
        """Return what the request will need of this deployment.

        Most output: the limit that the client gave, else min(`max_output_tokens`, 4,096); expected
        output: this deployment's running mean, up to that limit. Embeddings have none.
        """
        name, prices = deployment.key, _prices(deployment, provider)
        input_tokens = self._experience.corrected(name, facts.input_tokens)
        asked = 0 if facts.api is Api.EMBEDDINGS else facts.max_output_tokens
        most = expected = 0
        if prices is not None and prices is not FREE:
            output = _most_output(deployment) if asked is None else asked
            most = worst_case_nano(prices, input_tokens, output)
            at_most = deployment.max_output_tokens if asked is None else asked
            probable = self._experience.expected_output(name, at_most)
            expected = cost_nano(prices, Usage(input_tokens=input_tokens, output_tokens=probable))
        return Estimate(
            name, prices, facts.input_tokens, input_tokens, most + self._fee_nano, expected
        )

    def reserve(self, key: ApiKey, estimate: Estimate) -> Reservation:
        """Hold what the request may cost in every budget that covers it.

        Raises RequestError 402 `budget_exceeded`, 503 `no_price` where a budget needs a price that
        is not known, 503 `ledger_behind` while the database cannot keep up.
        """
        if self._settlements.backlog > MAX_BACKLOG:
            message = "too many settlements wait for the database: try again in a moment"
            raise RequestError(503, "ledger_behind", message, headers={"Retry-After": "1"})
        if estimate.prices is None and self._budgets.apply_to(key):
            message = f"the price of {estimate.deployment_key!r} is not known and a budget is set"
            raise RequestError(503, "no_price", message, headers={"x-should-retry": "false"})
        return Reservation(self._budgets.reserve(key, estimate.most_nano), estimate)

    def charge(self, deployment: Deployment, provider: Provider, usage: Usage | None) -> Charge:
        """Return what `usage` costs; without one nothing was used, and there is no fee."""
        if usage is None:
            return NOTHING
        prices = _prices(deployment, provider)
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
        usage, estimate = outcome.usage, reservation.estimate
        if outcome.error_class is None and not usage.estimated:
            self._experience.learn(
                estimate.deployment_key,
                estimate.counted_tokens,
                usage.input_tokens,
                usage.output_tokens,
            )


def _prices(deployment: Deployment, provider: Provider) -> Prices | None:
    if deployment.prices is not None:
        return complete(deployment.prices, provider.type)
    return FREE if is_local(provider) else None


def _most_output(deployment: Deployment) -> int:
    return min(deployment.max_output_tokens or DEFAULT_OUTPUT_TOKENS, DEFAULT_OUTPUT_TOKENS)
