import pytest

from tokenhub.wire.headers import forward_request_headers, forward_response_headers


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Host",
        "Authorization",
        "X-Api-Key",
        "Cookie",
        "Origin",
        "Referer",
        "Content-Length",
        "Content-Encoding",
        "Accept-Encoding",
        "Expect",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Anything",
        "X-TokenHub-Key",
        "x-tokenhub-mode",
        "Idempotency-Key",
    ],
)
def test_a_header_between_client_and_hub_does_not_reach_the_provider(name: str) -> None:
    assert forward_request_headers([(name, "value"), ("Accept", "*/*")]) == [("Accept", "*/*")]


def test_all_other_request_headers_pass_in_order_and_spelling() -> None:
    pairs = [
        ("anthropic-beta", "a,b"),
        ("Anthropic-Version", "2023-06-01"),
        ("X-Stainless-Lang", "python"),
        ("anthropic-beta", "c"),
        ("X-Request-Id", "r1"),
        ("Content-Type", "application/json"),
    ]
    assert forward_request_headers(pairs) == pairs


@pytest.mark.parametrize(
    "name",
    [
        "Set-Cookie",
        "Content-Encoding",
        "Content-Length",
        "X-Request-Id",
        "Connection",
        "X-TokenHub-Model",
        "x-tokenhub-cost-usd",
        "X-Inferoute-Request-Id",
        "Access-Control-Allow-Origin",
    ],
)
def test_a_header_between_hub_and_provider_does_not_reach_the_client(name: str) -> None:
    assert forward_response_headers([(name, "value"), ("A", "b")]) == [("A", "b")]


def test_all_other_response_headers_pass() -> None:
    headers = {"request-id": "req_1", "openai-processing-ms": "12", "Content-Type": "text/x"}
    assert forward_response_headers(headers) == list(headers.items())


def test_headers_that_connection_names_do_not_pass() -> None:
    pairs = [("Connection", "close, X-Hop"), ("x-hop", "1"), ("x-end", "2")]
    assert forward_request_headers(pairs) == [("x-end", "2")]
    assert forward_response_headers(pairs) == [("x-end", "2")]
