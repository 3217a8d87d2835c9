import pytest

from tests.routing.build import ask, left_out, model, plan, provider, registry
from tokenhub.errors import BadRequest, Untranslatable
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import shown, to_columns
from tokenhub.routing.policy import Steering
from tokenhub.routing.speech import Thinks, no_obstacle, nothing_sealed, spoken, spoken_by, told
from tokenhub.types import Api, Capability, Provider

CHAT, RESPONSES, MESSAGES = Api.CHAT, Api.RESPONSES, Api.MESSAGES


def nothing_lacks(_: Provider, __: Api) -> bool:
    return False


def yes() -> bool:
    return True


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
    assert spoken(asked, at, nothing_lacks, no_obstacle, nothing_sealed) is by


@pytest.mark.parametrize(
    ("asked", "prefix", "apis", "by"),
    [
        (MESSAGES, "openai", {CHAT, RESPONSES}, RESPONSES),
        (MESSAGES, "azure", {CHAT, RESPONSES}, RESPONSES),
        (MESSAGES, "openrouter", {CHAT, RESPONSES}, CHAT),
        (MESSAGES, "openai", {CHAT}, CHAT),
        (MESSAGES, "openai", {RESPONSES}, RESPONSES),
        (MESSAGES, "openai", {CHAT, RESPONSES, MESSAGES}, MESSAGES),
        (MESSAGES, "vllm", {CHAT, RESPONSES}, CHAT),
        (CHAT, "openai", {MESSAGES, RESPONSES}, MESSAGES),
        (RESPONSES, "openai", {CHAT, MESSAGES}, CHAT),
        (Api.COUNT_TOKENS, "openai", {CHAT, RESPONSES}, None),
    ],
)
def test_a_request_of_messages_that_thinks_is_asked_by_what_shows_an_openais_thinking(
    asked: Api, prefix: str, apis: set[Api], by: Api | None
) -> None:
    at = provider("p", apis=frozenset(apis), prefix=prefix)
    assert spoken(asked, at, nothing_lacks, no_obstacle, yes) is by


def test_where_responses_are_missing_or_cannot_say_it_chat_is_asked_to_think() -> None:
    at = provider("openai", apis=frozenset({CHAT, RESPONSES}))
    assert spoken(MESSAGES, at, lambda _, api: api is RESPONSES, no_obstacle, yes) is CHAT
    assert spoken(MESSAGES, at, nothing_lacks, too_much, yes) is CHAT


def test_whether_it_thinks_is_asked_only_where_that_matters() -> None:
    def asked_in_vain() -> bool:
        raise AssertionError

    for asked, apis in [
        (MESSAGES, {MESSAGES, CHAT, RESPONSES}),
        (MESSAGES, {CHAT}),
        (CHAT, {MESSAGES, RESPONSES}),
    ]:
        at = provider("p", apis=frozenset(apis))
        assert spoken(asked, at, nothing_lacks, no_obstacle, asked_in_vain)


@pytest.mark.parametrize("thinks", [yes, nothing_sealed])
def test_the_obstacle_is_that_of_the_usual_api_whether_it_thinks_or_not(thinks: Thinks) -> None:
    at = provider("p", apis=frozenset({CHAT, RESPONSES}))
    found = spoken(MESSAGES, at, nothing_lacks, lambda to: Untranslatable(f"in {to}", to), thinks)
    assert isinstance(found, Untranslatable)
    assert found.target is CHAT


def test_an_api_that_turned_out_to_be_missing_is_passed_over() -> None:
    at = provider("p", apis=frozenset({CHAT, MESSAGES}))
    found = spoken(CHAT, at, lambda _, api: api is CHAT, no_obstacle, nothing_sealed)
    assert found is MESSAGES


def test_what_one_api_cannot_say_another_may() -> None:
    at = provider("p", apis=frozenset({CHAT, MESSAGES}))
    assert spoken(RESPONSES, at, nothing_lacks, too_much, nothing_sealed) is CHAT


def test_the_first_obstacle_is_told_where_there_is_no_way() -> None:
    at = provider("p", apis=frozenset({MESSAGES, RESPONSES}))
    found = spoken(CHAT, at, nothing_lacks, too_much, nothing_sealed)
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


OPENAI = provider("openai", apis=frozenset({CHAT, RESPONSES}))
GPT = registry(model("openai/gpt"), openai=OPENAI)


