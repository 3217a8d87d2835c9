import random

from hypothesis import given
from hypothesis import strategies as st

from tests.routing.build import ask, left_out, model, plan, registry
from tokenhub.providers.registry import Registry
from tokenhub.routing.engine import decide
from tokenhub.routing.policy import Mode, RoutingConfig, Steering
from tokenhub.routing.question import Decision, Question, Reason
from tokenhub.types import Api, Cost, Deployment, Observed, Provider, ProviderCondition

SLOW = 30_000
"""Milliseconds above the default limit."""


def test_a_name_is_tried_at_all_its_deployments_then_at_its_substitutes() -> None:
    rows = registry(
        model("a/big", weight=8, fallbacks=("tiny",)),
        model("b/big", weight=9),
        model("c/tiny", weight=1),
        model("c/mid", weight=7),
        model("d/mid", weight=7),
    )
    decision = decide(ask(rows, "big", costs={"c/mid": 3, "d/mid": 2}))
    assert plan(decision) == ["b/big", "a/big", "c/tiny", "d/mid", "c/mid"]
    assert [one.reason for one in decision.plan] == [
        "named",
        "named",
        "substitute for 'big' (listed)",
        "substitute for 'big' (equivalent)",
        "substitute for 'big' (equivalent)",
    ]
    assert [one.substitution for one in decision.plan] == [False, False, True, True, True]
    assert decision.reason == "named"


def test_a_pinned_name_stays_with_its_providers() -> None:
    rows = registry(model("a/m"), model("b/m"), model("a/n"), model("b/n"))
    decision = decide(ask(rows, "a/m"))
    assert plan(decision) == ["a/m", "a/n"]
    assert left_out(decision) == {"b/m": "pinned", "b/n": "pinned"}


def test_a_substitute_in_front_names_itself_in_the_reason() -> None:
    rows = registry(model("a/m"), model("b/n"))
    decision = decide(ask(rows, "m", conditions={"a": ProviderCondition(down=True)}))
    assert decision.reason == "substitute for 'm' (equivalent)"


def test_the_router_chooses_by_the_score_of_the_mode() -> None:
    rows = registry(model("a/dear", weight=9), model("b/low", weight=3))
    costs: dict[str, int | None] = {"a/dear": 1000, "b/low": 1}
    cheap = decide(ask(rows, "auto:cheap", costs=costs))
    sure = decide(ask(rows, "auto:high_confidence", costs=costs))
    assert (plan(cheap), plan(sure)) == (["b/low", "a/dear"], ["a/dear", "b/low"])
    assert cheap.mode is Mode.CHEAP
    assert [one.reason for one in cheap.plan] == ["auto:cheap: best score", "auto:cheap: next best"]


def test_fast_takes_the_lowest_time_to_the_first_token_of_streams() -> None:
    rows = registry(model("a/x"), model("b/y"))
    seen = {"a/x": Observed(90, 5), "b/y": Observed(10, 50)}
    assert plan(decide(ask(rows, "auto:fast", seen=seen, stream=True)))[0] == "a/x"
    assert plan(decide(ask(rows, "auto:fast", seen=seen)))[0] == "b/y"


def test_a_degraded_provider_is_penalised() -> None:
    rows = registry(model("a/m"), model("b/m"))
    conditions = {"a": ProviderCondition(degraded=True)}
    assert plan(decide(ask(rows, "m", conditions=conditions))) == ["b/m", "a/m"]


def test_being_degraded_does_not_hide_a_worse_record() -> None:
    rows = registry(model("a/m"), model("b/m"))
    seen = {"a/m": Observed(failure_rate=0.6), "b/m": Observed(failure_rate=0.9)}
    conditions = {id: ProviderCondition(degraded=True) for id in "ab"}
    decision = decide(ask(rows, "m", seen=seen, conditions=conditions))
    assert list(decision.columns[2].raw) == [0.6, 0.9]


def test_equal_scores_are_decided_by_the_price() -> None:
    rows = registry(model("a/m"), model("b/m"))
    seen = {"a/m": Observed(latency_ms=1), "b/m": Observed(latency_ms=2)}
    costs: dict[str, int | None] = {"a/m": 2, "b/m": 1}
    assert plan(decide(ask(rows, "m", seen=seen, costs=costs))) == ["b/m", "a/m"]


def test_equal_prices_are_decided_by_the_id_and_then_the_provider() -> None:
    rows = registry(model("b/m"), model("a/m"), model("c/l"))
    assert plan(decide(ask(rows))) == ["c/l", "a/m", "b/m"]


def test_the_default_budget_filters_a_choice_and_not_a_name() -> None:
    rows = registry(model("a/m"), model("b/n"))
    costs: dict[str, int | None] = {"a/m": 50_000_001}
    assert left_out(decide(ask(rows, costs=costs))) == {"a/m": "budget"}
    assert not left_out(decide(ask(rows, "m", costs=costs)))


