"""What the shipped price catalogue (genai-prices) knows, read in a short-lived child process.

Importing the catalogue costs 20 MB and 0.2 s, which the hub itself shall not pay.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from tokenhub.types import Prices, Rates, Tier

MAX_NAMES: Final = 5000
"""More names than this are not looked up in one call."""

_DEADLINE_S: Final = 10.0
# By its path and not by its module's name: the child shall import nothing of this package.
_CHILD: Final = str(Path(__file__).with_name("catalogue_child.py"))

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the catalogue says about a model; None where it does not say."""

    prices: Prices | None = None
    max_context_tokens: int | None = None


async def lookup(names: Sequence[tuple[str, str]]) -> list[CatalogueEntry | None]:
    """Return what is known of each (provider's prefix, model name), None for a model unknown there.

    A catalogue that cannot be read within 10 s is logged and knows nothing: prices are a help,
    nothing waits for them. The child is killed when the call is cancelled.
    """
    unknown: list[CatalogueEntry | None] = [None] * len(names)
    if not names:
        return unknown
    try:
        async with asyncio.timeout(_DEADLINE_S):
            answer = orjson.loads(await _ask(orjson.dumps(names[:MAX_NAMES])))
    except (OSError, TimeoutError, orjson.JSONDecodeError) as error:
        logger.warning("the price catalogue cannot be read (%s)", type(error).__name__)
        return unknown
    return [_entry(found) for found in answer] + unknown[MAX_NAMES:]


async def _ask(question: bytes) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        _CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer, _ = await child.communicate(question)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return answer


def _entry(found: Any) -> CatalogueEntry | None:
    if found is None:
        return None
    tiers = tuple(Tier(above, Rates(*rates)) for above, rates in found["tiers"])
    prices = None if found["base"] is None else Prices(Rates(*found["base"]), tiers)
    return CatalogueEntry(prices, found["context"])
