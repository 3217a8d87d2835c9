import pytest

from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.keys import Keys, check, keys
from tokenhub.wire.translation.rules import refused, warned

RULED = {"mode": warned("usual"), "async": refused(False)}
BLOCK = keys("type text", "id", RULED)
ANSWER = keys("type text", "id", RULED, answered=True)


def noted(known: Keys = BLOCK, /, **holder: object) -> Conversation:
    conversation = Conversation()
    check(holder, known, "messages.0", conversation)
    return conversation


def test_names_are_given_with_spaces_between_them() -> None:
    assert keys("a b", "c") == Keys(frozenset({"a", "b", "c"}), frozenset({"c"}), {})
    assert keys("", "c").known == {"c"}
    assert keys("a", answered=True) == Keys(frozenset({"a"}), frozenset(), {}, answered=True)


def test_what_is_known_is_not_noted() -> None:
    assert noted(type="text", text="hi", id="x") == Conversation()


def test_none_is_nothing() -> None:
    assert noted(type="text", mode=None, other=None, **{"async": None}) == Conversation()


def test_what_is_left_out_and_missed_is_told_by_its_place() -> None:
    assert noted(mode="other").missed == ["messages.0.mode"]
    assert noted(mode="usual").missed == []


def test_what_cannot_be_said_is_refused_by_its_place() -> None:
    assert noted(**{"async": True}).uses == {"unknown_field": "messages.0.async"}
    assert noted(**{"async": False}).uses == {}


@pytest.mark.parametrize("value", [False, 0, "", [], {}, "x"])
def test_what_is_not_known_is_refused_whatever_its_value(value: object) -> None:
    assert noted(other=value).uses == {"unknown_field": "messages.0.other"}


@pytest.mark.parametrize("value", [False, "", [], {}, None])
def test_what_is_empty_in_an_answer_says_nothing(value: object) -> None:
    assert noted(ANSWER, other=value) == Conversation()


@pytest.mark.parametrize("value", [True, 0, 0.0, "x", [0], {"a": None}])
def test_what_an_answer_says_under_a_key_that_is_not_known_is_refused(value: object) -> None:
    assert noted(ANSWER, other=value).uses == {"unknown_field": "messages.0.other"}


def test_what_is_ruled_in_an_answer_goes_by_its_rule() -> None:
    assert noted(ANSWER, mode="").missed == ["messages.0.mode"]
    assert noted(ANSWER, **{"async": []}).uses == {"unknown_field": "messages.0.async"}
    assert noted(ANSWER, **{"async": False}, mode="usual") == Conversation()


def test_the_first_that_cannot_be_said_is_kept() -> None:
    conversation = noted(first=1, second=2)
    check({"third": 3}, BLOCK, "messages.1", conversation)
    assert conversation.uses == {"unknown_field": "messages.0.first"}
