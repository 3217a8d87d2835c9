from itertools import combinations
from typing import Any

import pytest

from tokenhub.types import Api
from tokenhub.wire.translation import (
    chat_fields,
    messages_fields,
    responses_fields,
    translator,
)
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.fields import (
    ADVICE,
    FEATURES,
    FIELDS,
    TRANSLATED,
    WORDS,
    obstacle,
)

AIM = Aim("m", None, lambda seal: Origin.UNKNOWN)
FEATURE_TABLES = (chat_fields.FEATURES, messages_fields.FEATURES, responses_fields.FEATURES)


@pytest.mark.parametrize(("one", "other"), list(combinations(FEATURE_TABLES, 2)))
def test_a_feature_means_the_same_wherever_it_is_listed(one: Any, other: Any) -> None:
    assert {name: one[name] for name in one.keys() & other.keys()} == {
        name: other[name] for name in one.keys() & other.keys()
    }


def test_every_field_has_a_fate_in_each_other_protocol() -> None:
    for api, rules in FIELDS.items():
        others = set(TRANSLATED) - {api}
        assert {name for name, rule in rules.items() if rule.keys() != others} == set()


def test_a_field_that_is_not_listed_is_refused_by_name() -> None:
    body = {"user": None, "messages": [{"role": "user", "content": "hi"}], "top_k": 3}
    refusal = obstacle(Api.CHAT, Api.MESSAGES, body, translator.read(Api.CHAT, body))
    assert refusal is not None
    assert (refusal.param, refusal.target) == ("top_k", Api.MESSAGES)


def test_what_the_other_protocol_has_is_no_obstacle() -> None:
    said = [{"role": "user", "content": "hi"}]
    body = {"messages": said, "response_format": {"type": "json_object"}, "n": 1, "seed": None}
    conversation = translator.read(Api.CHAT, body)
    assert obstacle(Api.CHAT, Api.RESPONSES, body, conversation) is None
    refusal = obstacle(Api.CHAT, Api.MESSAGES, body, conversation)
    assert refusal is not None
    assert refusal.param == "response_format"


def test_every_feature_has_words_and_only_features_have_advice() -> None:
    assert FEATURES.keys() == WORDS.keys()
    assert ADVICE.keys() - FEATURES.keys() == set()


def told(source: Api, target: Api, **body: Any) -> str:
    refusal = obstacle(source, target, body, translator.read(source, body))
    assert refusal is not None
    assert refusal.message.startswith(f"{refusal.param}: ")
    return refusal.message


def test_a_refusal_names_the_thing_and_the_way_out() -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "My"}]
    assert told(Api.MESSAGES, Api.CHAT, max_tokens=9, messages=said) == (
        "messages.1: a last turn of the assistant that the answer goes on from (prefill) has no"
        " equivalent in OpenAI's chat completions; end with a turn of the user, or ask a model that"
        " speaks the messages API"
    )
    part = {"type": "file", "file": {"file_id": "file-1"}}
    assert told(Api.CHAT, Api.MESSAGES, messages=[{"role": "user", "content": [part]}]) == (
        "messages.0.content.0.file.file_id: a file by the id of its upload has no equivalent in"
        " Anthropic's messages; send the file itself, or ask a model that speaks the chat API"
    )
    assert told(Api.MESSAGES, Api.RESPONSES, max_tokens=9, messages=said[:1], top_k=3) == (
        "top_k: has no equivalent in OpenAI's responses; ask a model that speaks the messages API"
    )
    assert told(Api.MESSAGES, Api.CHAT, max_tokens=9, messages=said[:1], frob=3) == (
        "frob: a field that is not known or not translated here has no equivalent in OpenAI's chat"
        " completions; leave it out, or ask a model that speaks the messages API"
    )


@pytest.mark.parametrize(
    ("kind", "named"),
    [("web_search_20250305", "own (web_search) has"), ("my words", "own has")],
)
def test_a_tool_is_named_by_its_type_where_that_is_known(kind: str, named: str) -> None:
    said = [{"role": "user", "content": "hi"}]
    message = told(
        Api.MESSAGES, Api.CHAT, max_tokens=9, messages=said, tools=[{"type": kind, "name": "x"}]
    )
    assert f"tools.0: a tool of the provider's {named} no equivalent" in message
    assert "my words" not in message


def test_what_a_field_uses_is_refused_by_its_place() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}
    refusal = obstacle(Api.CHAT, Api.MESSAGES, body, translator.read(Api.CHAT, body))
    assert refusal is not None
    assert refusal.param == "messages.0.content.0"


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"input": [{"type": "item_reference", "id": "i"}]}, "send the item itself"),
        ({"previous_response_id": "resp_1"}, "send the earlier items themselves"),
        ({"conversation": "conv_1"}, "send the earlier items themselves"),
    ],
)
@pytest.mark.parametrize("target", [Api.CHAT, Api.MESSAGES])
def test_who_relies_on_what_is_stored_is_told_what_to_do(
    fields: Any, advice: str, target: Api
) -> None:
    body = {"input": "hi", **fields}
    refusal = obstacle(Api.RESPONSES, target, body, translator.read(Api.RESPONSES, body))
    assert refusal is not None
    assert refusal.message.endswith(f"; {advice}, with store: false")


@pytest.mark.parametrize(
    "thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}]
)
@pytest.mark.parametrize("target", [Api.CHAT, Api.RESPONSES])
def test_a_thread_is_refused_so_that_the_client_goes_on_without(
    thread: dict[str, str], target: Api
) -> None:
    said = [{"role": "user", "content": "hi"}]
    body = {"max_tokens": 9, "messages": said, "thread": thread}
    refusal = obstacle(Api.MESSAGES, target, body, translator.read(Api.MESSAGES, body))
    assert refusal is not None
    assert refusal.details == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }


def test_what_is_left_out_is_told() -> None:
    said = [{"role": "user", "content": "hi", "name": "Ann"}]
    body = {"messages": said, "verbosity": "low", "service_tier": "auto"}
    conversation = translator.read(Api.CHAT, body)
    written = translator.write(Api.CHAT, Api.MESSAGES, conversation, body, AIM)
    assert written.warnings == ["verbosity", "messages.0.name"]
    assert written.kept == written.warnings
