import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider, Tier, TieredPrices

from tokenhub.providers.catalogue_child import entry, main, rates

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def snapshot(prices: ModelPrice | None) -> DataSnapshot:
    model = ModelInfo("m", ClauseEquals("m"), context_window=1000)
    if prices is not None:
        model.prices = prices
    return DataSnapshot([Provider("p", "P", "https://p", models=[model])], from_auto_update=False)


def test_tiers_have_the_price_of_each_kind_from_their_start_on() -> None:
    prices = ModelPrice(
        input_mtok=TieredPrices(Decimal(1), [Tier(100, Decimal(2)), Tier(300, Decimal(4))]),
        output_mtok=TieredPrices(Decimal(5), [Tier(200, Decimal(6))]),
        cache_read_mtok=Decimal("0.1"),
    )
    found = entry(snapshot(prices), "p", "m", NOW)
    assert found == {
        "context": 1000,
        "base": [1_000_000, 5_000_000, 100_000, None, None],
        "tiers": [
            [100, [2_000_000, 5_000_000, 100_000, None, None]],
            [200, [2_000_000, 6_000_000, 100_000, None, None]],
            [300, [4_000_000, 6_000_000, 100_000, None, None]],
        ],
    }


def test_a_model_without_a_price_of_input_has_no_prices() -> None:
    assert rates(ModelPrice(input_mchars=Decimal(1)), 0) is None
    for prices in (None, ModelPrice(output_mtok=Decimal(1))):
        assert entry(snapshot(prices), "p", "m", NOW) == {
            "context": 1000,
            "base": None,
            "tiers": [],
        }


def test_an_unknown_model_or_provider_has_no_entry() -> None:
    assert entry(snapshot(None), "p", "x", NOW) is None
    assert entry(snapshot(None), "x", "m", NOW) is None


def test_a_question_on_stdin_is_answered_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO('[["nobody", "m"]]'))
    main()
    assert json.loads(capsys.readouterr().out) == [None]
