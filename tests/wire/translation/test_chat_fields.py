from typing import Any, get_type_hints

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from tokenhub.types import Api
from tokenhub.wire.translation.chat_fields import FEATURES, FIELDS
from tokenhub.wire.translation.chat_request import read
from tokenhub.wire.translation.rules import Fate

ZIP = "data:application/zip;base64,AAAA"


def test_every_field_of_the_sdk_has_a_fate_in_each_other_protocol() -> None:
    assert FIELDS.keys() == get_type_hints(CompletionCreateParamsStreaming).keys()
    assert all(rule.keys() == {Api.RESPONSES, Api.MESSAGES} for rule in FIELDS.values())


@pytest.mark.parametrize(
    ("field", "responses", "messages"),
    [
        ("messages", Fate.KEPT, Fate.KEPT),
        ("stop", Fate.REFUSED, Fate.KEPT),
        ("seed", Fate.REFUSED, Fate.REFUSED),
        ("n", Fate.REFUSED, Fate.REFUSED),
        ("verbosity", Fate.KEPT, Fate.WARNED),
        ("metadata", Fate.KEPT, Fate.SILENT),
        ("store", Fate.SILENT, Fate.SILENT),
        ("service_tier", Fate.KEPT, Fate.WARNED),
    ],
)
def test_the_fate_of_a_field(field: str, responses: Fate, messages: Fate) -> None:
    fates = {api: rule.fate for api, rule in FIELDS[field].items()}
    assert fates == {Api.RESPONSES: responses, Api.MESSAGES: messages}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 1),
        ("logprobs", False),
        ("top_logprobs", 0),
        ("logit_bias", {}),
        ("frequency_penalty", 0),
        ("frequency_penalty", 0.0),
        ("presence_penalty", 0),
        ("modalities", ["text"]),
    ],
)
def test_a_value_that_asks_for_nothing_is_harmless(field: str, value: Any) -> None:
    assert all(value in rule.harmless for rule in FIELDS[field].values())


def test_the_features_that_a_request_uses_are_listed() -> None:
    parts: list[Any] = [{"type": kind} for kind in ("input_audio", "video_url")]
    parts += [{"type": "file", "file": file} for file in ({"file_id": "f"}, {"file_data": ZIP})]
    parts.append({"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}})
    body = {
        "messages": [{"role": "user", "content": parts, "mood": "good"}],
        "temperature": 2,
        "tools": [{"type": "custom"}, {"type": "web_search"}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        "response_format": {"type": "json_object"},
    }
    conversation = read(body)
    assert conversation.uses.keys() | conversation.hints.keys() == FEATURES.keys()
