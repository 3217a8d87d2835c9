"""A decision as it is stored and as it is shown.

Stored as columns, one list for each fact over all models, which are small and quick to make;
expanded when somebody reads it. Nothing is decided again: what is shown was stored.
"""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.routing.question import Column, Decision
from tokenhub.types import NANO

_DIGITS: Final = 6
"""So many decimals of scores and their terms are shown."""


def to_columns(decision: Decision) -> dict[str, Any]:
    """Return `decision` as JSON-ready columns, to be stored and given to `shown`.

    Rows are as they were decided about, `order` has their numbers, best first, and `planned` the
    numbers of those that were to be tried.
    """
    eligible, rejected = decision.eligible, decision.rejected
    return {
        "mode": decision.mode.value,
        "reason": decision.reason,
        "order": decision.order,
        "planned": _planned(decision),
        "substitutions": [row for row, one in enumerate(eligible) if one.substitution],
        "model_id": [one.deployment.id for one in eligible],
        "provider_id": [one.deployment.provider_id for one in eligible],
        "api": [one.api for one in eligible],
        "score": [one.score for one in eligible],
        "estimate_nano": [one.estimate_nano for one in eligible],
        "terms": [_stored(column) for column in decision.columns],
        "rejected": {
            "model_id": [one.deployment.id for one in rejected],
            "provider_id": [one.deployment.provider_id for one in rejected],
            "reason": [one.reason.value for one in rejected],
            "detail": [one.detail for one in rejected],
        },
    }


def shown(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `to_columns` gave in the words of the API, the best model first.

    `chosen` is the one to be tried first, None where nothing could take the request. Each
    eligible model tells whether it was `planned` to be tried, and each of its terms whether its
    raw value had to be `assumed`; costs are in dollars, latencies in ms. The choice is not by
    chance, so the `propensity` of the chosen one is 1 and of the others 0.
    """
    eligible = [_eligible(columns, row) for row in columns["order"]]
    first = eligible[0] if eligible else None
    rejected = columns["rejected"]
    return {
        "mode": columns["mode"],
        "reason": columns["reason"],
        "chosen": first and {name: first[name] for name in ("model_id", "provider_id")},
        "estimated_cost_usd": first and first["estimated_cost_usd"],
        "eligible": eligible,
        "rejected": [
            dict(zip(rejected, values, strict=True))
            for values in zip(*rejected.values(), strict=True)
        ],
    }


def _planned(decision: Decision) -> list[int]:
    eligible, plan = decision.eligible, decision.plan
    if len(plan) == len(eligible):
        return list(range(len(eligible)))
    names = {one.deployment.id for one in plan}
    return [row for row, one in enumerate(eligible) if one.deployment.id in names]


def _stored(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "weight": column.weight,
        "raw": column.raw,
        "normalised": column.normalised,
        "assumed": column.assumed,
    }


def _eligible(columns: Mapping[str, Any], row: int) -> dict[str, Any]:
    estimate_nano = columns["estimate_nano"][row]
    return {
        "model_id": columns["model_id"][row],
        "provider_id": columns["provider_id"][row],
        "api": columns["api"][row] if "api" in columns else None,  # not kept before translation
        "score": round(columns["score"][row], _DIGITS),
        "estimated_cost_usd": None if estimate_nano is None else estimate_nano / NANO,
        "propensity": float(row == columns["order"][0]),
        "planned": row in columns["planned"],
        "substitution": row in columns["substitutions"],
        "terms": [_term(term, row) for term in columns["terms"]],
    }


def _term(term: Mapping[str, Any], row: int) -> dict[str, Any]:
    raw, normalised = term["raw"][row], term["normalised"][row]
    return {
        "name": term["name"],
        "raw": raw / NANO if term["name"] == "cost" else round(raw, _DIGITS),
        "assumed": row in term["assumed"],
        "normalised": round(normalised, _DIGITS),
        "weight": term["weight"],
        "contribution": round(term["weight"] * normalised, _DIGITS),
    }
