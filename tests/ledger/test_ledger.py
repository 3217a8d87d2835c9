from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tokenhub.errors import RequestError
from tokenhub.ledger.account import Notice
from tokenhub.ledger.budgets import Budgets, HubLimits
from tokenhub.ledger.ledger import MAX_BACKLOG, NOTHING, Ledger, Reservation
from tokenhub.ledger.quotes import DEFAULT_OUTPUT_TOKENS
from tokenhub.ledger.spent import Spent, read_spent
from tokenhub.storage.database import Database
from tokenhub.types import (
    NANO,
    Api,
    ApiKey,
    Basis,
    Cost,
    Deployment,
    Outcome,
    Prices,
    Provider,
    ProviderType,
    Rates,
    Tier,
    Usage,
)
from tokenhub.wire.request import RequestFacts

NOW_MS = 1_800_000_000_000
FEE = 7
KEY = ApiKey("k1", "editor", b"")
POOR_KEY = replace(KEY, monthly_budget_nano=50_000)
PRICES = Prices(Rates(1000, 2000))
CLOUD = Provider("openai", ProviderType.OPENAI, ("https://api.openai.com/v1",))
LOCAL = Provider("ollama", ProviderType.OPENAI, ("http://127.0.0.1:11434/v1",))
GPT = Deployment("gpt", "openai", "gpt", prices=PRICES)
UNPRICED = replace(GPT, prices=None)
LLAMA = Deployment("llama", "ollama", "llama")


class Book:
    """Stands where the database stands."""

    def __init__(self) -> None:
        self.backlog = 0
        self.settled: list[Outcome] = []

    def settle(self, outcome: Outcome) -> None:
        self.settled.append(outcome)


def ledger_for(book: Book, limits: HubLimits | None = None, *, fee: int = FEE) -> Ledger:
    notices: list[Notice] = []
    budgets = Budgets(lambda: NOW_MS, notices.append, limits or HubLimits(), Spent())
    return Ledger(book, budgets, fee)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def ledger(book: Book) -> Ledger:
    return ledger_for(book)


def asking(tokens: int = 100, limit: int | None = None, api: Api = Api.CHAT) -> RequestFacts:
    return RequestFacts(api, "gpt", False, limit, False, frozenset(), tokens)


def an_outcome(cost: int = 500, *, usage: Usage | None = None, error: str | None = None) -> Outcome:
    return Outcome(
        request_id="req_1",
        timestamp_ms=NOW_MS,
        api_key_id="k1",
        client="curl",
        endpoint="/v1/chat/completions",
        stream=False,
        model_requested="gpt",
        mode="named",
        reason="named",
        status=200 if error is None else 502,
        latency_ms=1.0,
        model="gpt",
        provider_id="openai",
        usage=usage or Usage(input_tokens=200, output_tokens=30),
        prices=PRICES,
        cost_nano=cost,
        fee_nano=FEE,
        error_class=error,
    )


def reserve(ledger: Ledger, key: ApiKey = KEY, limit: int = 30) -> Reservation:
    """Hold what a request with 100 tokens of input and `limit` of output may cost."""
    cost = ledger.cost(asking(100, limit), GPT, CLOUD)
    assert cost is not None
    return ledger.reserve(key, cost.most_nano, 100)


def test_the_clients_limit_is_reserved_and_the_fee(ledger: Ledger) -> None:
    assert ledger.cost(asking(100, limit=50), GPT, CLOUD) == Cost(
        200, 100 + 100 + FEE, (100, 50, Basis.LIMIT)
    )


def test_without_a_limit_4096_tokens_are_reserved_or_what_the_model_can_do(ledger: Ledger) -> None:
    for able, reserved in ((None, DEFAULT_OUTPUT_TOKENS), (10_000, 4096), (512, 512)):
        cost = ledger.cost(asking(100), replace(GPT, max_output_tokens=able), CLOUD)
        assert cost is not None
        assert cost.most_nano == 100 + 2 * reserved + FEE


