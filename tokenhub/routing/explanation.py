"""A decision as it is stored and as it is shown.

Stored as columns, one list for each fact over all models, which are small and quick to make;
expanded when somebody reads it. Nothing is decided again: what is shown was stored. Rows of
earlier versions lack some of the columns.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from tokenhub.routing.question import Column, Decision
from tokenhub.types import NANO

_DIGITS: Final = 6
"""So many decimals of scores and their terms are shown."""

Shown = dict[str, Any]


def to_columns(decision: Decision, tried: Collection[str] = frozenset()) -> dict[str, Any]:
    """Return `decision` as JSON-ready columns, to be stored and given to `shown`.

    Rows are as they were decided about, `order` has their numbers, best first, and `planned` the
    numbers of those that were to be tried. Where the choice was made again, `tried` are the keys
    of those that were to be tried already: they are not planned a second time.
    """
    eligible, rejected = decision.eligible, decision.rejected
    costs = [one.cost for one in eligible]
    columns = {
        "mode": decision.mode.value,
        "reason": decision.reason,
        "order": decision.order,
        "planned": _planned(decision),
        "rank": [one.rank for one in eligible],
        "model_id": [one.deployment.id for one in eligible],
        "provider_id": [one.deployment.provider_id for one in eligible],
        "api": [one.api for one in eligible],
        "score": [one.score for one in eligible],
        "estimate_nano": [cost and cost[0] for cost in costs],
        "tokens": [cost and cost[2] for cost in costs],
        "unproven": _unproven(decision),
        "terms": [_stored(column) for column in decision.columns],
        "rejected": {
            "model_id": [one.deployment.id for one in rejected],
            "provider_id": [one.deployment.provider_id for one in rejected],
            "reason": [one.reason.value for one in rejected],
            "detail": [one.detail for one in rejected],
            "estimate_nano": [one.estimate_nano for one in rejected],
        },
    }
    return _anew(columns, decision, tried) if tried else columns


def shown(columns: Mapping[str, Any]) -> Shown:
    """Return what `to_columns` gave in the words of the API, the best model first.

    `chosen` is the one to be tried first, None where nothing could take the request. Each
    eligible model tells whether it was `planned` to be tried, by how many input and output tokens
    its cost is expected, whether it is `unproven` that it can do what the request needs, and each
    of its terms whether its raw value had to be `assumed`, or was
    `raised` since its provider had just failed; costs are in dollars, latencies in ms. The choice
    is not by chance, so the `propensity` of the chosen one is 1 and of the others 0.
    """
    chosen = next((row for row in columns["order"] if row in columns["planned"]), None)
    eligible = [_eligible(columns, row, chosen) for row in columns["order"]]
    first = next((one for one in eligible if one["propensity"]), None)
    return {
        "mode": columns["mode"],
        "reason": columns["reason"],
        "chosen": first and {name: first[name] for name in ("model_id", "provider_id")},
        "estimated_cost_usd": first and first["estimated_cost_usd"],
        "eligible": eligible,
        "rejected": _rejected(columns["rejected"]),
        "not_considered": columns.get("not_considered"),
    }


def answered_by(
    attempts: Sequence[Mapping[str, Any]], first: Shown, again: Shown | None
) -> Shown | None:
    """Return who answered, and what of its costs and tokens was expected; None if nobody did.

    Of the two decisions, as `shown`, the one that planned to try it counts.
    """
    if not attempts or attempts[-1]["error_class"] is not None:
        return None
    last = attempts[-1]
    who = {name: last[name] for name in ("model_id", "provider_id")}
    known: Shown = {}
    for one in (*first["eligible"], *(again["eligible"] if again else ())):
        if one["planned"] and all(one[name] == who[name] for name in who):
            known = one
    expected = {name: known.get(name) for name in ("estimated_cost_usd", "estimate")}
    return {**who, "substitution": known.get("substitution", False), **expected}


def _planned(decision: Decision) -> list[int]:
    eligible, plan = decision.eligible, decision.plan
    if len(plan) == len(eligible):
        return list(range(len(eligible)))
    names = {one.deployment.key for one in plan}
    return [row for row, one in enumerate(eligible) if one.deployment.key in names]


def _unproven(decision: Decision) -> list[int]:
    """Those of which nobody knows whether they can do what the request needs."""
    if not decision.brief.capabilities:
        return []
    eligible = enumerate(decision.eligible)
    return [row for row, one in eligible if one.deployment.capabilities is None]


def _anew(columns: dict[str, Any], decision: Decision, tried: Collection[str]) -> dict[str, Any]:
    """The columns of a choice made again: only those that are new in its plan are to be tried."""
    eligible = decision.eligible
    columns["tried"] = [row for row, one in enumerate(eligible) if one.deployment.key in tried]
    columns["planned"] = [row for row in columns["planned"] if row not in columns["tried"]]
    new = (eligible[row].reason for row in decision.order if row in columns["planned"])
    columns["reason"] = next(new, "nobody else")
    return columns


def _stored(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "weight": column.weight,
        "raw": column.raw,
        "normalised": column.normalised,
        "assumed": column.assumed,
        "raised": column.raised,
    }


def _rejected(columns: Mapping[str, Sequence[Any]]) -> list[Shown]:
    items = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    for item in items:
        item["estimated_cost_usd"] = _usd(item.pop("estimate_nano", None))
    return items


def _eligible(columns: Mapping[str, Any], row: int, chosen: int | None) -> Shown:
    old = [int(row in columns.get("substitutions", ()))] * (row + 1)
    rank = columns.get("rank", old)[row]
    return {
        "model_id": columns["model_id"][row],
        "provider_id": columns["provider_id"][row],
        "api": columns["api"][row] if "api" in columns else None,  # not kept before translation
        "score": round(columns["score"][row], _DIGITS),
        "estimated_cost_usd": _usd(columns["estimate_nano"][row]),
        "estimate": _tokens(columns["tokens"][row]) if "tokens" in columns else None,
        "propensity": float(row == chosen),
        "planned": row in columns["planned"],
        "tried": row in columns.get("tried", ()),
        "unproven": row in columns.get("unproven", ()),
        "substitution": rank > 0,
        "rank": rank,
        "terms": [_term(term, row) for term in columns["terms"]],
    }


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / NANO


def _tokens(estimate: Sequence[Any] | None) -> Shown | None:
    """What an estimate is of; None where no price is known, or where tokens cost nothing."""
    if estimate is None:
        return None
    return dict(zip(("input_tokens", "output_tokens", "output_from"), estimate, strict=True))


def _term(term: Mapping[str, Any], row: int) -> Shown:
    raw, normalised = term["raw"][row], term["normalised"][row]
    return {
        "name": term["name"],
        "raw": raw / NANO if term["name"] == "cost" else round(raw, _DIGITS),
        "assumed": row in term["assumed"],
        "raised": row in term.get("raised", ()),
        "normalised": round(normalised, _DIGITS),
        "weight": term["weight"],
        "contribution": round(term["weight"] * normalised, _DIGITS),
    }
