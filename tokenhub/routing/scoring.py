"""The score of each eligible deployment, lower is better.

`cost*w + latency*w + failure*w - weight*w`, each term brought to 0..1 over the eligible set, so
that its unit does not matter and what is better in every term never loses.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from tokenhub.routing.eligibility import Entry
from tokenhub.routing.policy import Mode
from tokenhub.routing.question import Column

WEIGHTS: Final = {
    Mode.CHEAP: (0.7, 0.1, 0.1, -0.1),
    Mode.NORMAL: (0.25, 0.25, 0.25, -0.25),
    Mode.HIGH_CONFIDENCE: (0.05, 0.1, 0.15, -0.7),
    Mode.PLANNING: (0.1, 0.1, 0.2, -0.6),
    Mode.ADVERSARIAL: (0.1, 0.1, 0.2, -0.6),
    Mode.FAST: (0.05, 0.75, 0.15, -0.05),
}
"""Of cost, latency, failure and weight; a model's own weight speaks for it, hence the minus."""

DEGRADED_FAILURE_RATE: Final = 0.5
"""The least that a provider is expected to fail which has just failed a few times in a row."""


def columns_of(entries: Sequence[Entry], mode: Mode) -> tuple[Column, ...]:
    """Return the terms over `entries`, which are not empty.

    What is untried is taken for the median of the others, a price that is not known for the
    dearest of the others: nothing speaks for a model because nothing is known of it.
    """
    if len(entries) == 1:
        return _of_one(entries[0], mode)
    costs = [None if entry.cost is None else entry.cost[0] for entry in entries]
    cost, unpriced = _filled(costs, max)
    latency, untimed = _filled([entry.latency_ms for entry in entries], median)
    failure, untried = _filled([entry.failure_rate for entry in entries], median)
    raised: list[int] = []
    if any(entry.degraded for entry in entries):
        least = [DEGRADED_FAILURE_RATE if entry.degraded else 0.0 for entry in entries]
        raised = [row for row, rate in enumerate(failure) if rate < least[row]]
        failure = list(map(max, failure, least))
    weights = [entry.deployment.weight for entry in entries]
    w_cost, w_latency, w_failure, w_weight = WEIGHTS[mode]
    return (
        Column("cost", w_cost, cost, _normalised(cost), unpriced),
        Column("latency", w_latency, latency, _normalised(latency), untimed),
        Column("failure", w_failure, failure, _normalised(failure), untried, raised),
        Column("weight", w_weight, weights, _normalised(weights), []),
    )


def _of_one(entry: Entry, mode: Mode) -> tuple[Column, ...]:
    """The terms of the only one there is, as most named models are: all the same in every term."""
    w_cost, w_latency, w_failure, w_weight = WEIGHTS[mode]
    zero, cost, latency, failure = [0.0], entry.cost, entry.latency_ms, entry.failure_rate
    failed = failure or 0.0
    raised = entry.degraded and failed < DEGRADED_FAILURE_RATE
    if raised:
        failed = DEGRADED_FAILURE_RATE
    return (
        Column("cost", w_cost, [0.0 if cost is None else cost[0]], zero, _ROW[cost is None]),
        Column("latency", w_latency, [latency or 0.0], zero, _ROW[latency is None]),
        Column("failure", w_failure, [failed], zero, _ROW[failure is None], _ROW[raised]),
        Column("weight", w_weight, [entry.deployment.weight], zero, ()),
    )


_ROW: Final[tuple[Sequence[int], Sequence[int]]] = ((), (0,))
"""The numbers of the rows of which nothing is known, where there is one row: none, or it."""


def scores_of(columns: tuple[Column, ...]) -> list[float]:
    """Return the score of each row."""
    cost, latency, failure, weight = columns
    w_cost, w_latency, w_failure, w_weight = cost[1], latency[1], failure[1], weight[1]
    return [
        w_cost * of_cost + w_latency * of_latency + w_failure * of_failure + w_weight * of_weight
        for of_cost, of_latency, of_failure, of_weight in zip(
            cost.normalised, latency.normalised, failure.normalised, weight.normalised, strict=True
        )
    ]


def _filled(
    values: Sequence[float | None], usual: Callable[[list[float]], float]
) -> tuple[list[float], list[int]]:
    """`values` with each None taken for what is `usual` among the others, and where they were."""
    known = [value for value in values if value is not None]
    if len(known) == len(values):
        return known, []
    otherwise = usual(known) if known else 0.0
    assumed = [row for row, value in enumerate(values) if value is None]
    return [otherwise if value is None else value for value in values], assumed


def _normalised(raw: Sequence[float]) -> list[float]:
    low = min(raw)
    span = max(raw) - low
    return [(value - low) / span for value in raw] if span else [0.0] * len(raw)
