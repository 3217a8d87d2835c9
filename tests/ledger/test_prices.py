from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.ledger.prices import complete, cost_nano, worst_case_nano
from tokenhub.types import Prices, ProviderType, Rates, Tier, Usage
from tokenhub.wire.usage import anthropic_usage, openai_usage

# Nano-dollars per 1,000 tokens are dollars per million tokens times 1,000,000.
GPT_4O = Prices(Rates(2_500_000, 10_000_000, cached_input_nano_per_1k=1_250_000))
O3_MINI = Prices(Rates(1_100_000, 4_400_000, cached_input_nano_per_1k=550_000))
SONNET = Prices(Rates(3_000_000, 15_000_000), (Tier(200_000, Rates(6_000_000, 22_500_000)),))
GEMINI = Prices(
    Rates(1_250_000, 10_000_000, 310_000),
    (Tier(200_000, Rates(2_500_000, 15_000_000, 625_000)),),
)

counts = st.integers(0, 10_000_000)
rates = st.integers(0, 10**12)
rate_sets = st.builds(Rates, rates, rates, rates, rates, rates)


@st.composite
def price_lists(draw: st.DrawFn) -> Prices:
    starts = sorted(draw(st.sets(counts, max_size=3)))
    return Prices(draw(rate_sets), tuple(Tier(start, draw(rate_sets)) for start in starts))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    plain, cached, written_5m, written_1h = (draw(counts) for _ in range(4))
    return Usage(
        input_tokens=plain + cached + written_5m + written_1h,
        cached_input_tokens=cached,
        cache_write_5m_tokens=written_5m,
        cache_write_1h_tokens=written_1h,
        output_tokens=draw(counts),
    )


def exactly(prices: Prices, usage: Usage) -> Fraction:
    """The cost in nano-dollars, before it is rounded."""
    in_force = prices.base
    for tier in prices.tiers:
        if usage.input_tokens > tier.above_input_tokens:
            in_force = tier.rates
    read, written_5m = usage.cached_input_tokens, usage.cache_write_5m_tokens
    written_1h = usage.cache_write_1h_tokens
    counted = (
        (usage.input_tokens - read - written_5m - written_1h, in_force.input_nano_per_1k),
        (read, in_force.cached_input_nano_per_1k or 0),
        (written_5m, in_force.cache_write_5m_nano_per_1k or 0),
        (written_1h, in_force.cache_write_1h_nano_per_1k or 0),
        (usage.output_tokens, in_force.output_nano_per_1k),
    )
    return sum((Fraction(tokens * rate, 1000) for tokens, rate in counted), Fraction(0))


def test_golden_openai_with_cached_tokens() -> None:
    usage = openai_usage(
        {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }
    )
    # 86 x $2.50/M + 1,920 x $1.25/M + 300 x $10/M
    assert cost_nano(GPT_4O, usage) == 215_000 + 2_400_000 + 3_000_000


def test_golden_openai_reasoning_tokens_are_part_of_the_output() -> None:
    usage = openai_usage(
        {
            "prompt_tokens": 75,
            "completion_tokens": 1186,
            "total_tokens": 1261,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1024},
        }
    )
    # 75 x $1.10/M + 1,186 x $4.40/M
    assert cost_nano(O3_MINI, usage) == 82_500 + 5_218_400


