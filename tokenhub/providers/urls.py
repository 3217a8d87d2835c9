"""What a base URL may be, and what can be told from one.

A base URL is where a request with a provider's key goes, so it may not lead to the places where a
cloud machine keeps its own secrets: link-local addresses and the metadata services outside them.
"""

import ipaddress
import re
import socket
from collections.abc import Collection
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_HOSTS: Final = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
    }
)
# Alibaba, Oracle and Azure (IPv4), AWS and Google (IPv6): all outside the link-local networks.
_METADATA_ADDRESSES: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
)
_VERSION_SEGMENT: Final = re.compile(r"v\d+[a-z0-9]*")
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,253}")
_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """What a key is bound to: a key is never sent to another origin than it was entered for."""

    scheme: str
    host: str
    port: int


def check_url(text: str, *, what: str, listed: Collection[str] = ()) -> str:
    """Return `text` without trailing slashes if requests may go there.

    `listed` are hosts that are allowed although they are link-local or metadata services. Raises
    `ValueError` whose text never repeats the URL, as it may hold a password.
    """
    parts = _split(text, what)
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{what} may not hold a user name or password: use api_key or headers")
    if parts.query or parts.fragment or text.rstrip().endswith(("?", "#")):
        raise ValueError(f"{what} may not have a query or fragment")
    host = _host(parts)
    if host not in listed and is_metadata(host):
        raise ValueError(f"{what} may not be a link-local or metadata address, got host {host!r}")
    return text.rstrip("/")


def with_version(base_url: str, default_path: str = "/v1") -> str:
    """Return `base_url` ending where an API's path begins.

    A URL without a path gets `default_path`; one whose path names no version gets `/v1`; one that
    names a version anywhere (`/v1beta/openai`) is complete.
    """
    path = urlsplit(base_url).path
    if not path:
        return base_url + default_path
    if any(_VERSION_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        return base_url
    return base_url + "/v1"


def origin(url: str) -> Origin:
    """Return the origin of a URL that `check_url` accepted."""
    parts = urlsplit(url)
    return Origin(parts.scheme, _host(parts), parts.port or _PORTS[parts.scheme])


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, without a trailing dot; empty if there is none."""
    return _host(urlsplit(url))


def is_private(url: str) -> bool:
    """Return whether `url` leads to this machine or a private network, going by its text alone."""
    host = host_of(url)
    address = _address(host)
    if address is None:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return address.is_private or address.is_loopback


def is_loopback(host: str) -> bool:
    """Return whether `host` names this machine."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback


def is_metadata(host: str) -> bool:
    """Return whether `host` is link-local, unspecified, multicast, or a metadata service."""
    address = _address(host)
    if address is None:
        return host in _METADATA_HOSTS
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in _METADATA_ADDRESSES
    )


def _split(text: str, what: str) -> SplitResult:
    expected = f"expected {what} like https://host[:port][/path]"
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError(f"{expected}, got a character that no URL may have")
    try:
        parts = urlsplit(text)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"{expected}, got one that cannot be read") from None
    if parts.scheme not in _PORTS:
        raise ValueError(f"{expected}, got another scheme than http or https")
    if not port_ok or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(f"{expected}, got no valid host or port")
    return parts


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").lower().rstrip(".")


def _address(host: str) -> IpAddress | None:
    """Read every spelling that a resolver takes for an address: `2852039166`, `0xA9FE.43518`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address
