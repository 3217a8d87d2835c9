import pytest

from tokenhub.errors import StartError
from tokenhub.providers.proxies import Proxies

PROXY = "http://proxy:3128"
URL = "https://api.openai.com/v1"


def test_https_goes_through_the_proxy_and_http_does_not() -> None:
    proxies = Proxies({"HTTPS_PROXY": PROXY})
    assert proxies.proxy_for(URL) == PROXY
    assert proxies.proxy_for("http://api.openai.com/v1") is None


def test_without_the_variable_everything_goes_directly() -> None:
    assert Proxies({}).proxy_for(URL) is None
    assert Proxies({"HTTPS_PROXY": ""}).proxy_for(URL) is None


def test_the_small_spelling_counts_too_and_the_scheme_may_be_left_out() -> None:
    assert Proxies({"https_proxy": "proxy:3128"}).proxy_for(URL) == PROXY
    assert Proxies({"https_proxy": PROXY, "no_proxy": "api.openai.com"}).proxy_for(URL) is None


@pytest.mark.parametrize("url", ["https://localhost/v1", "https://127.0.0.1:8443", "https://[::1]"])
def test_this_machine_is_called_directly(url: str) -> None:
    assert Proxies({"HTTPS_PROXY": PROXY}).proxy_for(url) is None


@pytest.mark.parametrize(
    ("rule", "url", "direct"),
    [
        ("*", URL, True),
        ("openai.com", URL, True),
        (".openai.com", URL, True),
        ("*.openai.com", URL, True),
        ("API.openai.com", URL, True),
        ("api.openai.com:443", URL, True),
        ("api.openai.com:8443", URL, False),
        ("notopenai.com", URL, False),
        ("a.com, openai.com ,", URL, True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8", URL, False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("fd00::/8", "https://[fd00::1]", True),
        ("[fd00::1]:8443", "https://[fd00::1]:8443", True),
        ("fd00::1", "https://[fd00::1]:8443", True),
    ],
)
def test_no_proxy_is_read_as_others_read_it(rule: str, url: str, direct: bool) -> None:
    proxies = Proxies({"HTTPS_PROXY": PROXY, "NO_PROXY": rule})
    assert proxies.proxy_for(url) == (None if direct else PROXY)


@pytest.mark.parametrize(
    "value", ["socks5://u:hush@p:1", "http://", "http://p:hush", "http://[::1"]
)
def test_a_wrong_proxy_stops_the_start_without_showing_it(value: str) -> None:
    with pytest.raises(StartError, match="HTTPS_PROXY: expected http://") as raised:
        Proxies({"HTTPS_PROXY": value})
    assert "hush" not in str(raised.value)
