import json
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.dispatch.fakes import order
from tokenhub.dispatch.order import ProviderAnswer
from tokenhub.dispatch.refusal import last_event, passed_on, refusal
from tokenhub.errors import RateLimited, UpstreamError
from tokenhub.types import Api, Attempt, ErrorClass

BODY = b'{ "error": {"message": "max_tokens is too large"} }'
ATTEMPTS = [
    Attempt("m", "p", "http://h", 0, 1, 500, ErrorClass.TRANSIENT),
    Attempt("m", "q", "http://h", 1, 2, 429, ErrorClass.RATE_LIMITED),
]


def error(error_class: ErrorClass, status: int | None = 400, **fields: Any) -> UpstreamError:
    headers = CIMultiDict([("Content-Type", "application/json"), ("Set-Cookie", "a=b")])
    return UpstreamError(error_class, "why", status=status, headers=headers, **fields)


@pytest.mark.parametrize("error_class", [ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW])
def test_the_clients_own_mistakes_come_back_in_the_providers_words(error_class: ErrorClass) -> None:
    answer = passed_on(error(error_class, 422, body=BODY))
    assert answer == ProviderAnswer(422, [("Content-Type", "application/json")], BODY)


@pytest.mark.parametrize(
    "error_class", sorted(set(ErrorClass) - {ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW})
)
def test_the_providers_own_troubles_do_not(error_class: ErrorClass) -> None:
    assert passed_on(error(error_class, 401, body=BODY)) is None


def test_an_error_that_came_inside_a_stream_has_no_answer_to_pass_on() -> None:
    assert passed_on(error(ErrorClass.INVALID, None)) is None


@pytest.mark.parametrize(
    "error_class",
    [ErrorClass.AUTH, ErrorClass.BUDGET, ErrorClass.TRANSIENT, ErrorClass.UNSUPPORTED],
)
def test_a_failure_is_a_502_that_names_each_attempt_and_none_of_the_providers_words(
    error_class: ErrorClass,
) -> None:
    own = refusal(error(error_class, 403, body=b"your key sk-secret"), ATTEMPTS)
    assert (own.status, own.code) == (502, "upstream_failed")
    assert own.message == "no provider could answer: p/m (transient), q/m (rate_limited)"


@pytest.mark.parametrize(("asked_s", "told"), [(6.2, "7"), (None, "1")])
def test_a_rate_limit_is_passed_on_with_its_wait(asked_s: float | None, told: str) -> None:
    own = refusal(error(ErrorClass.RATE_LIMITED, 429, retry_after_s=asked_s), ATTEMPTS)
    assert isinstance(own, RateLimited)
    assert own.headers == {"Retry-After": told}


async def test_a_stream_that_began_ends_with_the_providers_words() -> None:
    event = last_event(error(ErrorClass.INVALID, body=BODY), order(), ATTEMPTS)
    assert event == b"data: %b\n\n" % BODY


@pytest.mark.parametrize(
    "failure",
    [error(ErrorClass.INVALID, body=b"<html>"), error(ErrorClass.TRANSIENT, body=BODY)],
)
async def test_else_it_ends_with_ours(failure: UpstreamError) -> None:
    wanted = order(Api.MESSAGES, max_tokens=5)
    name, data, *_ = last_event(failure, wanted, ATTEMPTS).split(b"\n")
    assert name == b"event: error"
    told = json.loads(data.removeprefix(b"data: "))
    assert told["error"]["type"] == "api_error"
    assert told["request_id"] == "req_1"
