"""The child process that reads the price catalogue; imports nothing else of this package.

In: a JSON list of [provider's prefix, model name]. Out: a JSON list of the same length, null for
what is unknown, else {"context", "base", "tiers"}: prices in nano-dollars per 1,000 tokens, in the
order of the fields of `types.Rates`; a tier is [above_input_tokens, prices].
"""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

_KINDS: Final = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
)
# Dollars per million tokens to nano-dollars per thousand.
_NANO_PER_1K: Final = 1_000_000


def entry(snapshot: DataSnapshot, prefix: str, model: str, now: datetime) -> dict[str, Any] | None:
    """Return what `snapshot` says of a model at the provider that `prefix` names."""
    try:
        _, found = snapshot.find_provider_model(model, None, prefix, None)
    except LookupError:
        return None
    # An unpriced model has an empty list here.
    prices = found.get_prices(now) if found.prices else ModelPrice()
    base = rates(prices, 0)
    tiers = [[start, rates(prices, start)] for start in tier_starts(prices)] if base else []
    return {"context": found.context_window, "base": base, "tiers": tiers}


def rates(prices: ModelPrice, above: int) -> list[int | None] | None:
    """Return the five prices of the tier that begins above `above` tokens, None without input."""
    input_price, output_price, *cache = (_nano(prices, kind, above) for kind in _KINDS)
    if input_price is None:
        return None
    # A model without a price of output (embeddings) gives none.
    return [input_price, output_price or 0, *cache]


def tier_starts(prices: ModelPrice) -> list[int]:
    """Return where the tiers of any of the five prices begin, in rising order."""
    tiered = (getattr(prices, kind, None) for kind in _KINDS)
    return sorted({tier.start for p in tiered if isinstance(p, TieredPrices) for tier in p.tiers})


def _nano(prices: ModelPrice, kind: str, above: int) -> int | None:
    price: Decimal | TieredPrices | None = getattr(prices, kind, None)
    if isinstance(price, TieredPrices):
        price = next((t.price for t in reversed(price.tiers) if t.start <= above), price.base)
    return None if price is None else int((price * _NANO_PER_1K).to_integral_value())


def main() -> None:
    """Answer the question on stdin."""
    names: list[tuple[str, str]] = json.load(sys.stdin)
    snapshot, now = get_snapshot(), datetime.now(UTC)
    json.dump([entry(snapshot, prefix, model, now) for prefix, model in names], sys.stdout)


if __name__ == "__main__":
    main()
