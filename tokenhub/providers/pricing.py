"""A row's prices in dollars and what they are in nano-dollars."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, Final

import pydantic
from pydantic import ConfigDict, Field

from tokenhub.types import NANO, Prices, Rates, Tier

Usd = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
STRICT: Final = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
_WHOLE: Final = Decimal(1)


class RateFields(pydantic.BaseModel):
    """Prices in USD per 1,000 tokens; `cache_write_per_1k` stands for both durations."""

    model_config = STRICT

    input_per_1k: Usd | None = None
    output_per_1k: Usd | None = None
    cached_input_per_1k: Usd | None = None
    cache_write_per_1k: Usd | None = None
    cache_write_5m_per_1k: Usd | None = None
    cache_write_1h_per_1k: Usd | None = None


class TierFields(RateFields):
    """Prices of the whole of a request whose total input exceeds `above_input_tokens`."""

    above_input_tokens: Annotated[int, Field(ge=1, le=1_000_000_000)]


def nano_per_1k(usd: float | Decimal) -> int:
    """Return `usd` per 1,000 tokens as nano-dollars, to the nearest one.

    A float counts as the decimal it is written as: 0.0025 is 2,500,000.
    """
    exact = usd if isinstance(usd, Decimal) else Decimal(repr(usd))
    return int((exact * NANO).quantize(_WHOLE, ROUND_HALF_EVEN))


def usd_per_1k(nano: int) -> float:
    """Return nano-dollars as the float that is written shortest and reads back the same."""
    return nano / NANO


def resolve_prices(base: RateFields, tiers: Sequence[TierFields]) -> Prices | None:
    """Return a row's prices, None when it names none; raise `ValueError` when they are partial."""
    if base.input_per_1k is None and base.output_per_1k is None:
        if tiers or _extras(base):
            raise ValueError("expected input_per_1k and output_per_1k with the other prices")
        return None
    ordered = sorted(tiers, key=lambda tier: tier.above_input_tokens)
    if len({tier.above_input_tokens for tier in ordered}) < len(ordered):
        raise ValueError("expected each above_input_tokens once in tiers")
    return Prices(
        base=_rates(base), tiers=tuple(Tier(t.above_input_tokens, _rates(t)) for t in ordered)
    )


def price_fields(prices: Prices) -> dict[str, Any]:
    """Return `prices` as fields of a model's row, the inverse of `resolve_prices`."""
    fields: dict[str, Any] = _rate_fields(prices.base)
    if prices.tiers:
        fields["tiers"] = [
            {"above_input_tokens": tier.above_input_tokens, **_rate_fields(tier.rates)}
            for tier in prices.tiers
        ]
    return fields


def _extras(fields: RateFields) -> bool:
    return any(
        value is not None
        for value in (
            fields.cached_input_per_1k,
            fields.cache_write_per_1k,
            fields.cache_write_5m_per_1k,
            fields.cache_write_1h_per_1k,
        )
    )


def _rates(fields: RateFields) -> Rates:
    if fields.input_per_1k is None or fields.output_per_1k is None:
        raise ValueError("expected input_per_1k and output_per_1k together (0 for what is free)")
    write = fields.cache_write_per_1k
    short = write if fields.cache_write_5m_per_1k is None else fields.cache_write_5m_per_1k
    long = write if fields.cache_write_1h_per_1k is None else fields.cache_write_1h_per_1k
    return Rates(
        input_nano_per_1k=nano_per_1k(fields.input_per_1k),
        output_nano_per_1k=nano_per_1k(fields.output_per_1k),
        cached_input_nano_per_1k=_optional(fields.cached_input_per_1k),
        cache_write_5m_nano_per_1k=_optional(short),
        cache_write_1h_nano_per_1k=_optional(long),
    )


def _optional(usd: float | None) -> int | None:
    return None if usd is None else nano_per_1k(usd)


def _rate_fields(rates: Rates) -> dict[str, Any]:
    nano = {
        "input_per_1k": rates.input_nano_per_1k,
        "output_per_1k": rates.output_nano_per_1k,
        "cached_input_per_1k": rates.cached_input_nano_per_1k,
        "cache_write_5m_per_1k": rates.cache_write_5m_nano_per_1k,
        "cache_write_1h_per_1k": rates.cache_write_1h_nano_per_1k,
    }
    return {name: usd_per_1k(value) for name, value in nano.items() if value is not None}
