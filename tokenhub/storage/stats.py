"""Sums and latencies of all requests, altogether and by model, provider and key.

Counts, tokens and money come from the ledger's days, which are kept for ever; percentiles from the
newest rows of the request log that are no errors, since a quick refusal says nothing of a model.
"""

import sqlite3
from collections import defaultdict
from typing import Any, Final

from tokenhub.storage import rows

NEWEST_ROWS: Final = 20_000
"""How many rows of the request log the percentiles look at."""
_PERCENTILES: Final = (50, 95, 99)
_GROUPS: Final = {"by_model": "model", "by_provider": "provider_id", "by_key": "api_key_id"}


def stats(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return `global`, and `by_model`, `by_provider`, `by_key` as objects by id.

    Requests that no model served count in `global` and `by_key` only. A percentile of no value is
    None.
    """
    every = _entries(connection, "'all'")
    return {
        "global": every.get("all") or _entry((0,) * 5, {}, {}),
        **{name: _entries(connection, column) for name, column in _GROUPS.items()},
    }


def _entries(connection: sqlite3.Connection, column: str) -> dict[str, dict[str, Any]]:
    latency = _percentiles(connection, column, "latency_ms")
    ttft = _percentiles(connection, column, "ttft_ms")
    sums = connection.execute(
        f"SELECT {column}, sum(requests), sum(errors), sum(cost_nano),"  # noqa: S608 - constants
        f" sum(input_tokens), sum(output_tokens) FROM ledger_daily WHERE {column} <> ''"
        f" GROUP BY {column}"
    )
    return {row[0]: _entry(row[1:], latency[row[0]], ttft[row[0]]) for row in sums}


def _entry(
    sums: tuple[int, ...], latency: dict[str, float], ttft: dict[str, float]
) -> dict[str, Any]:
    requests, errors, cost_nano, input_tokens, output_tokens = sums
    names = [f"p{percentile}" for percentile in _PERCENTILES]
    return {
        "requests": requests,
        "errors": errors,
        "cost_usd": rows.usd(cost_nano),
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "latency_ms": {name: latency.get(name) for name in names},
        "ttft_ms": {name: ttft.get(name) for name in names},
    }


def _percentiles(
    connection: sqlite3.Connection, column: str, value: str
) -> defaultdict[str, dict[str, float]]:
    """Return the percentiles of `value` by `column`, each the smallest value that reaches it."""
    ranks = ", ".join(f"(n * {percentile} + 99) / 100" for percentile in _PERCENTILES)
    found = connection.execute(
        f"SELECT name, value, place, n FROM (SELECT {column} AS name,"  # noqa: S608 - constants
        f" {value} AS value, row_number() OVER (PARTITION BY {column} ORDER BY {value}) AS place,"
        f" count(*) OVER (PARTITION BY {column}) AS n FROM requests WHERE {value} IS NOT NULL"
        f" AND status < 400 AND id > (SELECT max(id) FROM requests) - {NEWEST_ROWS})"
        f" WHERE place IN ({ranks})"
    )
    percentiles: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for name, measured, place, n in found:
        for percentile in _PERCENTILES:
            if (n * percentile + 99) // 100 == place:
                percentiles[name][f"p{percentile}"] = measured
    return percentiles