def test_the_expected_cost_counts_1000_tokens_of_output_up_to_the_models_limit(
    ledger: Ledger,
) -> None:
    for able, expected in ((None, 1000), (512, 512)):
        cost = ledger.cost(asking(100), replace(GPT, max_output_tokens=able), CLOUD)
        assert cost is not None
        assert cost.expected_nano == 100 + 2 * expected


def test_embeddings_have_no_output(ledger: Ledger) -> None:
    assert ledger.cost(asking(100, api=Api.EMBEDDINGS), GPT, CLOUD) == Cost(
        100, 100 + FEE, (100, 0, Basis.LIMIT)
    )


def test_input_on_anthropic_is_reserved_at_the_price_of_writing_it_to_the_cache(
    ledger: Ledger,
) -> None:
    anthropic = replace(CLOUD, type=ProviderType.ANTHROPIC)
    cost = ledger.cost(asking(100, limit=50), GPT, anthropic)
    assert cost is not None
    assert cost[:2] == (200, 200 + 100 + FEE)


def test_a_long_input_is_reserved_and_expected_at_its_tier(ledger: Ledger) -> None:
    tiers = Prices(PRICES.base, (Tier(50, Rates(3000, 4000)),))
    cost = ledger.cost(asking(100, limit=50), replace(GPT, prices=tiers), CLOUD)
    assert cost is not None
    assert cost[:2] == (300 + 200, 300 + 200 + FEE)


