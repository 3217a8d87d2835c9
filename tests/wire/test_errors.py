import json
from typing import Any

import pytest

from tokenhub.types import Api, Protocol
from tokenhub.wire.errors import (
    end_of_stream,
    error_body,
    error_event,
    event_of_error_body,
    keep_alive,
)
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.stream import Part, reader_for


def body(protocol: Protocol, status: int, param: str | None = None) -> Any:
    return json.loads(
        error_body(
            protocol, status=status, code="some_code", message="Why.", request_id="r1", param=param
        )
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "insufficient_quota"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (429, "rate_limit_error"),
        (502, "server_error"),
    ],
)
def test_an_error_in_openais_shape(status: int, kind: str) -> None:
    assert body(Protocol.OPENAI, status, "model") == {
        "error": {"message": "Why.", "type": kind, "param": "model", "code": "some_code"}
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_an_error_in_anthropics_shape(status: int, kind: str) -> None:
    assert body(Protocol.ANTHROPIC, status) == {
        "type": "error",
        "error": {"type": kind, "message": "Why."},
        "request_id": "r1",
    }


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("status", [402, 503, 504])
def test_what_lasts_is_told_as_no_overload_and_else_alike(protocol: Protocol, status: int) -> None:
    told = error_body(
        protocol, status=status, code="c", message="Why.", request_id="r1", lasting=True
    )
    if (protocol, status) == (Protocol.ANTHROPIC, 503):
        assert json.loads(told)["error"] == {"type": "api_error", "message": "Why."}
    else:
        assert told == error_body(
            protocol, status=status, code="c", message="Why.", request_id="r1"
        )


@pytest.mark.parametrize("protocol", list(Protocol))
def test_details_are_told_where_the_protocol_has_them(protocol: Protocol) -> None:
    told = error_body(
        protocol, status=400, code="c", message="Why.", request_id="r1", details={"a": 1}
    )
    details = {"a": 1} if protocol is Protocol.ANTHROPIC else None
    assert json.loads(told)["error"].get("details") == details


def test_an_error_in_our_own_shape() -> None:
    assert body(Protocol.NATIVE, 404) == {
        "error": {"code": "some_code", "message": "Why.", "request_id": "r1"}
    }


@pytest.mark.parametrize("api", [Api.CHAT, Api.COMPLETIONS])
def test_an_error_event_of_openai_is_data_with_an_error(api: Api) -> None:
    name, data = data_of(error_event(api, "upstream_error", "cut", "r1"))
    assert name is None
    assert json.loads(data)["error"]["code"] == "upstream_error"


def test_an_error_event_of_anthropic_is_named_so() -> None:
    name, data = data_of(error_event(Api.MESSAGES, "overloaded", "Too much.", "r1", status=503))
    assert name == b"error"
    assert json.loads(data) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Too much."},
        "request_id": "r1",
    }


def test_a_keep_alive_is_an_event_that_sdks_pass_over() -> None:
    assert data_of(keep_alive(Api.CHAT)) == (None, b"")
    assert data_of(keep_alive(Api.MESSAGES)) == (b"ping", b'{"type": "ping"}')


def test_a_whole_stream_whose_provider_left_its_end_out_gets_one() -> None:
    begin = b'data: {"type":"message_start","choices":[{"text":"a"}]}\n\n'
    for api in (Api.CHAT, Api.COMPLETIONS, Api.MESSAGES):
        reader = reader_for(api)
        reader.read(begin)
        assert reader.read(end_of_stream(api)) is Part.END


@pytest.mark.parametrize("api", [Api.CHAT, Api.MESSAGES])
def test_a_providers_error_body_becomes_an_event_of_a_stream(api: Api) -> None:
    told = b'{\n  "type": "error",\n  "error": {"message": "Too \\u006cong."}\n}\n'
    event = event_of_error_body(api, told, "r1")
    name, data = data_of(event)
    assert name == (b"error" if api is Api.MESSAGES else None)
    assert data + b"\n" == told
    assert reader_for(api).read(event) is Part.ERROR


@pytest.mark.parametrize("told", [b"", b"<html>", b"[]", b"{}", b'{"error":null}'])
@pytest.mark.parametrize("api", [Api.CHAT, Api.MESSAGES, Api.RESPONSES])
def test_an_error_body_without_an_error_becomes_no_event(api: Api, told: bytes) -> None:
    assert event_of_error_body(api, told, "r1") == b""


def last_of_response(events: bytes) -> Any:
    name, data = data_of(EventSplitter().feed(events)[-1])
    assert name == b"response.failed"
    return json.loads(data)["response"]


def test_an_error_before_a_response_began_is_one_that_has_failed() -> None:
    told = error_event(Api.RESPONSES, "budget_exceeded", "Nothing left.", "r1", status=402)
    response = last_of_response(told)
    assert (response["id"], response["status"]) == ("resp_r1", "failed")
    error = {"code": "insufficient_quota", "message": "Nothing left.", "type": "budget_exceeded"}
    assert response["error"] == error


def test_a_providers_error_body_becomes_a_response_that_has_failed() -> None:
    told = b'{"error":{"message":"Too long.","type":"t","code":"context_length_exceeded"}}'
    response = last_of_response(event_of_error_body(Api.RESPONSES, told, "r1"))
    assert response["id"] == "resp_r1"
    assert response["error"] == {"code": "context_length_exceeded", "message": "Too long."}


def test_nothing_follows_the_last_event_of_a_response() -> None:
    assert end_of_stream(Api.RESPONSES) == b""
    assert data_of(keep_alive(Api.RESPONSES)) == (None, b"")
