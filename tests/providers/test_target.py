import pytest

from tokenhub.providers.target import Target, head_of, target_of
from tokenhub.providers.upstream import UpstreamRequest


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a.test", Target(False, "a.test", 80, "/", "a.test")),
        ("https://a.test:443/v1", Target(True, "a.test", 443, "/v1", "a.test")),
        ("https://A.test:8443/v1", Target(True, "a.test", 8443, "/v1", "a.test:8443")),
        ("http://[::1]:80/", Target(False, "::1", 80, "/", "[::1]")),
        ("http://[::1]:81/x", Target(False, "::1", 81, "/x", "[::1]:81")),
        ("http://a.test?q=1", Target(False, "a.test", 80, "/?q=1", "a.test")),
        ("http://a.test//b?c#d", Target(False, "a.test", 80, "//b?c", "a.test")),
    ],
)
def test_a_url_says_where_a_request_goes(url: str, target: Target) -> None:
    assert target_of(url) == target


def test_a_path_goes_out_as_it_is_written() -> None:
    assert target_of("http://a/x%2Fy/a+b@c/{d}?e=%20&f=[g]|h").path == (
        "/x%2Fy/a+b@c/{d}?e=%20&f=[g]|h"
    )


def test_what_would_end_the_request_line_is_escaped() -> None:
    path = target_of("http://a/b?c= d\x7fé\x00").path
    assert path == "/b?c=%20d%7F%C3%A9%00"


def head(method: str, *headers: tuple[str, str], body: bytes | None = None) -> bytes:
    request = UpstreamRequest(method, "http://a/v1", headers, body)
    return head_of(request, target_of(request.url))


def test_a_get_has_no_length_and_a_post_always_has_one() -> None:
    assert head("GET") == b"GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n"
    assert head("POST") == b"POST /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    assert head("POST", body=b"ab").endswith(b"\r\nContent-Length: 2\r\n\r\n")


def test_header_bytes_that_are_no_utf8_go_out_as_they_came() -> None:
    assert b"\r\nX: \xe9\xc3\xa9\r\n" in head(
        "GET", ("X", b"\xe9\xc3\xa9".decode("utf-8", "surrogateescape"))
    )


@pytest.mark.parametrize("bad", ["a\r\nEvil: 1", "a\nEvil: 1", "a\rb", "a\0b"])
def test_no_header_breaks_out_of_its_line(bad: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        head("GET", ("X", bad))
    with pytest.raises(ValueError, match="line break"):
        head("GET", (bad, "x"))
