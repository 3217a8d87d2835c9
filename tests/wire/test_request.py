import json
from typing import Any

import pytest

from tokenhub.errors import BadRequest
from tokenhub.types import Api, Capability
from tokenhub.wire.body import parse
from tokenhub.wire.request import RequestFacts, read_request

HI = [{"role": "user", "content": "hi"}]
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]


def read(api: Api, **body: Any) -> RequestFacts:
    return read_request(api, parse(json.dumps(body).encode()))


def test_a_plain_chat_has_plain_facts() -> None:
    facts = read(Api.CHAT, model="m", messages=HI)
    assert facts == RequestFacts(Api.CHAT, "m", False, None, False, frozenset(), facts.input_tokens)
    assert facts.input_tokens > 0


@pytest.mark.parametrize("model", [None, ""])
def test_no_model_is_none(model: str | None) -> None:
    assert read(Api.CHAT, messages=HI, model=model).model is None


@pytest.mark.parametrize(("api", "stream"), [(Api.COMPLETIONS, True), (Api.EMBEDDINGS, False)])
def test_embeddings_are_never_a_stream(api: Api, stream: bool) -> None:
    assert read(api, model="m", prompt="p", input="i", stream=True).stream is stream


def test_unknown_fields_are_not_looked_at() -> None:
    assert read(Api.CHAT, messages=HI, seed="x", temperature=[], top_p={}).model is None


@pytest.mark.parametrize(
    ("api", "fields", "limit"),
    [
        (Api.CHAT, {"max_tokens": 10}, 10),
        (Api.CHAT, {"max_tokens": 10, "max_completion_tokens": 20}, 20),
        (Api.CHAT, {"max_tokens": 20, "max_completion_tokens": 10}, 20),
        (Api.CHAT, {"max_tokens": 10, "max_completion_tokens": None}, 10),
        (Api.CHAT, {"max_tokens": 10, "n": 3}, 30),
        (Api.CHAT, {"n": 3}, None),
        (Api.MESSAGES, {"max_tokens": 10, "n": 3}, 10),
        (Api.MESSAGES, {"max_tokens": 0}, 0),
        (Api.COMPLETIONS, {"max_tokens": 10, "n": 2, "best_of": 5}, 50),
        (Api.COMPLETIONS, {"max_tokens": 10, "prompt": ["a", "b"]}, 20),
        (Api.COMPLETIONS, {"max_tokens": 10, "prompt": [1, 2, 3]}, 10),
        (Api.COMPLETIONS, {"max_tokens": 10, "prompt": []}, 10),
        (Api.EMBEDDINGS, {"max_tokens": 10}, None),
    ],
)
def test_the_output_limit_is_over_all_choices(
    api: Api, fields: dict[str, Any], limit: int | None
) -> None:
    body = {"messages": HI, "input": "x", "prompt": "x", **fields}
    assert read(api, **body).max_output_tokens == limit


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (None, False),
        ({}, False),
        ({"include_usage": False}, False),
        ({"include_usage": True}, True),
    ],
)
def test_usage_is_asked_for_by_the_option_alone(options: Any, asked: bool) -> None:
    facts = read(Api.CHAT, messages=HI, stream=True, stream_options=options)
    assert facts.stream is True
    assert facts.usage_asked is asked


@pytest.mark.parametrize(
    ("api", "fields", "used"),
    [
        (Api.CHAT, {"tools": [{"type": "function"}]}, {Capability.TOOLS}),
        (Api.CHAT, {"functions": [{"name": "f"}]}, {Capability.TOOLS}),
        (Api.CHAT, {"tools": []}, set()),
        (Api.CHAT, {"messages": IMAGE}, {Capability.VISION}),
        (Api.CHAT, {"response_format": {"type": "json_object"}}, {Capability.JSON}),
        (Api.CHAT, {"response_format": {"type": "json_schema"}}, {Capability.JSON}),
        (Api.CHAT, {"response_format": {"type": "text"}}, set()),
        (Api.CHAT, {"response_format": {"type": ["json_object"]}}, set()),
        (Api.CHAT, {"reasoning_effort": "low"}, {Capability.REASONING}),
        (Api.CHAT, {"reasoning_effort": "none"}, set()),
        (Api.MESSAGES, {"tools": [{"name": "f"}]}, {Capability.TOOLS}),
        (Api.MESSAGES, {"thinking": {"type": "enabled"}}, {Capability.REASONING}),
        (Api.MESSAGES, {"thinking": {"type": "adaptive"}}, {Capability.REASONING}),
        (Api.MESSAGES, {"thinking": {"type": "disabled"}}, set()),
        (Api.MESSAGES, {"output_config": {"format": {"type": "json_schema"}}}, {Capability.JSON}),
        (Api.MESSAGES, {"output_config": {"effort": "low"}}, set()),
        (Api.COMPLETIONS, {"tools": [1]}, set()),
        (Api.EMBEDDINGS, {}, {Capability.EMBEDDINGS}),
    ],
)
def test_the_capabilities_a_request_uses_are_found(
    api: Api, fields: dict[str, Any], used: set[Capability]
) -> None:
    body = {"messages": HI, "input": "x", "prompt": "x", **fields}
    assert read(api, **body).capabilities == used


@pytest.mark.parametrize(
    ("api", "fields", "param"),
    [
        (Api.CHAT, {"messages": None}, "messages"),
        (Api.CHAT, {"messages": []}, "messages"),
        (Api.CHAT, {"messages": "hi"}, "messages"),
        (Api.CHAT, {"messages": [{}, "hi"]}, "messages.1"),
        (Api.MESSAGES, {"messages": {}}, "messages"),
        (Api.CHAT, {"model": 7}, "model"),
        (Api.CHAT, {"stream": "yes"}, "stream"),
        (Api.CHAT, {"stream": 1}, "stream"),
        (Api.CHAT, {"stream_options": []}, "stream_options"),
        (Api.CHAT, {"max_tokens": 0}, "max_tokens"),
        (Api.CHAT, {"max_tokens": True}, "max_tokens"),
        (Api.CHAT, {"max_tokens": 1.5}, "max_tokens"),
        (Api.CHAT, {"max_tokens": 10**15}, "max_tokens"),
        (Api.CHAT, {"max_completion_tokens": "9"}, "max_completion_tokens"),
        (Api.CHAT, {"max_tokens": 9, "n": 0}, "n"),
        (Api.MESSAGES, {"max_tokens": -1}, "max_tokens"),
        (Api.EMBEDDINGS, {"input": ""}, "input"),
        (Api.EMBEDDINGS, {"input": []}, "input"),
        (Api.EMBEDDINGS, {"input": 5}, "input"),
        (Api.EMBEDDINGS, {"input": None}, "input"),
    ],
)
def test_a_wrong_type_is_refused_by_name(api: Api, fields: dict[str, Any], param: str) -> None:
    body = {"messages": HI, "input": "x", "prompt": "x", **fields}
    with pytest.raises(BadRequest, match=f"^{param}: expected ") as caught:
        read(api, **body)
    assert caught.value.param == param
