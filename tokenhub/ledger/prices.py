"""What tokens cost: exact integer arithmetic, rounded once at the end."""

from dataclasses import replace
from functools import lru_cache

from tokenhub.types import Prices, ProviderType, Rates, Usage


@lru_cache(maxsize=4096)
def complete(prices: Prices, provider_type: ProviderType) -> Prices:
    """Return `prices` with the rates that were not given derived from the input price.

    On Anthropic cache reads cost 0.1 x input, writes 1.25 x for 5 minutes and 2 x for an hour
    (https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching, "Pricing"); elsewhere
    all of them cost the input price.
    """
    anthropic = provider_type is ProviderType.ANTHROPIC
    return Prices(
        base=_complete(prices.base, anthropic=anthropic),
        tiers=tuple(
            replace(tier, rates=_complete(tier.rates, anthropic=anthropic)) for tier in prices.tiers
        ),
    )


def cost_nano(prices: Prices, usage: Usage) -> int:
    """Return what `usage` costs at complete `prices`, rounded half up to a nano-dollar.

    The whole request is charged at the tier that its total input exceeds. Reasoning tokens are
    part of the output. A usage that counts more cached and written input than input is charged
    by its parts.
    """
    rates = _tier(prices, usage.input_tokens)
    cached, written_5m = usage.cached_input_tokens, usage.cache_write_5m_tokens
    written_1h = usage.cache_write_1h_tokens
    plain = max(0, usage.input_tokens - cached - written_5m - written_1h)
    total = plain * rates.input_nano_per_1k + usage.output_tokens * rates.output_nano_per_1k
    if cached:
        total += cached * _or_input(rates.cached_input_nano_per_1k, rates)
    if written_5m:
        total += written_5m * _or_input(rates.cache_write_5m_nano_per_1k, rates)
    if written_1h:
        total += written_1h * _or_input(rates.cache_write_1h_nano_per_1k, rates)
    return (total + 500) // 1000


def worst_case_nano(prices: Prices, input_tokens: int, output_tokens: int) -> int:
    """Return the most that a call of this size can cost at complete `prices`, rounded up.

    Any input may turn out to be written to a cache, so all of it counts at the dearest input rate.
    """
    rates = _tier(prices, input_tokens)
    most = input_tokens * dearest_input(rates) + output_tokens * rates.output_nano_per_1k
    return -(-most // 1000)


def dearest_input(rates: Rates) -> int:
    """Return the highest rate at which an input token can be charged."""
    return max(
        rates.input_nano_per_1k,
        rates.cached_input_nano_per_1k or 0,
        rates.cache_write_5m_nano_per_1k or 0,
        rates.cache_write_1h_nano_per_1k or 0,
    )


def _tier(prices: Prices, input_tokens: int) -> Rates:
    rates = prices.base
    for tier in prices.tiers:
        if input_tokens <= tier.above_input_tokens:
            break
        rates = tier.rates
    return rates


def _or_input(rate: int | None, rates: Rates) -> int:
    return rates.input_nano_per_1k if rate is None else rate


def _complete(rates: Rates, *, anthropic: bool) -> Rates:
    price = rates.input_nano_per_1k
    read, write_5m, write_1h = _share(price, 2), _share(price, 25), _share(price, 40)
    if not anthropic:
        read = write_5m = write_1h = price
    return Rates(
        input_nano_per_1k=price,
        output_nano_per_1k=rates.output_nano_per_1k,
        cached_input_nano_per_1k=_given(rates.cached_input_nano_per_1k, read),
        cache_write_5m_nano_per_1k=_given(rates.cache_write_5m_nano_per_1k, write_5m),
        cache_write_1h_nano_per_1k=_given(rates.cache_write_1h_nano_per_1k, write_1h),
    )


def _given(rate: int | None, derived: int) -> int:
    return derived if rate is None else rate


def _share(price: int, twentieths: int) -> int:
    """Return `twentieths` 20ths of `price`, rounded half up."""
    return (price * twentieths + 10) // 20
