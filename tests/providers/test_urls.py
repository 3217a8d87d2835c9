import pytest

from tokenhub.providers.urls import Origin, check_url, is_loopback, is_private, origin, with_version


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:8090/v1", "http://localhost:8090/v1"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1"),
    ],
)
def test_a_base_url_works_with_and_without_the_version_path(given: str, complete: str) -> None:
    assert with_version(given) == complete


def test_trailing_slashes_are_removed() -> None:
    assert check_url("https://api.openai.com/v1//", what="a URL") == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]:8000",
        "http://[fe80::1%25eth0]",
        "http://[::ffff:169.254.169.254]",
        "http://2852039166",
        "http://0xA9FEA9FE/",
        "http://0251.0376.0251.0376",
        "http://169.254.43518",
        "http://metadata.google.internal",
        "http://METADATA.google.internal./computeMetadata/v1",
        "http://100.100.100.200",
        "http://168.63.129.16",
        "http://[fd00:ec2::254]",
        "http://0.0.0.0:8000",
        "http://224.0.0.1",
    ],
)
def test_link_local_and_metadata_addresses_are_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(ValueError, match=r"link-local|no valid host"):
        check_url(url, what="a URL")


def test_a_listed_metadata_host_is_allowed() -> None:
    url = "http://169.254.10.2:8000"
    assert check_url(url, what="a URL", listed={"169.254.10.2"}) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "file:///etc/passwd",
        "host:8000",
        "",
        "https://",
        "https://host:0",
        "https://host:99999",
        "https://host:http",
        "https://[::1",
        "https://ho st",
        "https://host\r\nX: y",
        "https://höst",
        "https://host\\@evil",
        "https://h%6fst",
    ],
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected a URL like https://"):
        check_url(url, what="a URL")


@pytest.mark.parametrize("url", ["https://me:hush@host", "https://me@host", "https://:hush@host"])
def test_a_user_or_password_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="user name or password") as raised:
        check_url(url, what="a URL")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("url", ["https://host?key=1", "https://host/v1#x", "https://host/v1?"])
def test_a_query_or_fragment_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="query or fragment"):
        check_url(url, what="a URL")


def test_an_origin_is_scheme_host_and_port_with_its_default() -> None:
    assert origin("https://API.openai.com./v1") == Origin("https", "api.openai.com", 443)
    assert origin("http://[::1]:8000/v1") == Origin("http", "::1", 8000)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.7", True),
        ("http://10.0.0.2", True),
        ("http://gpu-box:8000", True),
        ("http://gpu.local", True),
        ("http://host.docker.internal:8000", True),
        ("https://api.openai.com", False),
        ("http://8.8.8.8", False),
    ],
)
def test_a_private_address_is_told_from_a_public_one(url: str, private: bool) -> None:
    assert is_private(url) is private


def test_loopback_is_known_by_name_and_address() -> None:
    assert is_loopback("localhost")
    assert is_loopback("a.localhost")
    assert is_loopback("127.8.0.1")
    assert not is_loopback("192.168.1.7")
    assert not is_loopback("example.com")
