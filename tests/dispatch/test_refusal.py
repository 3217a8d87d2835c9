import json
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.dispatch.fakes import ANTHROPIC, DEPLOYMENT, order, target
from tokenhub.dispatch.order import Order, ProviderAnswer
from tokenhub.dispatch.refusal import last_event, passed_on, refusal
from tokenhub.dispatch.target import Target
from tokenhub.errors import (
    AllFailed,
    DeadlinePassed,
    RateLimited,
    RequestError,
    UpstreamError,
    VaultUnavailable,
)
from tokenhub.types import Api, Attempt, ErrorClass

BODY = b'{ "error": {"message": "max_tokens is too large"} }'
ATTEMPTS = [
    Attempt("m", "p", "http://h", 0, 1, 500, ErrorClass.TRANSIENT),
    Attempt("m", "q", "http://h", 1, 2, 429, ErrorClass.RATE_LIMITED),
]


def error(error_class: ErrorClass, status: int | None = 400, **fields: Any) -> UpstreamError:
    headers = CIMultiDict([("Content-Type", "application/json"), ("Set-Cookie", "a=b")])
    return UpstreamError(error_class, "why", status=status, headers=headers, **fields)


LIMITED = error(ErrorClass.RATE_LIMITED, 429, retry_after_s=6.2)


@pytest.mark.parametrize("error_class", [ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW])
async def test_the_clients_own_mistakes_come_back_in_the_providers_words(
    error_class: ErrorClass,
) -> None:
    answer = passed_on(error(error_class, 422, body=BODY), order(), target())
    assert answer == ProviderAnswer(422, [("Content-Type", "application/json")], BODY)


@pytest.mark.parametrize(
    "error_class", sorted(set(ErrorClass) - {ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW})
)
async def test_the_providers_own_troubles_do_not(error_class: ErrorClass) -> None:
    assert passed_on(error(error_class, 401, body=BODY), order(), target()) is None


async def test_an_error_that_came_inside_a_stream_has_no_answer_to_pass_on() -> None:
    assert passed_on(error(ErrorClass.INVALID, None), order(), target()) is None


@pytest.mark.parametrize(
    "error_class",
    [ErrorClass.AUTH, ErrorClass.BUDGET, ErrorClass.TRANSIENT, ErrorClass.UNSUPPORTED],
)
def test_a_failure_is_a_502_that_names_each_attempt_and_none_of_the_providers_words(
    error_class: ErrorClass,
) -> None:
    own = refusal(AllFailed([LIMITED, error(error_class, 403, body=b"your key sk-1")]), ATTEMPTS)
    assert (own.status, own.code) == (502, "upstream_failed")
    assert own.message == "no provider could answer: p/m (transient), q/m (rate_limited)"
    assert own.headers == {}


def test_what_lasts_is_not_to_be_repeated_by_an_sdk() -> None:
    failures = [error(ErrorClass.AUTH, 401), error(ErrorClass.BUDGET, 402)]
    assert refusal(AllFailed(failures), ATTEMPTS).headers == {"x-should-retry": "false"}


def test_where_all_are_at_their_limit_the_shortest_wait_is_told() -> None:
    longer = error(ErrorClass.RATE_LIMITED, 429, retry_after_s=60)
    own = refusal(AllFailed([longer, LIMITED]), ATTEMPTS)
    assert isinstance(own, RateLimited)
    assert own.headers == {"Retry-After": "7"}


def test_a_limit_without_a_wait_is_told_as_a_second() -> None:
    own = refusal(AllFailed([error(ErrorClass.RATE_LIMITED, 429)]), ATTEMPTS)
    assert own.headers == {"Retry-After": "1"}


def test_where_nobody_could_be_called_the_client_may_come_again() -> None:
    own = refusal(AllFailed([]), [])
    assert (own.status, own.code) == (503, "no_provider")
    assert own.headers == {"Retry-After": "1"}


def test_a_deadline_that_passed_is_a_504_that_names_each_attempt() -> None:
    own = refusal(DeadlinePassed(), ATTEMPTS)
    assert (own.status, own.code) == (504, "deadline")
    assert own.message.endswith(": p/m (transient), q/m (rate_limited)")
    assert own.headers == {"x-should-retry": "false"}


