import errno
import json
import ssl
from typing import Any

import aiohttp
import pytest

from tokenhub.errors import UpstreamError
from tokenhub.providers.failure import classify, classify_answer, classify_event, from_exception
from tokenhub.types import ErrorClass, ProviderType

C = ErrorClass
OPENAI, ANTHROPIC, VLLM = ProviderType.OPENAI, ProviderType.ANTHROPIC, ProviderType.VLLM


def failed(
    status: int,
    body: Any = b"",
    provider_type: ProviderType = OPENAI,
    headers: dict[str, str] | None = None,
    path: str | None = None,
) -> UpstreamError:
    own_path = "/messages" if provider_type is ANTHROPIC else "/responses"
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(
        provider_type,
        status,
        headers or {},
        raw,
        path=path or own_path,
        model="gpt-4o",
        now_ms=1_700_000_000_000,
    )


def openai(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **fields}}


def anthropic(message: str, error_type: str = "invalid_request_error") -> dict[str, Any]:
    return {"type": "error", "error": {"type": error_type, "message": message}}


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (301, C.TRANSIENT),
        (400, C.INVALID),
        (401, C.AUTH),
        (402, C.BUDGET),
        (403, C.AUTH),
        (405, C.UNSUPPORTED),
        (407, C.TRANSIENT),
        (408, C.TRANSIENT),
        (409, C.INVALID),
        (413, C.CONTEXT_OVERFLOW),
        (422, C.INVALID),
        (429, C.RATE_LIMITED),
        (500, C.TRANSIENT),
        (503, C.TRANSIENT),
        (504, C.TRANSIENT),
        (529, C.RATE_LIMITED),
    ],
)
def test_a_status_alone_has_its_class(status: int, error_class: ErrorClass) -> None:
    error = failed(status)
    assert error.error_class is error_class
    assert error.status == status


@pytest.mark.parametrize(
    ("status", "body", "provider_type"),
    [
        (400, openai("This model's maximum context length is 128000 tokens. However, your messages"
                     " resulted in 130000 tokens.", code="context_length_exceeded"), OPENAI),
        (400, openai("Your input exceeds the context window of this model."), OPENAI),
        (400, anthropic("prompt is too long: 210000 tokens > 200000 maximum"), ANTHROPIC),
        (400, anthropic("input length and `max_tokens` exceed context limit: 1 + 2"), ANTHROPIC),
        (413, anthropic("Request exceeds the maximum size", "request_too_large"), ANTHROPIC),
        (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens.",
               "type": "BadRequestError", "code": 400}, VLLM),
        (400, {"error": {"message": "The decoder prompt (length 5000) is longer than the maximum"
                                    " model length of 4096.", "code": 400}}, VLLM),
        (400, [{"error": {"code": 400, "message": "The input token count (1200000) exceeds the"
                          " maximum number of tokens allowed (1048576).",
                          "status": "INVALID_ARGUMENT"}}], OPENAI),
        (400, {"object": "error", "message": "Prompt contains 40000 tokens, too large for model"
               " with 32768 maximum context length", "type": "invalid_request_error"}, OPENAI),
        (422, openai("`inputs` tokens + `max_new_tokens` must be <= 8193."), OPENAI),
        (400, openai("the request exceeds the available context size"), OPENAI),
        (400, b"Trying to keep the first 15857 tokens when context the overflows.", OPENAI),
    ],
)  # fmt: skip
def test_a_too_long_input_is_known_by_each_protocols_wording(
    status: int, body: Any, provider_type: ProviderType
) -> None:
    assert failed(status, body, provider_type).error_class is C.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    ("status", "body", "error_class"),
    [
        (429, openai("You exceeded your current quota", code="insufficient_quota"), C.BUDGET),
        (429, {"error": {"message": "quota", "type": "insufficient_quota"}}, C.BUDGET),
        (400, anthropic("Your credit balance is too low to access the Anthropic API."), C.BUDGET),
        (403, anthropic("No.", "billing_error"), C.BUDGET),
        (429, openai("Rate limit reached for gpt-4o", code="rate_limit_exceeded"), C.RATE_LIMITED),
        (400, [{"error": {"message": "API key not valid. Please pass a valid API key."}}], C.AUTH),
        (400, openai("content_policy_violation"), C.INVALID),
        (500, openai("maximum context length"), C.TRANSIENT),
    ],
)
def test_wording_tells_a_budget_or_key_from_the_rest(
    status: int, body: Any, error_class: ErrorClass
) -> None:
    assert failed(status, body).error_class is error_class