def test_golden_anthropic_cache_reads_and_writes_of_both_lifetimes() -> None:
    usage = anthropic_usage(
        {
            "input_tokens": 2048,
            "cache_read_input_tokens": 1800,
            "cache_creation_input_tokens": 248 + 100,
            "cache_creation": {"ephemeral_5m_input_tokens": 248, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 503,
        }
    )
    prices = complete(SONNET, ProviderType.ANTHROPIC)
    # 2,048 x $3/M + 1,800 x $0.30/M + 248 x $3.75/M + 100 x $6/M + 503 x $15/M
    assert cost_nano(prices, usage) == 6_144_000 + 540_000 + 930_000 + 600_000 + 7_545_000


def test_golden_anthropic_long_context_counts_cached_input_for_the_tier() -> None:
    usage = anthropic_usage(
        {
            "input_tokens": 1,
            "cache_read_input_tokens": 200_000,
            "cache_creation_input_tokens": 0,
            "output_tokens": 10,
        }
    )
    prices = complete(SONNET, ProviderType.ANTHROPIC)
    # 1 x $6/M + 200,000 x $0.60/M + 10 x $22.50/M
    assert cost_nano(prices, usage) == 6_000 + 120_000_000 + 225_000


@pytest.mark.parametrize(
    ("input_tokens", "cost"),
    [
        (200_000, 250_000_000 + 10_000_000),  # $1.25/M and $10/M
        (200_001, 500_002_500 + 15_000_000),  # $2.50/M and $15/M, for the whole request
    ],
)
def test_golden_a_tier_begins_above_its_limit(input_tokens: int, cost: int) -> None:
    assert cost_nano(GEMINI, Usage(input_tokens=input_tokens, output_tokens=1000)) == cost


def test_the_highest_tier_that_is_exceeded_counts() -> None:
    prices = Prices(Rates(1000, 0), (Tier(10, Rates(2000, 0)), Tier(100, Rates(3000, 0))))
    assert [cost_nano(prices, Usage(input_tokens=n)) for n in (10, 11, 100, 101)] == [
        10,
        22,
        200,
        303,
    ]


def test_rates_that_are_not_given_follow_from_the_input_price_on_anthropic() -> None:
    base = complete(SONNET, ProviderType.ANTHROPIC)
    assert base.base == Rates(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000)
    assert base.tiers[0].rates == Rates(6_000_000, 22_500_000, 600_000, 7_500_000, 12_000_000)


@pytest.mark.parametrize("family", [ProviderType.OPENAI, ProviderType.VLLM])
def test_rates_that_are_not_given_are_the_input_price_elsewhere(family: ProviderType) -> None:
    assert complete(Prices(Rates(7, 9)), family).base == Rates(7, 9, 7, 7, 7)


@pytest.mark.parametrize("family", list(ProviderType))
def test_rates_that_are_given_stay_and_a_free_one_is_given(family: ProviderType) -> None:
    prices = Prices(Rates(10, 20, 0, 5, 6))
    assert complete(prices, family) == prices


def test_incomplete_prices_charge_the_input_price() -> None:
    usage = Usage(
        input_tokens=4000,
        cached_input_tokens=1000,
        cache_write_5m_tokens=1000,
        cache_write_1h_tokens=1000,
    )
    assert cost_nano(Prices(Rates(3, 0)), usage) == 12


def test_half_a_nano_dollar_is_rounded_up_once() -> None:
    prices = Prices(Rates(250, 250, 250, 250, 250))
    assert cost_nano(prices, Usage(input_tokens=1)) == 0
    assert cost_nano(prices, Usage(input_tokens=2)) == 1
    assert cost_nano(prices, Usage(input_tokens=1, output_tokens=1)) == 1


def test_the_smallest_price_is_exact_for_a_million_tokens() -> None:
    assert cost_nano(Prices(Rates(1, 0)), Usage(input_tokens=1_000_000)) == 1000


def test_more_parts_than_input_are_charged_by_the_parts() -> None:
    prices = Prices(Rates(1000, 0, 100))
    assert cost_nano(prices, Usage(input_tokens=10, cached_input_tokens=20)) == 2


@given(price_lists(), usages())
def test_a_cost_is_the_exact_one_rounded_half_up(prices: Prices, usage: Usage) -> None:
    exact = exactly(prices, usage)
    assert cost_nano(prices, usage) == (exact + Fraction(1, 2)).__floor__()


@given(price_lists(), usages())
def test_no_call_costs_more_than_the_worst_case_of_its_size(prices: Prices, usage: Usage) -> None:
    most = worst_case_nano(prices, usage.input_tokens, usage.output_tokens)
    assert cost_nano(prices, usage) <= most


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_derived_rates_are_within_half_a_unit_of_the_exact_ones(price: int, output: int) -> None:
    base = complete(Prices(Rates(price, output)), ProviderType.ANTHROPIC).base
    for rate, factor in (
        (base.cached_input_nano_per_1k, Fraction(1, 10)),
        (base.cache_write_5m_nano_per_1k, Fraction(5, 4)),
        (base.cache_write_1h_nano_per_1k, Fraction(2)),
    ):
        assert rate is not None
        assert abs(rate - price * factor) <= Fraction(1, 2)