@pytest.mark.parametrize(
    ("capabilities", "sealed", "by"),
    [
        (set(), False, CHAT),
        ({Capability.TOOLS}, False, CHAT),
        ({Capability.REASONING}, False, RESPONSES),
        (set(), True, RESPONSES),
    ],
)
def test_who_asks_to_think_or_goes_on_from_sealed_thinking_is_translated_to_responses(
    capabilities: set[Capability], sealed: bool, by: Api
) -> None:
    decision = decide(
        ask(
            GPT,
            "gpt",
            api=MESSAGES,
            capabilities=frozenset(capabilities),
            sealed=lambda: sealed,
        )
    )
    (only,) = decision.plan
    assert (only.api, only.reason) == (by, f"named, translated to the {by} API")
    assert decision.reason == only.reason


def test_a_choice_says_so_too() -> None:
    only = registry(model("abroad/claude"), abroad=ABROAD)
    assert decide(ask(only, "auto")).reason.endswith("best score, translated to the messages API")


def test_who_cannot_be_told_all_of_it_is_left_out_and_others_are_taken() -> None:
    decision = decide(ask(BOTH, "claude", obstacle=too_much))
    assert plan(decision) == ["home/gpt"]
    (rejected,) = decision.rejected
    assert (rejected.reason, rejected.detail) == (
        "protocol",
        "n: has no equivalent in Anthropic's messages",
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
        "a field that is not known: has no equivalent in Anthropic's messages"
    )
    inner = Untranslatable("tools.0 (my own words)", MESSAGES)
    assert told(inner, CHAT) == "tools.0: has no equivalent in Anthropic's messages"
    number = Untranslatable("metadata.4915112345678.9", MESSAGES)
    assert told(number, CHAT) == "metadata: has no equivalent in Anthropic's messages"
    wrong = BadRequest("messages.0.content: expected 'my own words'", param="messages.0.content")
    assert told(wrong, CHAT) == "messages.0.content: cannot be read, as a translation needs"
    mine = BadRequest("messages.0.mine: expected text", param="messages.0.mine")
    assert told(mine, CHAT) == "messages.0: cannot be read, as a translation needs"
    assert told(BadRequest("no"), CHAT) == (
        "a field that is not known: cannot be read, as a translation needs"
    )


@pytest.mark.parametrize(
    ("param", "kept"),
    [
        ("mine", ""),
        ("4111.1111", ""),
        ("messages.0.mine", "messages: "),
        ("messages.0.4111.1111", "messages: "),
        ("messages.192.168.17.44", "messages: "),
        ("tool_choice.90224", "tool_choice: "),
        ("n.mine", "n: "),
    ],
)
def test_that_a_field_is_not_known_is_said_once(param: str, kept: str) -> None:
    unknown = "a field that is not known or not translated here"
    assert told(Untranslatable(param, MESSAGES, what=unknown), CHAT) == (
        f"{kept}{unknown} has no equivalent in Anthropic's messages"
    )


def test_what_is_kept_says_what_stands_there_and_no_advice() -> None:
    prefill = Untranslatable("messages.1", CHAT, what="a last turn", advice="say more")
    assert told(prefill, MESSAGES) == (
        "messages.1: a last turn has no equivalent in OpenAI's chat completions"
    )


def test_the_client_is_told_in_words_what_several_models_cannot_be_told() -> None:
    def prefilled(target: Api) -> BadRequest:
        return Untranslatable("messages.1", target, what="a last turn", advice="say more")

    mute = provider("mute", apis=frozenset({Api.EMBEDDINGS}))
    rows = registry(model("mute/m"), model("abroad/m"), mute=mute, abroad=ABROAD)
    refusal = decide(ask(rows, "m", obstacle=prefilled)).refusal
    assert isinstance(refusal, Untranslatable)
    assert refusal.message == (
        "messages.1: a last turn has no equivalent in Anthropic's messages; say more"
    )
    rows = registry(model("abroad/m"), model("home/n", weight=1), abroad=ABROAD)
    heavy = Steering(min_weight=5)
    refusal = decide(ask(rows, obstacle=prefilled, steering=heavy)).refusal
    assert refusal is not None
    assert refusal.status == 503
    assert refusal.message.endswith(
        "abroad/m (protocol: messages.1: a last turn has no equivalent in Anthropic's messages),"
        " home/n (min_weight)"
    )