def test_the_default_budget_does_not_filter_in_the_mode_high_confidence() -> None:
    rows = registry(model("a/m"))
    costs: dict[str, int | None] = {"a/m": 50_000_001}
    assert not left_out(decide(ask(rows, "auto:high_confidence", costs=costs)))
    config = RoutingConfig(max_budget_nano_ceiling=50_000_000)
    assert left_out(decide(ask(rows, "auto:high_confidence", costs=costs, config=config)))


def test_a_choice_keeps_the_default_budget_below_a_higher_ceiling() -> None:
    config = RoutingConfig(max_budget_nano_ceiling=60_000_000)
    rows, costs = registry(model("a/m")), {"a/m": 55_000_000}
    assert left_out(decide(ask(rows, "auto", costs=costs, config=config))) == {"a/m": "budget"}
    assert not left_out(decide(ask(rows, "m", costs=costs, config=config)))


def test_the_default_budget_takes_a_model_without_a_price() -> None:
    assert plan(decide(ask(registry(model("a/m")), costs={"a/m": None}))) == ["a/m"]


def test_the_default_latency_filters_a_choice_and_not_a_name() -> None:
    rows = registry(model("a/m"), model("b/n"))
    seen = {"a/m": Observed(SLOW), "b/n": Observed(1)}
    assert left_out(decide(ask(rows, seen=seen))) == {"a/m": "latency"}
    assert not left_out(decide(ask(rows, "m", seen=seen)))


def test_where_the_default_latency_leaves_nothing_the_fastest_goes_first() -> None:
    rows = registry(model("a/m", weight=10), model("b/n"))
    seen = {"a/m": Observed(2 * SLOW), "b/n": Observed(SLOW)}
    decision = decide(ask(rows, "auto:high_confidence", seen=seen))
    assert (plan(decision), left_out(decision)) == (["b/n", "a/m"], {})
    assert decision.reason == "auto:high_confidence: the fastest, none takes 20000 ms or less"


def test_the_default_latency_gives_way_to_what_is_affordable() -> None:
    rows = registry(model("a/m"), model("b/n"))
    seen = {"a/m": Observed(SLOW), "b/n": Observed(1)}
    decision = decide(ask(rows, seen=seen, costs={"b/n": 10**9}))
    assert (plan(decision), left_out(decision)) == (["a/m"], {"b/n": "budget"})


def test_a_latency_that_the_request_sets_does_not_give_way() -> None:
    rows = registry(model("a/m"))
    decision = decide(ask(rows, seen={"a/m": Observed(10)}, steering=Steering(max_latency_ms=9)))
    assert left_out(decision) == {"a/m": "latency"}
    assert decision.refusal is not None


def test_a_choice_without_fallback_stays_with_the_name_it_chose() -> None:
    rows = registry(model("a/m"), model("b/m"), model("c/n", weight=4))
    decision = decide(ask(rows, steering=Steering(fallback=False)))
    assert plan(decision) == ["a/m", "b/m"]
    assert len(decision.eligible) == 3


def test_a_choice_for_embeddings_stays_with_the_name_it_chose() -> None:
    rows = registry(model("a/m"), model("b/m"), model("c/n", weight=4))
    assert plan(decide(ask(rows, api=Api.EMBEDDINGS))) == ["a/m", "b/m"]


def test_an_unknown_name_that_is_routed_says_so() -> None:
    rows = registry(model("a/m"), model("b/n"))
    decision = decide(ask(rows, "b/new", config=RoutingConfig(unknown_model="route")))
    assert plan(decision) == ["b/n"]
    assert decision.reason == "auto:normal for an unknown model: best score"


def test_a_forbidden_name_is_not_replaced() -> None:
    rows = registry(model("a/m"), model("b/n"))
    decision = decide(ask(rows, "m", allowed=lambda one: one.id == "n"))
    assert left_out(decision) == {"a/m": "not_allowed"}
    assert decision.refusal is not None
    assert decision.refusal.status == 403


# Properties over any hub: rows with all that a decision looks at.

latencies = st.none() | st.floats(0, 1e6)
row_values = st.fixed_dictionaries(
    {
        "provider": st.sampled_from("abc"),
        "id": st.sampled_from("mnop"),
        "weight": st.integers(0, 10),
        "enabled": st.booleans(),
        "context": st.none() | st.integers(50, 300),
        "fallbacks": st.lists(st.sampled_from("mnop"), max_size=2).map(tuple),
        "cost": st.none() | st.integers(0, 10**8),
        "latency": latencies,
        "ttft": latencies,
        "failure": st.none() | st.floats(0, 1),
    }
)
worlds = st.fixed_dictionaries(
    {
        "rows": st.lists(
            row_values, max_size=10, unique_by=lambda row: (row["provider"], row["id"])
        ),
        "states": st.dictionaries(
            st.sampled_from("abc"),
            st.builds(
                ProviderCondition,
                st.booleans(),
                st.booleans(),
                st.none() | st.just(10**9),
                st.booleans(),
                st.sampled_from([None, "credentials", "vault_locked"]),
            ),
        ),
        "name": st.sampled_from(["auto", "auto:fast", "auto:cheap", "m", "a/m"]),
        "steering": st.builds(
            Steering,
            st.sampled_from(Mode),
            st.none() | st.integers(0, 10**8),
            st.none() | st.integers(1, 10**6),
            st.none() | st.integers(0, 10),
            st.none() | st.booleans(),
        ),
        "needs_price": st.booleans(),
        "room": st.none() | st.integers(-5, 10**8),
        "stream": st.booleans(),
    }
)


