import json
from typing import Any

import pytest
from openai.types.responses import ResponseCreatedEvent, ResponseFailedEvent

from tokenhub.wire.failed_response import failed_events, own_error, told_error
from tokenhub.wire.sse import EventSplitter, data_of


def said(events: bytes) -> list[Any]:
    return [json.loads(data_of(event)[1]) for event in EventSplitter().feed(events)]


def test_a_response_that_never_began_begins_and_fails() -> None:
    created, failed = said(failed_events(None, 0, own_error("c", "why", 502), "r1"))
    begun = ResponseCreatedEvent.model_validate(created)
    ended = ResponseFailedEvent.model_validate(failed)
    assert (begun.sequence_number, ended.sequence_number) == (0, 1)
    assert begun.response.id == ended.response.id == "resp_r1"
    assert (begun.response.status, ended.response.status) == ("in_progress", "failed")


@pytest.mark.parametrize(
    ("code", "status", "known"),
    [
        ("upstream_error", 502, "server_error"),
        ("draining", 503, "server_error"),
        ("rate_limited", 429, "rate_limit_exceeded"),
        ("budget_exceeded", 402, "insufficient_quota"),
        ("invalid_request", 400, "invalid_prompt"),
    ],
)
def test_our_codes_become_those_that_clients_know(code: str, status: int, known: str) -> None:
    assert own_error(code, "why", status) == {"code": known, "message": "why", "type": code}


def test_the_code_by_which_codex_shortens_a_conversation_stays() -> None:
    error = own_error("context_length_exceeded", "too long", 400)
    assert error == {"code": "context_length_exceeded", "message": "too long"}


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"error": {"code": "c", "message": "m", "type": "t"}}, ("c", "m")),
        ({"error": {"message": "m", "type": "invalid_request_error"}}, ("invalid_prompt", "m")),
        ({"error": {"message": "m", "type": ["a"], "code": 400}}, ("server_error", "m")),
        ({"error": "m"}, ("server_error", "m")),
        ({"type": "error", "code": "c", "message": None}, ("c", "c")),
    ],
)
def test_a_providers_error_is_told_on(told: Any, error: tuple[str, str]) -> None:
    code, message = error
    assert told_error(json.dumps(told).encode()) == {"code": code, "message": message}


@pytest.mark.parametrize("told", [b"", b"<html>", b"[]", b"{}", b'{"error":[1]}', b'{"type":"x"}'])
def test_what_is_no_error_is_not_told_on(told: bytes) -> None:
    assert told_error(told) is None
