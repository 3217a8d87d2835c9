import json
from typing import Any

import pytest

from tokenhub.errors import BadRequest
from tokenhub.wire.body import parse
from tokenhub.wire.native import RoutingFacts, answer, chat_body

HI = [{"role": "user", "content": "hi"}]


def converted(body: Any) -> Any:
    return json.loads(chat_body(parse(json.dumps(body).encode())))


def test_an_envelope_becomes_a_chat_request() -> None:
    assert converted(
        {
            "request": {
                "messages": HI,
                "model_hint": "m",
                "estimated_input_tokens": 100,
                "parameters": {"temperature": 0.5, "max_tokens": 9},
                "stream": True,
                "meta": {"trace": "t"},
                "output_schema": None,
            },
            "capabilities": {"planning": False},
            "policy": {},
            "output_format": {"type": None},
        }
    ) == {"model": "m", "messages": HI, "stream": True, "temperature": 0.5, "max_tokens": 9}


@pytest.mark.parametrize("name", ["model", "model_hint"])
def test_the_reduced_form_has_messages_at_the_top(name: str) -> None:
    assert converted({name: "m", "messages": HI, "temperature": 1, "policy": None}) == {
        "model": "m",
        "messages": HI,
        "temperature": 1,
    }


def test_the_clients_own_bytes_are_kept() -> None:
    messages, parameters = b'[ {"role" : "user"} ]', b'"x": 1.50e1, "y":"\\u0041"'
    body = b'{"request":{ "messages":%b, "parameters":{%b}}}' % (messages, parameters)
    assert chat_body(parse(body)) == b'{"messages":%b,"x":1.50e1,"y":"\\u0041"}' % messages


def test_without_a_model_none_is_named() -> None:
    assert converted({"messages": HI, "model": None}) == {"messages": HI}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": HI, "output_format": {"type": "json"}}, "output_format.type"),
        ({"messages": HI, "output_format": "json"}, "output_format"),
        ({"messages": HI, "output_format": {"kind": "json"}}, "output_format.kind"),
        ({"messages": HI, "output_schema": {}}, "output_schema"),
        ({"request": {"messages": HI, "output_schema": {}}}, "request.output_schema"),
        ({"request": {"messages": HI}, "messages": HI}, "messages"),
        ({"request": {"messages": HI, "temperature": 1}}, "request.temperature"),
        ({"request": []}, "request"),
        ({"request": {"model": "a", "model_hint": "b"}}, "request.model_hint"),
        ({"request": {"estimated_input_tokens": -1}}, "request.estimated_input_tokens"),
        ({"request": {"estimated_input_tokens": "9"}}, "request.estimated_input_tokens"),
        ({"request": {"parameters": []}}, "request.parameters"),
        ({"request": {"meta": "x"}}, "request.meta"),
        ({"request": {"parameters": {"model": "m"}}}, "request.parameters.model"),
        ({"messages": HI, "parameters": {"stream": True}}, "parameters.stream"),
    ],
)
def test_what_is_wrong_or_not_available_is_named(body: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        converted(body)
    assert caught.value.param == param
    assert param in caught.value.message


def test_a_parameter_that_is_a_field_already_is_a_duplicate_key() -> None:
    body = chat_body(parse(b'{"messages":[],"seed":1,"parameters":{"seed":2}}'))
    with pytest.raises(BadRequest, match="duplicate key 'seed'"):
        parse(body)


def test_the_answer_holds_the_providers_own_json() -> None:
    response = b'{ "id" : "x", "n": 1.0 }'
    envelope = answer(RoutingFacts("gpt", "openai", "named", 0.00125), response)
    assert envelope.endswith(b',"response":' + response + b"}")
    assert json.loads(envelope) == {
        "negotiated_model": "gpt",
        "negotiated_provider": "openai",
        "estimated_cost_usd": 0.00125,
        "routing_reason": "named",
        "response": {"id": "x", "n": 1.0},
    }


def test_what_steers_is_not_passed_on() -> None:
    steering = {"policy": {"mode": "cheap"}, "capabilities": {"planning": True}}
    assert converted({"messages": HI, **steering}) == {"messages": HI}
    assert converted({"request": {"messages": HI}, **steering}) == {"messages": HI}
