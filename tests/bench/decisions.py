"""What a decision costs, with its explanation: `python -m tests.bench.decisions`.

The best of several repetitions counts: what else runs on the machine is not in it.
"""

import timeit

from tests.routing.build import ask, model, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import to_columns
from tokenhub.routing.question import Question
from tokenhub.types import Observed

LIMITS_US = {10: 60.0, 200: 800.0}
MODELS_PER_PROVIDER = 5
CALLS, REPEATS = 4000, 9


def question(models: int, name: str) -> Question:
    """A streamed request to a hub of so many models, all of them tried and eligible."""
    rows = [
        model(f"p{place // MODELS_PER_PROVIDER}/m{place}", weight=5 + place % 3)
        for place in range(models)
    ]
    seen = {
        row.key: Observed(
            1000 + place * 7 % 900, 100 + place * 13 % 400, 50.0, place * 3 % 10 / 100
        )
        for place, row in enumerate(rows)
    }
    costs = {row.key: 1000 + place * 31 % 1000 for place, row in enumerate(rows)}
    return ask(registry(*rows), name, seen=seen, costs=costs, stream=True)


def microseconds(models: int, name: str) -> float:
    """The time of one decision and of its explanation as columns."""
    asked = question(models, name)
    calls = CALLS // models
    timer = timeit.Timer(lambda: to_columns(decide(asked)))
    return min(timer.repeat(REPEATS, calls)) / calls * 1e6


def main() -> None:
    """Print the times and whether they keep the limits."""
    for models, limit_us in LIMITS_US.items():
        for name in ("auto", "m0"):
            took_us = microseconds(models, name)
            verdict = "kept" if took_us <= limit_us else "MISSED"
            print(f"{models:4} models, {name:4}: {took_us:7.1f} µs (limit {limit_us:g}: {verdict})")


if __name__ == "__main__":
    main()
