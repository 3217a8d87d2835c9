from typing import Any

import pytest

from tokenhub.types import Api
from tokenhub.wire.delicate import delicate, refused

ADAPTIVE = {"thinking": {"type": "adaptive"}}
USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello"}


@pytest.mark.parametrize(
    ("api", "body", "found"),
    [
        (Api.CHAT, {"model": "m", "messages": []}, ()),
        (Api.CHAT, {"max_tokens": 5, "max_completion_tokens": 5}, ("max_tokens",)),
        (Api.CHAT, {"temperature": 0, "top_p": 0.5}, ("temperature", "top_p")),
        (Api.CHAT, {"logprobs": True, "top_logprobs": 2}, ("logprobs", "top_logprobs")),
        (Api.CHAT, {"presence_penalty": 1, "logit_bias": {"1": 1}}, None),
        (Api.MESSAGES, {"max_tokens": 5}, ()),
        (Api.MESSAGES, {"top_k": 5, **ADAPTIVE}, ("thinking.type: adaptive", "top_k")),
        (Api.MESSAGES, {"thinking": {"type": "disabled"}}, ("thinking.type: disabled",)),
        (Api.MESSAGES, {"thinking": "adaptive"}, ()),
        (Api.MESSAGES, {"thinking": {"type": ["adaptive"]}}, ()),
        (Api.MESSAGES, {"temperature": 1, "top_p": 1}, ("top_p beside temperature",)),
        (Api.MESSAGES, {"messages": [USER, ASSISTANT]}, ("a last turn of the assistant",)),
        (Api.MESSAGES, {"messages": [USER, ASSISTANT, USER]}, ()),
        (Api.MESSAGES, {"messages": []}, ()),
        (Api.RESPONSES, {"temperature": 0.5, "max_tokens": 5}, ("temperature",)),
        (Api.EMBEDDINGS, {"temperature": 0.5}, ()),
        (Api.COMPLETIONS, {"max_tokens": 5}, ()),
    ],
)
def test_the_fields_are_found_that_some_models_refuse(
    api: Api, body: dict[str, Any], found: tuple[str, ...] | None
) -> None:
    assert delicate(api, body) == (("logit_bias", "presence_penalty") if found is None else found)


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": None, "temperature": None},
        {"temperature": 1, "top_p": 1.0},
        {"presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False},
    ],
)
def test_what_asks_for_nothing_is_not_delicate(body: dict[str, Any]) -> None:
    assert delicate(Api.CHAT, body) == ()


@pytest.mark.parametrize(
    ("api", "model", "fields", "field"),
    [
        (Api.CHAT, "gpt-4o", ("max_tokens", "temperature"), None),
        (Api.CHAT, "gpt-5", ("max_tokens",), "max_tokens"),
        (Api.CHAT, "gpt-5.2", ("max_tokens",), "max_tokens"),
        (Api.CHAT, "o4-mini", ("logit_bias", "max_tokens"), "max_tokens"),
        (Api.CHAT, "o3", ("temperature",), "temperature"),
        (Api.CHAT, "gpt-5-mini", ("temperature", "top_p"), "temperature"),
        (Api.CHAT, "gpt-5.2", ("temperature",), None),
        (Api.CHAT, "gpt-5-chat-latest", ("max_tokens", "temperature"), None),
        (Api.CHAT, "gpt-5", (), None),
        (Api.RESPONSES, "gpt-5", ("temperature",), "temperature"),
        (Api.RESPONSES, "gpt-4o", ("temperature",), None),
        (Api.MESSAGES, "claude-sonnet-4-5", ("temperature",), None),
        (Api.MESSAGES, "claude-opus-4-7", ("temperature",), "temperature"),
        (Api.MESSAGES, "claude-opus-4-7", ("thinking.type: adaptive",), None),
        (Api.MESSAGES, "claude-opus-4-7", ("thinking.type: adaptive", "top_k"), "top_k"),
        (
            Api.MESSAGES,
            "claude-haiku-4-5",
            ("temperature", "thinking.type: adaptive"),
            "thinking.type: adaptive",
        ),
        (Api.MESSAGES, "claude-opus-4-6", ("thinking.type: enabled",), None),
        (
            Api.MESSAGES,
            "claude-opus-4-7",
            ("thinking.type: enabled",),
            "thinking.type: enabled",
        ),
        (Api.MESSAGES, "claude-haiku-4-5", ("thinking.type: disabled",), None),
        (
            Api.MESSAGES,
            "claude-opus-5-5",
            ("thinking.type: disabled",),
            "thinking.type: disabled",
        ),
        (Api.MESSAGES, "claude-3-5-sonnet-latest", ("top_p beside temperature",), None),
        (
            Api.MESSAGES,
            "claude-haiku-4-5",
            ("top_p beside temperature",),
            "top_p beside temperature",
        ),
        (Api.MESSAGES, "claude-haiku-4-5", ("a last turn of the assistant",), None),
        (
            Api.MESSAGES,
            "claude-opus-4-6",
            ("a last turn of the assistant",),
            "a last turn of the assistant",
        ),
        (Api.MESSAGES, "somebody-elses", ("temperature", "thinking.type: adaptive"), None),
    ],
)
def test_a_model_refuses_what_its_name_tells(
    api: Api, model: str, fields: tuple[str, ...], field: str | None
) -> None:
    assert refused(api, model, fields) == field
