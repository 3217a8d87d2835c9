"""Which proxy a call goes through, by the environment: HTTPS_PROXY and NO_PROXY.

NO_PROXY is read as curl and Go read it: `*`, host names with their subdomains, addresses, networks
in CIDR form, each with an optional port. This machine is never called through a proxy.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from tokenhub.errors import StartError
from tokenhub.providers.urls import is_loopback, origin

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_VARIABLE: Final = "HTTPS_PROXY"


class Proxies:
    """The proxy rules of one environment; a wrong HTTPS_PROXY raises `StartError`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._proxy = _proxy(environ.get(_VARIABLE) or environ.get(_VARIABLE.lower()) or "")
        exceptions = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
        self._exceptions = [text.strip().lower() for text in exceptions.split(",") if text.strip()]

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy for `url`, None to go there directly."""
        if self._proxy is None or not url.startswith("https:"):
            return None
        _, host, port = origin(url)
        if is_loopback(host) or any(_matches(rule, host, port) for rule in self._exceptions):
            return None
        return self._proxy


def _proxy(text: str) -> str | None:
    if not text:
        return None
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # The value is not shown: it may hold a password.
        raise StartError(f"{_VARIABLE}: expected http://[user:password@]host:port, got another")
    return url


def _matches(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    name, colon, digits = rule.rpartition(":")
    if colon and digits.isdigit() and (":" not in name or name.endswith("]")):
        if int(digits) != port:
            return False
        rule = name
    rule = rule.strip("[]")
    if (network := _network(rule)) is not None:
        return _within(host, network)
    domain = rule.removeprefix("*").removeprefix(".")
    return host == domain or host.endswith("." + domain)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _within(host: str, network: Network) -> bool:
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
