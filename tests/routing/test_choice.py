import random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest, RequestError
from tokenhub.providers.registry import Registry
from tokenhub.routing.choice import Choice, Question, Reason, choose
from tokenhub.types import Api, Capability, Deployment, Prices, Provider, ProviderType, Rates

OPENAI = frozenset({Api.CHAT, Api.COMPLETIONS, Api.EMBEDDINGS})


def provider(id: str, **fields: object) -> Provider:
    base: dict[str, object] = {"apis": OPENAI, "prefix": id}
    return Provider(id, ProviderType.OPENAI, ("http://127.0.0.1:1/v1",), **{**base, **fields})  # type: ignore[arg-type]  # fields of the dataclass by name


def deployment(id: str, provider_id: str, **fields: object) -> Deployment:
    return Deployment(id, provider_id, id, **fields)  # type: ignore[arg-type]  # fields of the dataclass by name


def priced(nano_per_1k: int) -> Prices:
    return Prices(Rates(nano_per_1k, nano_per_1k))


def ask(model: str | None, **fields: object) -> Question:
    base: dict[str, object] = {
        "api": Api.CHAT,
        "capabilities": frozenset(),
        "needs_price": False,
        "input_tokens": lambda _: 10,
        "allowed": lambda _: True,
        "missing": lambda _: None,
        "priced": lambda *_: True,
    }
    return Question(model=model, **{**base, **fields})  # type: ignore[arg-type]  # fields of the dataclass by name


TWO = Registry(
    [provider("alpha"), provider("beta")],
    [deployment("gpt", "alpha"), deployment("gpt", "beta", weight=7)],
)


def test_the_highest_weight_comes_first() -> None:
    choice = choose(TWO, ask("gpt"))
    assert (choice.provider.id, choice.reason, choice.rejected) == ("beta", "named", ())


def test_equal_weights_are_decided_by_the_input_price() -> None:
    registry = Registry(
        [provider("alpha"), provider("beta")],
        [
            deployment("gpt", "alpha", prices=priced(2)),
            deployment("gpt", "beta", prices=priced(1)),
        ],
    )
    assert choose(registry, ask("gpt")).provider.id == "beta"


def test_equal_prices_are_decided_by_the_provider_id() -> None:
    registry = Registry(
        [provider("beta"), provider("alpha")], [deployment("m", "beta"), deployment("m", "alpha")]
    )
    assert choose(registry, ask("m")).provider.id == "alpha"