@pytest.mark.parametrize(
    ("body", "provider_type", "error_class"),
    [
        (openai("The model `gpt-4o` does not exist or you do not have access to it.",
                code="model_not_found"), OPENAI, C.INVALID),
        (openai("The model does not exist.", code="model_not_found"), OPENAI, C.INVALID),
        (openai("This model is only supported in v1/responses.", param="model"), OPENAI, C.INVALID),
        ({"error": "model 'gpt-4o' not found, try pulling it first"}, OPENAI, C.INVALID),
        (anthropic("model: gpt-4o", "not_found_error"), ANTHROPIC, C.INVALID),
        (anthropic("Not found", "not_found_error"), ANTHROPIC, C.INVALID),
        (openai("Invalid URL (POST /v1/responses)"), OPENAI, C.UNSUPPORTED),
        (openai("Unknown request URL: POST /openai/v1/responses"), OPENAI, C.UNSUPPORTED),
        ({"detail": "Not Found"}, VLLM, C.UNSUPPORTED),
        (b"404 page not found", OPENAI, C.UNSUPPORTED),
        (b"<html>", ANTHROPIC, C.UNSUPPORTED),
        ({"error": {"message": "nope"}}, ANTHROPIC, C.UNSUPPORTED),
        (b"", OPENAI, C.UNSUPPORTED),
        (b"[]", OPENAI, C.UNSUPPORTED),
    ],
)  # fmt: skip
def test_a_missing_api_is_told_from_a_missing_model(
    body: Any, provider_type: ProviderType, error_class: ErrorClass
) -> None:
    assert failed(404, body, provider_type).error_class is error_class


@pytest.mark.parametrize(
    ("message", "error_class"),
    [
        ("gpt-4o", C.INVALID),
        ("models/GPT-4o is not found", C.INVALID),
        ("There is no gpt-4o.", C.INVALID),
        ("There is no gpt-4o: POST /v1/responses", C.INVALID),
        ("POST /v1/responses with gpt-4o-mini", C.UNSUPPORTED),
        ("POST /v1/responses with gpt-4o.1", C.UNSUPPORTED),
        ("POST /v1/responses with gpt-4o:free", C.UNSUPPORTED),
        ("POST /v1/responses with my-gpt-4o", C.UNSUPPORTED),
        ("POST /v1/responses with x.gpt-4o", C.UNSUPPORTED),
    ],
)
def test_only_the_whole_name_is_the_models(message: str, error_class: ErrorClass) -> None:
    assert failed(404, openai(message)).error_class is error_class


@pytest.mark.parametrize("body", [b"<html>gpt-4o</html>", b"no gpt-4o here", b'"gpt-4o"'])
def test_a_text_that_is_no_error_of_the_protocol_names_no_model(body: bytes) -> None:
    assert failed(404, body).error_class is C.UNSUPPORTED


@pytest.mark.parametrize(
    "message",
    [
        "Not Found",
        "File Not Found",
        "Resource not found",
        "The requested resource was not found.",
        "Error code: 404",
    ],
)
def test_an_error_that_names_nothing_means_that_an_api_is_missing_which_many_lack(
    message: str,
) -> None:
    error = failed(404, openai(message))
    assert error.error_class is C.UNSUPPORTED
    assert error.api_missing
    assert failed(404, openai(message), path="/chat/completions").error_class is C.INVALID


@pytest.mark.parametrize(
    "message",
    [
        "The model does not exist.",
        "Item with id 'rs_1' not found.",
        "The API deployment for this resource does not exist.",
    ],
)
def test_an_error_that_names_what_is_missing_is_the_requests_own(message: str) -> None:
    assert failed(404, openai(message)).error_class is C.INVALID


def test_what_is_not_implemented_is_missing_and_no_fault_of_the_moment() -> None:
    for body in (b"", b"<html>", openai("Not implemented")):
        error = failed(501, body)
        assert (error.error_class, error.api_missing) == (C.UNSUPPORTED, True)
    assert not failed(403, openai("Not with this model")).api_missing


def test_a_rate_limit_says_when_to_come_back() -> None:
    assert failed(429, headers={"retry-after": "7"}).retry_after_s == 7
    assert failed(503, headers={"retry-after": "8"}).retry_after_s == 8
    assert failed(400, headers={"retry-after": "7"}).retry_after_s is None
    assert failed(429).retry_after_s is None


def test_the_clients_part_is_kept_as_it_came() -> None:
    body = b'{"error": {"message":"bad \\u00e9"}, "x":1}'
    error = failed(400, body, headers={"request-id": "r1"})
    assert error.body == body
    assert error.headers == {"request-id": "r1"}


def test_a_providers_words_never_reach_the_message() -> None:
    error = failed(401, openai("Incorrect API key provided: sk-abc***xyz", code="invalid_api_key"))
    assert str(error) == "the provider answered 401 (invalid_api_key)"
    assert "sk-abc" not in repr(error)


def test_only_an_identifier_is_quoted() -> None:
    error = failed(400, openai("x", code="two words\x1b[31m", type="a\nb"))
    assert str(error) == "the provider answered 400"


def test_a_redirect_points_to_the_base_url() -> None:
    assert "check base_url" in str(failed(308))


def test_a_huge_error_body_is_not_read() -> None:
    body = b'{"error":{"message":"' + b"maximum context length" * 60_000 + b'"}}'
    assert failed(400, body).error_class is C.INVALID


