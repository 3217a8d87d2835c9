from typing import Any

from tests.routing.build import ask, model, provider, registry
from tokenhub.providers.registry import Registry
from tokenhub.routing.contenders import contenders
from tokenhub.routing.policy import RoutingConfig, Steering
from tokenhub.types import Api

ROWS = registry(
    model("a/big", weight=8, fallbacks=("small", "b/mid", "gone")),
    model("a/small", weight=1),
    model("b/big", weight=7, fallbacks=("b/mid", "c/far")),
    model("b/mid", weight=5),
    model("c/far", weight=4),
    model("c/mid", weight=5),
    model("c/same", weight=9),
)


def ranks(rows: Registry, name: str, **fields: Any) -> list[tuple[str, int]]:
    found = contenders(ask(rows, name, **fields))
    return [(row.key, rank) for row, rank, _ in found]


def test_a_choice_is_among_all() -> None:
    assert len(ranks(ROWS, "auto")) == 7
    assert {rank for _, rank in ranks(ROWS, "auto")} == {0}


def test_a_name_then_its_fallbacks_in_their_order_then_equivalents() -> None:
    assert ranks(ROWS, "big") == [
        ("a/big", 0),
        ("b/big", 0),
        ("a/small", 1),
        ("b/mid", 2),
        ("c/far", 4),
        ("c/mid", 5),
        ("c/same", 5),
    ]


def test_an_equivalent_weighs_at_most_3_less_than_the_named_model() -> None:
    rows = registry(model("a/m", weight=6), model("a/yes", weight=3), model("a/no", weight=2))
    assert ranks(rows, "m") == [("a/m", 0), ("a/yes", 1)]


def test_equivalents_at_preferred_backup_providers_go_first() -> None:
    rows = registry(model("a/m"), model("b/x"), model("c/y"), model("d/z"))
    config = RoutingConfig(backup_providers=("d", "c"))
    assert ranks(rows, "m", config=config) == [("a/m", 0), ("b/x", 3), ("c/y", 2), ("d/z", 1)]


def test_listed_means_only_the_fallbacks() -> None:
    config = RoutingConfig(named_fallback="listed")
    found = ranks(ROWS, "big", config=config)
    assert [key for key, rank in found if rank] == ["a/small", "b/mid", "c/far"]


def test_none_means_only_the_name() -> None:
    config = RoutingConfig(named_fallback="none")
    assert ranks(ROWS, "big", config=config) == [("a/big", 0), ("b/big", 0)]


def test_fallback_off_means_only_the_name() -> None:
    found = ranks(ROWS, "big", steering=Steering(fallback=False))
    assert found == [("a/big", 0), ("b/big", 0)]


def test_embeddings_have_no_equivalents_but_what_is_listed() -> None:
    rows = registry(model("a/e", fallbacks=("f",)), model("a/f"), model("a/g"))
    assert ranks(rows, "e", api=Api.EMBEDDINGS) == [("a/e", 0), ("a/f", 1)]


def test_a_fallback_names_one_deployment_before_it_names_a_model() -> None:
    rows = registry(model("a/m", fallbacks=("b/x",)), model("b/x"), model("c/b/x"))
    config = RoutingConfig(named_fallback="listed")
    assert ranks(rows, "m", config=config) == [("a/m", 0), ("b/x", 1)]


def test_a_pinned_name_keeps_the_others_in_sight_to_be_left_out_by_name() -> None:
    rows = registry(model("work/m"), model("b/m"), work=provider("work", prefix="openai"))
    assert ranks(rows, "openai/m") == [("b/m", 0), ("work/m", 0)]