@pytest.mark.parametrize("model", [None, "auto", "auto:cheap", "*"])
def test_a_request_that_names_no_model_is_refused_naming_the_field(model: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        choose(TWO, ask(model))
    assert refused.value.param == "model"


def test_an_unknown_name_is_a_404_with_the_nearest_names() -> None:
    with pytest.raises(RequestError, match="'gpt'") as refused:
        choose(TWO, ask("gpt5"))
    assert (refused.value.status, refused.value.code) == (404, "model_not_found")


def test_a_name_like_no_other_is_sent_to_the_list() -> None:
    with pytest.raises(RequestError, match="GET /v1/models"):
        choose(TWO, ask("zzzzzzzz"))


def test_a_hub_without_models_says_so() -> None:
    with pytest.raises(RequestError, match="no model is registered"):
        choose(Registry([], []), ask("gpt"))


def test_a_prefix_pins_the_providers_that_have_it() -> None:
    registry = Registry(
        [provider("work", prefix="openai"), provider("other")],
        [deployment("gpt", "work"), deployment("gpt", "other", weight=10)],
    )
    choice = choose(registry, ask("openai/gpt"))
    assert (choice.provider.id, choice.reason) == ("work", "pinned")


def test_a_provider_id_pins_where_no_provider_has_it_as_a_prefix() -> None:
    registry = Registry([provider("work", prefix="openai")], [deployment("gpt", "work")])
    assert choose(registry, ask("work/gpt")).reason == "pinned"


def test_a_registered_id_with_a_slash_wins_over_the_prefix_reading() -> None:
    registry = Registry(
        [provider("openai"), provider("router")],
        [deployment("gpt", "openai"), deployment("openai/gpt", "router")],
    )
    choice = choose(registry, ask("openai/gpt"))
    assert (choice.provider.id, choice.reason) == ("router", "named")


def test_a_prefix_with_an_unknown_rest_is_a_404() -> None:
    with pytest.raises(RequestError) as refused:
        choose(TWO, ask("alpha/nothing"))
    assert refused.value.status == 404


NO = frozenset[Capability]()


@pytest.mark.parametrize(
    ("fields", "of_provider", "question", "reason"),
    [
        ({"enabled": False}, {}, {}, Reason.DISABLED),
        ({}, {"enabled": False}, {}, Reason.DISABLED),
        ({}, {"apis": frozenset({Api.MESSAGES})}, {}, Reason.PROTOCOL),
        (
            {"capabilities": NO},
            {},
            {"capabilities": frozenset({Capability.TOOLS})},
            Reason.CAPABILITY,
        ),
        ({"max_context_tokens": 100}, {}, {"input_tokens": lambda _: 87}, Reason.CONTEXT),
        ({}, {}, {"missing": lambda _: "credentials"}, Reason.CREDENTIALS),
        ({}, {}, {"needs_price": True, "priced": lambda *_: False}, Reason.NO_PRICE),
    ],
)
def test_what_is_left_out_is_left_out_for_a_named_reason(
    fields: dict[str, object],
    of_provider: dict[str, object],
    question: dict[str, object],
    reason: Reason,
) -> None:
    registry = Registry(
        [provider("alpha", **of_provider), provider("beta")],
        [deployment("gpt", "alpha", weight=9, **fields), deployment("gpt", "beta")],
    )
    ours = ask("gpt", **question)
    if {"missing", "needs_price"} & question.keys():
        with pytest.raises(RequestError, match=rf"alpha/gpt \({reason}\)") as refused:
            choose(registry, ours)
        assert (refused.value.status, refused.value.headers) == (503, {"x-should-retry": "false"})
        return
    choice = choose(registry, ours)
    assert [(one.deployment.key, one.reason) for one in choice.rejected] == [("alpha/gpt", reason)]


def test_a_context_that_holds_the_input_with_its_headroom_is_taken() -> None:
    registry = Registry([provider("a")], [deployment("m", "a", max_context_tokens=115)])
    assert choose(registry, ask("m", input_tokens=lambda _: 100)).deployment.id == "m"


def test_an_unknown_capability_list_takes_anything() -> None:
    registry = Registry([provider("a")], [deployment("m", "a")])
    assert choose(registry, ask("m", capabilities=frozenset(Capability))).deployment.id == "m"


def test_a_key_that_may_use_none_of_them_is_forbidden() -> None:
    with pytest.raises(RequestError) as refused:
        choose(TWO, ask("gpt", allowed=lambda _: False))
    assert (refused.value.status, refused.value.code) == (403, "model_not_allowed")


def test_a_locked_vault_is_named() -> None:
    def locked(_: Provider) -> Literal["vault_locked"]:
        return "vault_locked"

    with pytest.raises(RequestError, match="unlock") as refused:
        choose(TWO, ask("gpt", missing=locked))
    assert (refused.value.status, refused.value.code) == (503, "vault_locked")


def test_a_known_price_is_eligible_for_a_key_with_a_budget() -> None:
    assert choose(TWO, ask("gpt", needs_price=True)).provider.id == "beta"


@given(st.randoms(use_true_random=False))
def test_the_order_of_registration_does_not_matter(source: random.Random) -> None:
    rows = [
        deployment("gpt", name, weight=weight, prices=priced(price))
        for name, weight, price in [("a", 3, 5), ("b", 3, 5), ("c", 5, 9), ("d", 5, 2)]
    ]
    source.shuffle(rows)
    choice: Choice = choose(Registry([provider(p) for p in "abcd"], rows), ask("gpt"))
    assert choice.provider.id == "d"