@pytest.mark.parametrize("state", ["locked", "uninitialised"])
def test_a_vault_that_is_not_open_is_a_503_that_no_sdk_repeats(state: str) -> None:
    own = refusal(VaultUnavailable(state), [])
    assert (own.status, own.code) == (503, f"vault_{state}")
    assert own.headers == {"x-should-retry": "false"}


async def test_a_stream_that_began_ends_with_the_providers_words() -> None:
    event = last_event(error(ErrorClass.INVALID, body=BODY), order())
    assert event == b"data: %b\n\n" % BODY


@pytest.mark.parametrize(
    ("failure", "type_of_it"),
    [
        (error(ErrorClass.INVALID, body=b"<html>"), "invalid_request_error"),
        (refusal(AllFailed([error(ErrorClass.TRANSIENT)]), []), "api_error"),
    ],
)
async def test_else_it_ends_with_ours(
    failure: UpstreamError | RequestError, type_of_it: str
) -> None:
    name, data, *_ = last_event(failure, order(Api.MESSAGES, max_tokens=5)).split(b"\n")
    assert name == b"event: error"
    told = json.loads(data.removeprefix(b"data: "))
    assert told["error"]["type"] == type_of_it
    assert told["request_id"] == "req_1"


# Clients of another protocol.

CLAUDE = Target(DEPLOYMENT, ANTHROPIC, Api.MESSAGES)
TOO_LONG = (
    b'{"type":"error","error":{"type":"invalid_request_error",'
    b'"message":"prompt is too long: 12 tokens > 10 maximum"}}'
)
TOO_MUCH = json.dumps(
    {
        "error": {
            "message": "This model's maximum context length is 10 tokens. However, your messages "
            "resulted in 12 tokens.",
            "code": "context_length_exceeded",
        }
    }
).encode()


async def test_a_client_of_another_protocol_gets_the_providers_words_in_its_own_shape() -> None:
    answer = passed_on(error(ErrorClass.INVALID, 422, body=BODY), claude(), target())
    assert answer is not None
    assert answer.status == 422
    assert ("request-id", "req_1") in answer.headers
    assert answer.headers.count(("Content-Type", "application/json")) == 1
    assert json.loads(answer.body) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "max_tokens is too large"},
        "request_id": "req_1",
    }


def claude() -> Order:
    return order(Api.MESSAGES, max_tokens=5)


@pytest.mark.parametrize("status", [400, 413])
async def test_a_context_that_is_full_is_told_in_the_clients_own_words(status: int) -> None:
    full = error(ErrorClass.CONTEXT_OVERFLOW, status, body=TOO_MUCH)
    answer = passed_on(full, claude(), target())
    assert answer is not None
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["type"]) == (400, "invalid_request_error")
    assert told["message"].startswith("prompt is too long: 12 tokens > 10 maximum")

    answer = passed_on(
        error(ErrorClass.CONTEXT_OVERFLOW, status, body=TOO_LONG), order(stream=False), CLAUDE
    )
    assert answer is not None
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["code"]) == (400, "context_length_exceeded")
    assert told["message"].startswith("This model's maximum context length is 10 tokens.")


async def test_without_a_provider_that_gave_it_there_is_no_error_to_pass_on() -> None:
    assert passed_on(error(ErrorClass.INVALID, body=BODY), order(), None) is None


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (error(ErrorClass.INVALID, body=BODY), "max_tokens is too large"),
        (error(ErrorClass.INVALID, None, body=b"<html>"), "the provider answered 502"),
        (error(ErrorClass.CONTEXT_OVERFLOW, body=TOO_MUCH), "prompt is too long: 12 tokens"),
    ],
    ids=["words", "none", "overflow"],
)
async def test_a_stream_that_began_ends_with_an_event_of_the_clients_own(
    failure: UpstreamError, message: str
) -> None:
    name, data, *_ = last_event(failure, claude(), target()).split(b"\n")
    assert name == b"event: error"
    told = json.loads(data.removeprefix(b"data: "))
    assert told["error"]["message"].startswith(message)
    assert told["request_id"] == "req_1"


async def test_by_the_same_protocol_it_still_ends_with_the_providers_words() -> None:
    event = last_event(error(ErrorClass.INVALID, body=BODY), order(), target())
    assert event == b"data: %b\n\n" % BODY
