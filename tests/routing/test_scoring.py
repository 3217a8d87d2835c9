import pytest

from tests.routing.build import ask, model, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.policy import Mode
from tokenhub.routing.question import Decision
from tokenhub.routing.scoring import WEIGHTS
from tokenhub.types import Observed

ROWS = registry(model("a/x", weight=4), model("b/y", weight=6), model("c/z", weight=5))
SEEN = {
    "a/x": Observed(100, failure_rate=0.0),
    "b/y": Observed(300, failure_rate=0.5),
    "c/z": Observed(250, failure_rate=0.1),
}
COSTS: dict[str, int | None] = {"a/x": 10, "b/y": 30, "c/z": 15}


def decided(**fields: object) -> Decision:
    return decide(ask(ROWS, "auto", **{"seen": SEEN, "costs": COSTS, **fields}))  # type: ignore[arg-type]  # fields by name


def test_each_term_is_brought_to_0_to_1_over_the_eligible_set() -> None:
    terms = {one.name: one for one in decided().columns}
    assert list(terms) == ["cost", "latency", "failure", "weight"]
    assert terms["cost"].normalised == [0, 1, 0.25]
    assert terms["latency"].normalised == [0, 1, 0.75]
    assert terms["failure"].normalised == [0, 1, 0.2]
    assert terms["weight"].normalised == [0, 1, 0.5]


def test_a_score_is_the_weighted_sum_in_which_the_weight_counts_in_favour() -> None:
    scores = {one.deployment.key: one.score for one in decided().eligible}
    assert scores["a/x"] == 0
    assert scores["b/y"] == pytest.approx(0.25 + 0.25 + 0.25 - 0.25)
    assert scores["c/z"] == pytest.approx(0.25 * (0.25 + 0.75 + 0.2 - 0.5))


def test_a_term_in_which_all_are_equal_decides_nothing() -> None:
    assert decided(costs={}).columns[0].normalised == [0, 0, 0]


def test_what_is_untried_is_taken_for_the_median_and_marked() -> None:
    seen = {"a/x": SEEN["a/x"], "b/y": SEEN["b/y"]}
    latency, failure = decided(seen=seen).columns[1:3]
    assert (latency.raw[2], failure.raw[2]) == (200, 0.25)
    assert (latency.assumed, failure.assumed) == ([2], [2])


def test_where_all_is_untried_nothing_is_made_of_it() -> None:
    latency = decided(seen={}).columns[1]
    assert (latency.raw, latency.assumed) == ([0, 0, 0], [0, 1, 2])


def test_an_unknown_price_is_taken_for_the_dearest() -> None:
    cost = decided(costs={**COSTS, "a/x": None}).columns[0]
    assert (cost.raw, cost.assumed) == ([30, 30, 15], [0])


def test_every_mode_has_weights_that_add_up_to_1() -> None:
    assert set(WEIGHTS) == set(Mode)
    for weights in WEIGHTS.values():
        assert sum(map(abs, weights)) == pytest.approx(1)
        assert weights[3] < 0 < min(weights[:3])
