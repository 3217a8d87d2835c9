import pytest

from tests.routing.build import model, provider, registry
from tokenhub.errors import BadRequest, RequestError
from tokenhub.routing.asked import Asked, Kind, read
from tokenhub.routing.policy import Mode

TWO = registry(model("alpha/gpt"), model("beta/gpt"), model("beta/other"))


def keys(asked: Asked) -> list[str]:
    return [row.key for row in asked.deployments]


@pytest.mark.parametrize("name", [None, "", "auto", "*"])
def test_no_name_and_auto_leave_the_choice(name: str | None) -> None:
    assert read(TWO, name) == Asked(Kind.CHOICE, name or "auto")


def test_auto_may_carry_a_mode() -> None:
    assert read(TWO, "auto:minimize_cost").mode is Mode.CHEAP


def test_auto_with_what_is_no_mode_is_refused_naming_the_field() -> None:
    with pytest.raises(BadRequest, match="unknown mode 'cheep'") as refused:
        read(TWO, "auto:cheep")
    assert refused.value.param == "model"


def test_a_name_means_all_its_deployments() -> None:
    asked = read(TWO, "gpt")
    assert (asked.kind, keys(asked), asked.providers) == (
        Kind.NAMED,
        ["alpha/gpt", "beta/gpt"],
        None,
    )


def test_a_prefix_pins_the_providers_that_have_it() -> None:
    rows = [model("work/gpt"), model("home/gpt"), model("other/gpt")]
    of = {id: provider(id, prefix="openai") for id in ("work", "home")}
    asked = read(registry(*rows, **of), "openai/gpt")
    assert (asked.kind, keys(asked)) == (Kind.PINNED, ["home/gpt", "work/gpt"])
    assert asked.providers == frozenset({"home", "work"})


def test_a_provider_id_pins_where_no_provider_has_it_as_a_prefix() -> None:
    asked = read(registry(model("work/gpt"), work=provider("work", prefix="openai")), "work/gpt")
    assert (asked.kind, asked.providers) == (Kind.PINNED, frozenset({"work"}))


def test_a_registered_id_with_a_slash_wins_over_the_prefix_reading() -> None:
    rows = registry(model("openai/gpt"), model("router/openai/gpt"))
    asked = read(rows, "openai/gpt")
    assert (asked.kind, keys(asked)) == (Kind.NAMED, ["router/openai/gpt"])


def test_an_unknown_name_is_a_404_with_the_nearest_names() -> None:
    with pytest.raises(RequestError, match="'gpt'") as refused:
        read(TWO, "gpt5")
    error = refused.value
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")


def test_a_prefix_with_an_unknown_rest_is_a_404() -> None:
    with pytest.raises(RequestError, match="unknown model 'alpha/nothing'"):
        read(TWO, "alpha/nothing")


def test_a_name_like_no_other_is_sent_to_the_list() -> None:
    with pytest.raises(RequestError, match="GET /v1/models"):
        read(TWO, "zzzzzzzz")


def test_a_hub_without_models_says_so() -> None:
    with pytest.raises(RequestError, match="no model is registered"):
        read(registry(), "gpt")


def test_an_unknown_name_may_be_routed() -> None:
    assert read(TWO, "gpt5", "route") == Asked(Kind.CHOICE, "gpt5", unknown=True)


def test_an_unknown_name_at_a_known_provider_is_routed_there() -> None:
    assert read(TWO, "beta/gpt5", "route").providers == frozenset({"beta"})


def test_only_names_that_the_key_may_use_are_offered() -> None:
    rows = registry(model("a/gpt-4"), model("a/gpt-5"))
    with pytest.raises(RequestError, match=r"nearest names: 'gpt-5'$"):
        read(rows, "gpt-44", allowed=lambda row: row.id == "gpt-5")
