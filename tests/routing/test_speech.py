import pytest

from tests.routing.build import ask, left_out, model, plan, provider, registry
from tokenhub.errors import BadRequest, Untranslatable
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import shown, to_columns
from tokenhub.routing.policy import Steering
from tokenhub.routing.speech import no_obstacle, spoken, spoken_by, told
from tokenhub.types import Api, Provider

CHAT, RESPONSES, MESSAGES = Api.CHAT, Api.RESPONSES, Api.MESSAGES


def nothing_lacks(_: Provider, __: Api) -> bool:
    return False


def too_much(target: Api) -> BadRequest | None:
    """A request that says something for which only chat has words."""
    return None if target is CHAT else Untranslatable("n", target)


@pytest.mark.parametrize(
    ("asked", "apis", "by"),
    [
        (CHAT, {CHAT, MESSAGES, RESPONSES}, CHAT),
        (CHAT, {RESPONSES, MESSAGES}, MESSAGES),
        (CHAT, {RESPONSES}, RESPONSES),
        (MESSAGES, {CHAT, RESPONSES}, CHAT),
        (RESPONSES, {CHAT, MESSAGES}, CHAT),
        (RESPONSES, {MESSAGES}, MESSAGES),
        (CHAT, {Api.EMBEDDINGS}, None),
        (Api.COMPLETIONS, {CHAT}, None),
        (Api.EMBEDDINGS, {CHAT}, None),
        (Api.COUNT_TOKENS, {MESSAGES, CHAT}, None),
    ],
)
def test_a_provider_is_asked_by_the_clients_api_or_by_the_nearest(
    asked: Api, apis: set[Api], by: Api | None
) -> None:
    at = provider("p", apis=frozenset(apis))
    assert spoken(asked, at, nothing_lacks, no_obstacle) is by


def test_an_api_that_turned_out_to_be_missing_is_passed_over() -> None:
    at = provider("p", apis=frozenset({CHAT, MESSAGES}))
    assert spoken(CHAT, at, lambda _, api: api is CHAT, no_obstacle) is MESSAGES


def test_what_one_api_cannot_say_another_may() -> None:
    at = provider("p", apis=frozenset({CHAT, MESSAGES}))
    assert spoken(RESPONSES, at, nothing_lacks, too_much) is CHAT


def test_the_first_obstacle_is_told_where_there_is_no_way() -> None:
    at = provider("p", apis=frozenset({MESSAGES, RESPONSES}))
    found = spoken(CHAT, at, nothing_lacks, too_much)
    assert isinstance(found, Untranslatable)
    assert (found.param, found.target) == ("n", MESSAGES)


@pytest.mark.parametrize("reason", ["named", "named, translated to the messages API"])
def test_a_reason_tells_by_which_api_it_was_in_the_end(reason: str) -> None:
    assert spoken_by(reason, CHAT) == "named, translated to the chat API"


ABROAD = provider("abroad", apis=frozenset({MESSAGES}))
BOTH = registry(model("abroad/claude"), model("home/gpt"), abroad=ABROAD)


def test_a_translated_candidate_says_so_and_keeps_its_place() -> None:
    decision = decide(ask(BOTH, "claude"))
    assert [(one.reason, one.api) for one in decision.plan] == [
        ("named, translated to the messages API", MESSAGES),
        ("substitute for 'claude' (equivalent)", CHAT),
    ]
    assert decision.reason == "named, translated to the messages API"
    assert [row["api"] for row in shown(to_columns(decision))["eligible"]] == [MESSAGES, CHAT]


def test_a_choice_says_so_too() -> None:
    only = registry(model("abroad/claude"), abroad=ABROAD)
    assert decide(ask(only, "auto")).reason.endswith("best score, translated to the messages API")


def test_who_cannot_be_told_all_of_it_is_left_out_and_others_are_taken() -> None:
    decision = decide(ask(BOTH, "claude", obstacle=too_much))
    assert plan(decision) == ["home/gpt"]
    (rejected,) = decision.rejected
    assert (rejected.reason, rejected.detail) == (
        "protocol",
        "n: has no equivalent in the messages API",
    )


def test_where_nobody_else_can_the_client_is_told_what_has_no_equivalent() -> None:
    only = registry(model("abroad/claude"), abroad=ABROAD)
    decision = decide(ask(only, "claude", obstacle=too_much))
    assert left_out(decision) == {"abroad/claude": "protocol"}
    assert isinstance(decision.refusal, Untranslatable)
    assert (decision.refusal.status, decision.refusal.param) == (400, "n")


def test_a_provider_without_any_such_api_is_no_fault_of_the_request() -> None:
    only = registry(model("e/m"), e=provider("e", apis=frozenset({Api.EMBEDDINGS})))
    decision = decide(ask(only, "m", obstacle=too_much))
    assert decision.refusal is not None
    assert decision.refusal.status == 503


def test_where_another_might_take_it_later_nobody_is_blamed() -> None:
    rows = registry(model("abroad/claude"), model("home/claude", enabled=False), abroad=ABROAD)
    assert isinstance(decide(ask(rows, "claude", obstacle=too_much)).refusal, Untranslatable)
    rows = registry(model("abroad/claude"), model("home/claude", weight=1), abroad=ABROAD)
    heavy = Steering(min_weight=5)
    refusal = decide(ask(rows, "claude", obstacle=too_much, steering=heavy)).refusal
    assert refusal is not None
    assert refusal.status == 503


def test_what_is_kept_names_no_field_of_the_clients_own() -> None:
    unknown = Untranslatable("my own words", MESSAGES)
    assert told(unknown, CHAT) == (
        "a field that is not known: has no equivalent in the messages API"
    )
    inner = Untranslatable("tools.0 (my own words)", MESSAGES)
    assert told(inner, CHAT) == "tools.0: has no equivalent in the messages API"
    wrong = BadRequest("messages.0.content: expected 'my own words'", param="messages.0.content")
    assert told(wrong, CHAT) == "messages.0: cannot be read, as a translation needs"
