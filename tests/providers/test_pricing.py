from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.providers.pricing import (
    RateFields,
    TierFields,
    nano_per_1k,
    price_fields,
    resolve_prices,
    usd_per_1k,
)
from tokenhub.types import Prices, Rates, Tier

NANOS = st.integers(min_value=0, max_value=10**15)


@pytest.mark.parametrize(
    ("usd", "nano"),
    [
        (0.0025, 2_500_000),
        (0.000000001, 1),
        (0.1 + 0.2, 300_000_000),
        (0.0, 0),
        (-0.0, 0),
        (3, 3_000_000_000),
        (Decimal("0.000075"), 75_000),
    ],
)
def test_dollars_become_the_nano_dollars_they_are_written_as(
    usd: float | Decimal, nano: int
) -> None:
    assert nano_per_1k(usd) == nano


@given(NANOS)
def test_a_price_shown_in_dollars_reads_back_the_same(nano: int) -> None:
    assert nano_per_1k(usd_per_1k(nano)) == nano


def test_a_row_without_prices_has_none() -> None:
    assert resolve_prices(RateFields(), ()) is None


def test_one_price_of_cache_writes_stands_for_both_durations() -> None:
    row = RateFields(input_per_1k=1, output_per_1k=2, cache_write_per_1k=3)
    prices = resolve_prices(row, ())
    assert prices is not None
    assert prices.base == Rates(10**9, 2 * 10**9, None, 3 * 10**9, 3 * 10**9)


def test_a_duration_of_its_own_counts_before_the_price_for_both() -> None:
    row = RateFields(input_per_1k=1, output_per_1k=2, cache_write_per_1k=3, cache_write_1h_per_1k=4)
    prices = resolve_prices(row, ())
    assert prices is not None
    assert prices.base.cache_write_5m_nano_per_1k == 3 * 10**9
    assert prices.base.cache_write_1h_nano_per_1k == 4 * 10**9


def test_tiers_come_in_rising_order() -> None:
    row = RateFields(input_per_1k=1, output_per_1k=2)
    tiers = [
        TierFields(above_input_tokens=above, input_per_1k=3, output_per_1k=4)
        for above in (200_000, 100_000)
    ]
    prices = resolve_prices(row, tiers)
    assert prices is not None
    assert [tier.above_input_tokens for tier in prices.tiers] == [100_000, 200_000]


@pytest.mark.parametrize(
    ("row", "tiers", "says"),
    [
        (RateFields(input_per_1k=1), (), "input_per_1k and output_per_1k together"),
        (RateFields(output_per_1k=1), (), "input_per_1k and output_per_1k together"),
        (RateFields(cached_input_per_1k=1), (), "with the other prices"),
        (
            RateFields(),
            (TierFields(above_input_tokens=1, input_per_1k=1, output_per_1k=1),),
            "with the other prices",
        ),
        (
            RateFields(input_per_1k=1, output_per_1k=1),
            (TierFields(above_input_tokens=1, input_per_1k=1),),
            "together",
        ),
        (
            RateFields(input_per_1k=1, output_per_1k=1),
            (TierFields(above_input_tokens=1, input_per_1k=1, output_per_1k=1),) * 2,
            "each above_input_tokens once",
        ),
    ],
)
def test_partial_prices_are_refused(
    row: RateFields, tiers: tuple[TierFields, ...], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        resolve_prices(row, tiers)


OPTIONAL = st.none() | NANOS
RATES = st.builds(Rates, NANOS, NANOS, OPTIONAL, OPTIONAL, OPTIONAL)


@given(RATES, st.lists(st.tuples(st.integers(1, 10**9), RATES), unique_by=lambda t: t[0]))
def test_prices_written_as_a_row_come_back_the_same(
    base: Rates, tiers: list[tuple[int, Rates]]
) -> None:
    prices = Prices(base, tuple(Tier(above, rates) for above, rates in sorted(tiers, key=_above)))

    row = price_fields(prices)
    tier_rows = [TierFields(**tier) for tier in row.pop("tiers", [])]

    assert resolve_prices(RateFields(**row), tier_rows) == prices


def _above(tier: tuple[int, Rates]) -> int:
    return tier[0]