@pytest.mark.parametrize(
    ("data", "provider_type", "error_class", "status"),
    [
        (anthropic("Overloaded", "overloaded_error"), ANTHROPIC, C.RATE_LIMITED, 529),
        (anthropic("Slow down", "rate_limit_error"), ANTHROPIC, C.RATE_LIMITED, 429),
        (anthropic("Internal", "api_error"), ANTHROPIC, C.TRANSIENT, 500),
        (anthropic("prompt is too long: 2 > 1"), ANTHROPIC, C.CONTEXT_OVERFLOW, 400),
        (anthropic("bad key", "authentication_error"), ANTHROPIC, C.AUTH, 401),
        ({"error": {"message": "x", "type": "server_error"}}, OPENAI, C.TRANSIENT, 500),
        ({"error": {"message": "x", "code": "rate_limit_exceeded"}}, OPENAI, C.RATE_LIMITED, 429),
        ({"error": {"message": "x", "type": "BadRequestError", "code": 400}}, VLLM, C.INVALID, 400),
        ({"error": {"message": "x", "code": 502}}, OPENAI, C.TRANSIENT, 502),
        ({"error": {"message": "x", "code": 1302}}, OPENAI, C.TRANSIENT, 500),
        (openai("x"), OPENAI, C.INVALID, 400),
    ],
)
def test_an_error_inside_a_stream_has_the_class_it_would_have_outside(
    data: Any, provider_type: ProviderType, error_class: ErrorClass, status: int
) -> None:
    raw = json.dumps(data).encode()
    error = classify_event(provider_type, raw)
    assert error.error_class is error_class
    assert error.status == status
    assert error.body == raw


def test_garbage_as_an_error_event_is_transient() -> None:
    assert classify_event(OPENAI, b"oh no").error_class is C.TRANSIENT


@pytest.mark.parametrize(
    ("body", "provider_type", "error_class", "status"),
    [
        ({"error": {"message": "x", "code": 429}}, OPENAI, C.RATE_LIMITED, 429),
        ({"error": {"message": "x", "code": 400}}, OPENAI, C.INVALID, 400),
        (openai("maximum context length"), OPENAI, C.CONTEXT_OVERFLOW, 400),
        (anthropic("Overloaded", "overloaded_error"), ANTHROPIC, C.RATE_LIMITED, 529),
        ({"error": "x"}, OPENAI, C.TRANSIENT, 500),
        ({"error": {"message": "x", "code": 407}}, OPENAI, C.TRANSIENT, 407),
    ],
)
def test_an_error_in_an_answer_of_200_has_the_class_it_would_have_alone(
    body: Any, provider_type: ProviderType, error_class: ErrorClass, status: int
) -> None:
    raw = json.dumps(body).encode()
    headers = {"retry-after": "7", "request-id": "r1"}
    error = classify_answer(provider_type, headers, raw, now_ms=0)
    assert error.error_class is error_class
    assert (error.status, error.headers, error.body) == (status, headers, raw)
    waits = error_class in (C.RATE_LIMITED, C.TRANSIENT)
    assert error.retry_after_s == (7 if waits else None)


def test_an_error_in_an_answer_of_200_is_told_as_such() -> None:
    raw = json.dumps(openai("secret", code="rate_limit_exceeded")).encode()
    error = classify_answer(OPENAI, {}, raw, now_ms=0)
    assert str(error) == "the provider answered 200 with an error (rate_limit_exceeded)"


KEY = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (aiohttp.ConnectionTimeoutError("secret"), "no connection in time"),
        (TimeoutError(), "no connection in time"),
        (aiohttp.ServerDisconnectedError("secret"), "closed before the end"),
        (aiohttp.ClientPayloadError("secret"), "closed before the end"),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "Was refused")), "Was refused"),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "secret")), "cannot be resolved"),
        (aiohttp.ClientProxyConnectionError(KEY, OSError(111, "secret")), "the proxy cannot be"),
        (aiohttp.ClientConnectorSSLError(KEY, OSError(1, "secret")), "TLS could not be agreed"),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError(1, "secret")),
         "not trusted: certificate verify failed"),
        (aiohttp.ClientConnectionError("secret"), "the connection failed (ClientConnectionError)"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (ssl.SSLError(1, "secret"), "TLS could not be agreed"),
    ],
)  # fmt: skip
def test_a_transport_failure_is_transient_and_names_the_host_alone(
    raised: Exception, says: str
) -> None:
    error = from_exception(raised, "api.example.com")
    assert error.error_class is C.TRANSIENT
    assert error.status is None
    assert str(error).startswith("api.example.com: ")
    assert says in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("raised", "unreachable"),
    [
        (aiohttp.ConnectionTimeoutError(), True),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "?")), True),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), True),
        (aiohttp.ClientProxyConnectionError(KEY, OSError(111, "refused")), True),
        (ConnectionRefusedError(), True),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), True),
        (aiohttp.ClientConnectorSSLError(KEY, OSError(1, "?")), False),
        (aiohttp.ServerDisconnectedError(), False),
        (ConnectionResetError(104, "Connection reset by peer"), False),
    ],
)
def test_a_transport_failure_says_whether_there_was_a_connection(
    raised: Exception, unreachable: bool
) -> None:
    assert from_exception(raised, "api.example.com").unreachable is unreachable
