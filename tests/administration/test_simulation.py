from typing import Any

import pytest

from tests.administration.office import AUTHOR, OPENAI, Office
from tokenhub.administration.simulation import Simulation
from tokenhub.errors import BadRequest, RequestError
from tokenhub.routing.policy import Mode, Steering
from tokenhub.routing.question import Decision
from tokenhub.routing.router import Wish
from tokenhub.types import Api, Capability, Deployment

PRICE = {"input_per_1k": 0.001, "output_per_1k": 0.002}
LOCAL: dict[str, Any] = {"id": "local", "type": "openai", "base_url": "http://127.0.0.1:9"}


class Listener:
    """Remembers what it was asked."""

    def __init__(self, desk: Office) -> None:
        self._desk = desk
        self.wishes: list[Wish] = []

    def __call__(self, wish: Wish) -> Decision:
        self.wishes.append(wish)
        return self._desk.simulate(wish)


@pytest.fixture
async def two(desk: Office) -> Office:
    """A dear strong model and a free weak one."""
    await desk.providers.upsert(LOCAL, AUTHOR)
    for id, weight, price in (("strong", 9, PRICE), ("weak", 2, {})):
        row = {"id": id, "provider_id": "local", "weight": weight, **price}
        await desk.models.upsert(row, AUTHOR)
    return desk


def simulate(desk: Office, **payload: object) -> dict[str, Any]:
    return Simulation(desk.simulate).run(payload)


def test_the_router_gets_what_was_given(two: Office) -> None:
    listener = Listener(two)
    Simulation(listener).run(
        {
            "mode": "maximize_quality",
            "token_count": 1200,
            "max_budget_usd": 0.1,
            "max_latency_ms": 2000,
            "min_weight": 3,
            "model_hint": "strong",
            "capabilities": ["tools", "json"],
            "stream": True,
        }
    )
    (wish,) = listener.wishes
    facts = wish.facts
    assert wish.steering == Steering(Mode.HIGH_CONFIDENCE, 100_000_000, 2000, 3)
    assert (facts.model, facts.input_tokens, facts.stream) == ("strong", 1200, True)
    assert facts.capabilities == {Capability.TOOLS, Capability.JSON}
    assert (facts.api, wish.key) == (Api.CHAT, None)
    assert wish.allowed(Deployment("any", "any", "any"))


@pytest.mark.parametrize(
    ("payload", "api"),
    [
        ({}, Api.CHAT),
        ({"api": None}, Api.CHAT),
        ({"api": "messages"}, Api.MESSAGES),
        ({"capabilities": ["embeddings"]}, Api.EMBEDDINGS),
    ],
)
def test_it_is_a_chat_unless_it_says_otherwise(
    two: Office, payload: dict[str, object], api: Api
) -> None:
    listener = Listener(two)
    Simulation(listener).run(payload)
    assert listener.wishes[0].facts.api is api


def test_the_choice_comes_with_every_term_and_every_reason(two: Office) -> None:
    answer = simulate(two, mode="cheap", token_count=1000, min_weight=3)
    assert answer["decision"] == {
        "model_id": "strong",
        "provider_id": "local",
        "score": answer["eligible"][0]["score"],
        "reason": "auto:cheap: best score",
    }
    terms = [term["name"] for term in answer["eligible"][0]["terms"]]
    assert terms == ["cost", "latency", "failure", "weight"]
    assert [(one["model_id"], one["reason"]) for one in answer["rejected"]] == [
        ("weak", "min_weight")
    ]
    assert (answer["mode"], answer["refusal"]) == ("cheap", None)


def test_where_nothing_can_take_it_the_refusal_is_told_and_nothing_is_decided(
    two: Office,
) -> None:
    answer = simulate(two, min_weight=10)
    assert (answer["decision"], answer["eligible"]) == (None, [])
    assert (answer["refusal"]["status"], answer["refusal"]["code"]) == (503, "no_eligible_model")
    assert {one["reason"] for one in answer["rejected"]} == {"min_weight"}


def test_a_name_that_means_nothing_is_not_found(two: Office) -> None:
    with pytest.raises(RequestError, match="strong") as refused:
        simulate(two, model_hint="stong")
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "cheep"),
        ("token_count", -1),
        ("token_count", "1"),
        ("max_budget_usd", 101),
        ("max_latency_ms", -1),
        ("min_weight", 11),
        ("capabilities", "tools"),
        ("capabilities", ["fly"]),
        ("api", "count_tokens"),
        ("tokens", 1),
    ],
)
def test_a_wrong_field_is_refused_by_name(two: Office, field: str, value: object) -> None:
    with pytest.raises(BadRequest, match=field):
        simulate(two, **{field: value})


async def test_a_choice_needs_somebody_to_choose(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    assert simulate(desk)["decision"] is None
