from typing import Any, get_type_hints

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from tokenhub.types import Api
from tokenhub.wire.translation import chat_fields, messages_fields
from tokenhub.wire.translation.responses_fields import FEATURES, FIELDS
from tokenhub.wire.translation.rules import Fate


def test_every_field_of_the_sdk_and_of_codex_has_a_fate_in_each_other_protocol() -> None:
    known = get_type_hints(ResponseCreateParamsStreaming).keys()
    assert FIELDS.keys() == known | {"client_metadata"}
    assert all(rule.keys() == {Api.CHAT, Api.MESSAGES} for rule in FIELDS.values())


@pytest.mark.parametrize(
    ("field", "chat", "messages"),
    [
        ("input", Fate.KEPT, Fate.KEPT),
        ("text", Fate.KEPT, Fate.KEPT),
        ("include", Fate.SILENT, Fate.SILENT),
        ("store", Fate.SILENT, Fate.SILENT),
        ("client_metadata", Fate.SILENT, Fate.SILENT),
        ("truncation", Fate.WARNED, Fate.WARNED),
        ("service_tier", Fate.KEPT, Fate.WARNED),
        ("previous_response_id", Fate.REFUSED, Fate.REFUSED),
        ("conversation", Fate.REFUSED, Fate.REFUSED),
        ("background", Fate.REFUSED, Fate.REFUSED),
        ("prompt", Fate.REFUSED, Fate.REFUSED),
    ],
)
def test_the_fate_of_a_field(field: str, chat: Fate, messages: Fate) -> None:
    fates = {api: rule.fate for api, rule in FIELDS[field].items()}
    assert fates == {Api.CHAT: chat, Api.MESSAGES: messages}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("background", False),
        ("top_logprobs", 0),
        ("truncation", "disabled"),
        ("image", {"context_compression": "auto"}),
        ("context_management", []),
    ],
)
def test_a_value_that_asks_for_nothing_is_harmless(field: str, value: Any) -> None:
    assert all(value in rule.harmless for rule in FIELDS[field].values())


def test_a_feature_means_the_same_in_each_protocol_that_names_it() -> None:
    for others in (chat_fields.FEATURES, messages_fields.FEATURES):
        shared = FEATURES.keys() & others.keys()
        assert {name: FEATURES[name] for name in shared} == {name: others[name] for name in shared}