def question(world: dict[str, object], source: random.Random | None = None) -> Question:
    values: list[dict[str, object]] = list(world["rows"])  # type: ignore[call-overload]  # a list
    if source is not None:
        source.shuffle(values)
    keyed = {f"{row['provider']}/{row['id']}": row for row in values}
    rows = registry(
        model("a/m"),
        *(
            model(
                key,
                weight=row["weight"],
                enabled=row["enabled"],
                max_context_tokens=row["context"],
                fallbacks=row["fallbacks"],
            )
            for key, row in keyed.items()
            if key != "a/m"
        ),
    )
    seen = {
        key: Observed(row["latency"], row["ttft"], None, row["failure"])  # type: ignore[arg-type]  # drawn as such
        for key, row in keyed.items()
    }
    return ask(
        rows,
        str(world["name"]),
        steering=world["steering"],  # type: ignore[arg-type]  # drawn as such
        costs={key: row["cost"] for key, row in keyed.items()},  # type: ignore[misc]  # drawn as such
        seen=seen,
        conditions=world["states"],  # type: ignore[arg-type]  # drawn as such
        needs_price=world["needs_price"],
        key_room_nano=world["room"],
        stream=world["stream"],
    )


@given(worlds, st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_order(
    world: dict[str, object], source: random.Random
) -> None:
    first, again = decide(question(world)), decide(question(world, source))
    assert plan(first) == plan(again)
    assert first.reason == again.reason
    assert left_out(first) == left_out(again)


@given(worlds)
def test_each_model_in_question_is_eligible_or_has_one_reason(world: dict[str, object]) -> None:
    asked = question(world)
    decision = decide(asked)
    eligible = [one.deployment.key for one in decision.eligible]
    rejected = [one.deployment.key for one in decision.rejected]
    assert len(set(eligible + rejected)) == len(eligible) + len(rejected)
    assert set(plan(decision)) <= set(eligible)
    assert all(isinstance(one.reason, Reason) and one.detail for one in decision.rejected)
    if str(world["name"]).startswith("auto"):
        everything = {one.key for one in asked.registry.all_deployments()}
        assert set(eligible + rejected) == everything


@given(worlds)
def test_a_decision_has_either_a_plan_or_a_refusal(world: dict[str, object]) -> None:
    decision = decide(question(world))
    assert bool(decision.plan) == (decision.refusal is None)
    if decision.refusal is not None:
        assert decision.refusal.status in {402, 403, 503}
        assert decision.reason == decision.refusal.code


@given(worlds)
def test_what_was_named_goes_before_its_substitutes(world: dict[str, object]) -> None:
    flags = [one.substitution for one in decide(question(world)).plan]
    assert flags == sorted(flags)


figures = st.tuples(st.integers(0, 10**9), st.floats(1, 1e5), st.floats(0, 1), st.integers(0, 9))


def score(mode: Mode, rows: list[tuple[int, float, float, int]], scale: int = 1) -> Decision:
    """A decision among rows of cost, latency, failure rate and weight."""
    models: Registry = registry(
        *(model(f"a/m{place}", weight=row[3]) for place, row in enumerate(rows))
    )
    of = {f"m{place}": row for place, row in enumerate(rows)}

    def cost(one: Deployment, _: Provider) -> Cost:
        return Cost(of[one.id][0] * scale, 0)

    def observed(one: Deployment) -> Observed:
        _, latency, failure, _ = of[one.id]
        return Observed(latency_ms=latency * scale, failure_rate=failure)

    unlimited = RoutingConfig(
        default_mode=mode, default_max_budget_nano=10**18, default_max_latency_ms=10**18
    )
    return decide(ask(models, config=unlimited, cost=cost, observed=observed))


@given(st.sampled_from(Mode), st.lists(figures, min_size=1, max_size=8), st.integers(1, 20))
def test_scores_do_not_depend_on_the_units(
    mode: Mode, rows: list[tuple[int, float, float, int]], power: int
) -> None:
    one, other = score(mode, rows), score(mode, rows, 2**power)
    assert plan(one) == plan(other)
    assert [row.score for row in one.plan] == [row.score for row in other.plan]


@given(
    st.sampled_from(Mode),
    st.lists(figures, min_size=1, max_size=8),
    st.tuples(st.integers(1, 1000), st.floats(0.1, 10), st.floats(0.01, 0.1)),
)
def test_a_model_that_is_better_in_every_term_never_loses(
    mode: Mode,
    rows: list[tuple[int, float, float, int]],
    better_by: tuple[int, float, float],
) -> None:
    cost, latency, failure, weight = rows[0]
    worse = (cost + better_by[0], latency + better_by[1], failure + better_by[2], weight)
    better = (cost, latency, failure, weight + 1)
    ranked = plan(score(mode, [worse, *rows[1:], better]))
    assert ranked.index(f"a/m{len(rows)}") < ranked.index("a/m0")
