import json
from typing import Any

import pytest

from tokenhub.errors import BadRequest
from tokenhub.types import Api, Capability
from tokenhub.wire.body import parse
from tokenhub.wire.request import RequestFacts, read_request

HI = [{"role": "user", "content": "hi"}]
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]

ITEMS = [
    {"role": "user", "content": "look"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image"}]},
]


def least(api: Api) -> dict[str, Any]:
    """What a request of `api` cannot be without."""
    texts = {Api.RESPONSES: ["input"], Api.EMBEDDINGS: ["input"], Api.COMPLETIONS: ["prompt"]}
    names = texts.get(api)
    return {"messages": HI} if names is None else dict.fromkeys(names, "x")


def read(api: Api, **body: Any) -> RequestFacts:
    return read_request(api, parse(json.dumps(body).encode()))


def test_a_plain_chat_has_plain_facts() -> None:
    facts = read(Api.CHAT, model="m", messages=HI)
    assert facts == RequestFacts(Api.CHAT, "m", False, None, False, frozenset(), facts.input_tokens)
    assert facts.input_tokens > 0


@pytest.mark.parametrize("model", [None, ""])
def test_no_model_is_none(model: str | None) -> None:
    assert read(Api.CHAT, messages=HI, model=model).model is None


@pytest.mark.parametrize(
    ("api", "stream"),
    [
        (Api.COMPLETIONS, True),
        (Api.RESPONSES, True),
        (Api.EMBEDDINGS, False),
        (Api.COUNT_TOKENS, False),
    ],
)
def test_embeddings_and_counts_are_never_a_stream(api: Api, stream: bool) -> None:
    assert read(api, model="m", stream=True, **least(api)).stream is stream


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
        (Api.RESPONSES, {"max_output_tokens": 10, "n": 3}, 10),
        (Api.RESPONSES, {"max_tokens": 10}, None),
        (Api.COUNT_TOKENS, {"max_tokens": 10}, None),
        (Api.EMBEDDINGS, {"max_tokens": 10}, None),
    ],
)
def test_the_output_limit_is_over_all_choices(
    api: Api, fields: dict[str, Any], limit: int | None
) -> None:
    body = {**least(api), **fields}
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
        (Api.COUNT_TOKENS, {"tools": [{"name": "f"}]}, {Capability.TOOLS}),
        (Api.RESPONSES, {"tools": [{"type": "web_search"}]}, {Capability.TOOLS}),
        (Api.RESPONSES, {"input": ITEMS}, {Capability.VISION}),
        (Api.RESPONSES, {"text": {"format": {"type": "json_schema"}}}, {Capability.JSON}),
        (Api.RESPONSES, {"text": {"format": {"type": "text"}, "verbosity": "low"}}, set()),
        (Api.RESPONSES, {"reasoning": {"effort": "low"}}, {Capability.REASONING}),
        (Api.RESPONSES, {"reasoning": {"effort": "none"}}, set()),
        (Api.RESPONSES, {"reasoning": {"summary": "auto"}}, set()),
        (Api.COMPLETIONS, {"tools": [1]}, set()),
        (Api.EMBEDDINGS, {}, {Capability.EMBEDDINGS}),
    ],
)
def test_the_capabilities_a_request_uses_are_found(
    api: Api, fields: dict[str, Any], used: set[Capability]
) -> None:
    body = {**least(api), **fields}
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
        (Api.COUNT_TOKENS, {"messages": []}, "messages"),
        (Api.RESPONSES, {"input": None}, "input"),
        (Api.RESPONSES, {"input": []}, "input"),
        (Api.RESPONSES, {"input": 5}, "input"),
        (Api.RESPONSES, {"input": [{}, "hi"]}, "input.1"),
        (Api.RESPONSES, {"instructions": ["hi"]}, "instructions"),
        (Api.RESPONSES, {"background": "yes"}, "background"),
        (Api.RESPONSES, {"max_output_tokens": 0}, "max_output_tokens"),
        (Api.EMBEDDINGS, {"input": ""}, "input"),
        (Api.EMBEDDINGS, {"input": []}, "input"),
        (Api.EMBEDDINGS, {"input": 5}, "input"),
        (Api.EMBEDDINGS, {"input": None}, "input"),
    ],
)
def test_a_wrong_type_is_refused_by_name(api: Api, fields: dict[str, Any], param: str) -> None:
    body = {**least(api), **fields}
    with pytest.raises(BadRequest, match=f"^{param}: expected ") as caught:
        read(api, **body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", {"id": "conv_1"}),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
    ],
)
def test_what_only_a_memory_could_serve_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=f"^{name}: nothing is stored here") as caught:
        read(Api.RESPONSES, model="m", input="hi", **{name: value})
    assert caught.value.param == name


@pytest.mark.parametrize("value", [None, False])
def test_a_response_that_asks_for_no_memory_is_taken(value: Any) -> None:
    body = {"store": False, "background": value, "previous_response_id": None, "input": ""}
    assert read(Api.RESPONSES, model="m", **body).model == "m"