def test_prices_that_were_changed_are_in_force_at_once(ledger: Ledger) -> None:
    for nano in (1000, 5000):
        row = replace(GPT, prices=Prices(Rates(nano, 0)))
        cost = ledger.cost(asking(100, limit=1), row, CLOUD)
        assert cost is not None
        assert cost[:2] == (nano // 10, nano // 10 + FEE)


def test_an_unknown_price_is_free_on_a_local_address_only(ledger: Ledger) -> None:
    assert ledger.cost(asking(), LLAMA, LOCAL) == Cost(0, FEE)
    assert ledger.cost(asking(), UNPRICED, CLOUD) is None


def test_a_local_deployment_with_a_price_costs_it(ledger: Ledger) -> None:
    charge = ledger.charge(replace(LLAMA, prices=PRICES), LOCAL, Usage(input_tokens=1000))
    assert charge.cost_nano == 1000


def test_a_charge_has_the_exact_cost_the_fee_and_the_prices_used(ledger: Ledger) -> None:
    charge = ledger.charge(GPT, CLOUD, Usage(input_tokens=200, output_tokens=30))
    assert (charge.cost_nano, charge.fee_nano, charge.estimated) == (260, FEE, False)
    assert charge.prices == Prices(Rates(1000, 2000, 1000, 1000, 1000))


def test_our_own_count_makes_an_estimated_charge(ledger: Ledger) -> None:
    assert ledger.charge(GPT, CLOUD, Usage(input_tokens=1, estimated=True)).estimated


def test_a_charge_at_an_unknown_price_is_zero_and_estimated(ledger: Ledger) -> None:
    charge = ledger.charge(UNPRICED, CLOUD, Usage(input_tokens=200))
    assert (charge.prices, charge.cost_nano, charge.fee_nano, charge.estimated) == (
        None,
        0,
        FEE,
        True,
    )


def test_a_local_charge_is_zero_and_certain(ledger: Ledger) -> None:
    charge = ledger.charge(LLAMA, LOCAL, Usage(input_tokens=200))
    assert (charge.cost_nano, charge.estimated) == (0, False)


def test_where_nothing_was_used_there_is_no_fee(ledger: Ledger) -> None:
    assert ledger.charge(GPT, CLOUD, None) is NOTHING


def test_a_budget_covers_its_key_and_the_hubs_all_keys(book: Book, ledger: Ledger) -> None:
    assert ledger.has_budget(POOR_KEY)
    assert not ledger.has_budget(KEY)
    assert ledger_for(book, HubLimits(daily_nano=1)).has_budget(KEY)


def test_there_is_as_much_room_as_the_tightest_budget_has(book: Book, ledger: Ledger) -> None:
    assert ledger.room_nano(KEY) is None
    assert ledger.room_nano(POOR_KEY) == 50_000
    both = ledger_for(book, HubLimits(daily_nano=40_000))
    both.reserve(KEY, 15_000, 100)
    assert both.room_nano(POOR_KEY) == 25_000


def test_a_budget_that_is_used_up_is_a_402(ledger: Ledger) -> None:
    with pytest.raises(RequestError) as caught:
        reserve(ledger, POOR_KEY, 30_000)
    assert caught.value.status == 402


def test_requests_wait_outside_while_the_database_is_behind(book: Book, ledger: Ledger) -> None:
    book.backlog = MAX_BACKLOG
    reserve(ledger)
    book.backlog += 1
    with pytest.raises(RequestError) as caught:
        reserve(ledger)
    assert (caught.value.status, caught.value.code) == (503, "ledger_behind")
    assert caught.value.headers["Retry-After"] == "1"


def test_a_request_is_settled_once(book: Book, ledger: Ledger) -> None:
    held = reserve(ledger, POOR_KEY, 20_000)
    outcome = an_outcome(20_000)
    ledger.settle(held, outcome)
    ledger.settle(held, outcome)
    assert book.settled == [outcome]
    reserve(ledger, POOR_KEY, 14_900)


def test_a_refused_request_counts_but_not_while_the_database_is_behind(
    book: Book, ledger: Ledger
) -> None:
    ledger.settle(None, an_outcome(0, error="budget_exceeded"))
    assert len(book.settled) == 1
    book.backlog = MAX_BACKLOG + 1
    ledger.settle(None, an_outcome(0, error="budget_exceeded"))
    assert len(book.settled) == 1


def test_a_reserved_request_is_settled_however_far_the_database_is_behind(
    book: Book, ledger: Ledger
) -> None:
    held = reserve(ledger)
    book.backlog = MAX_BACKLOG * 2
    ledger.settle(held, an_outcome())
    assert len(book.settled) == 1


def settle_once(ledger: Ledger, outcome: Outcome) -> None:
    ledger.settle(reserve(ledger), outcome)


def test_whole_answers_teach_how_the_deployment_counts(ledger: Ledger) -> None:
    settle_once(ledger, an_outcome())
    assert ledger.corrected(GPT, 1000) == 1100
    cost = ledger.cost(asking(1000), GPT, CLOUD)
    assert cost is not None
    assert cost.expected_nano == 1100 + 2 * 30


def test_an_untried_twin_is_expected_to_do_as_its_model_does(ledger: Ledger) -> None:
    reservation = ledger.reserve(KEY, 0, 100)
    usage = Usage(input_tokens=100, output_tokens=50)
    ledger.settle(reservation, an_outcome(usage=usage))
    twin = replace(GPT, provider_id="azure")
    azure = replace(CLOUD, id="azure")
    assert ledger.cost(asking(), twin, azure) == ledger.cost(asking(), GPT, CLOUD)


@pytest.mark.parametrize(
    "outcome",
    [
        an_outcome(error="cancelled"),
        an_outcome(usage=Usage(input_tokens=200, output_tokens=30, estimated=True)),
    ],
)
def test_broken_and_estimated_answers_teach_nothing(ledger: Ledger, outcome: Outcome) -> None:
    settle_once(ledger, outcome)
    assert ledger.corrected(GPT, 1000) == 1000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.open(tmp_path / "hub.sqlite", now_ms=lambda: NOW_MS)
    yield opened
    await opened.close()


async def test_after_a_restart_budgets_know_what_was_spent(database: Database) -> None:
    before = Budgets(lambda: NOW_MS, lambda _: None, HubLimits(), Spent())
    ledger = Ledger(database, before, FEE)
    for timestamp_ms in (NOW_MS, NOW_MS - 86_400_000, NOW_MS - 60 * 86_400_000):
        held = reserve(ledger)
        ledger.settle(held, replace(an_outcome(NANO), timestamp_ms=timestamp_ms))
    await database.flush()
    spent = await database.read(lambda connection: read_spent(connection, NOW_MS))
    assert spent == Spent({"k1": 2 * (NANO + FEE)}, 2 * (NANO + FEE), NANO + FEE)
