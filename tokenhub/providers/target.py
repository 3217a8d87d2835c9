"""What a request looks like on the wire: where it goes, and the bytes before its body."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from tokenhub.providers.upstream import UpstreamRequest

_PORTS: Final = {"http": 80, "https": 443}
# RFC 9112 3.2: a request target is visible ASCII. The rest would end it early, so it is escaped.
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))


class Place(NamedTuple):
    """What a connection leads to; connections to equal places are interchangeable."""

    tls: bool
    host: str
    port: int
    ca_file: str | None


class Target(NamedTuple):
    """What a URL says: the place, and the `path?query` and `Host` of requests to it."""

    tls: bool
    host: str
    port: int
    path: str
    host_header: str


@lru_cache(maxsize=256)
def target_of(url: str) -> Target:
    """Return what `url` says. It goes out as it is written: `%2F` stays `%2F`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    path = quote(f"{parts.path}?{parts.query}" if parts.query else parts.path, safe=_VISIBLE)
    shown = f"[{host}]" if ":" in host else host
    return Target(
        tls=parts.scheme == "https",
        host=host,
        port=port,
        path=path if path.startswith("/") else "/" + path,
        host_header=shown if port == _PORTS[parts.scheme] else f"{shown}:{port}",
    )


def head_of(request: UpstreamRequest, target: Target) -> bytes:
    """Return the request line and headers; raise ValueError if one would break out of its line."""
    lines = [f"{request.method} {target.path} HTTP/1.1\r\nHost: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body is not None:
        lines.append(f"Content-Length: {len(request.body)}")
    elif request.method == "POST":
        lines.append("Content-Length: 0")
    lines.append("\r\n")
    head = "\r\n".join(lines)
    _check(head, lines)
    # aiohttp's server decoded the client's headers so; this gives back the same bytes.
    return head.encode("utf-8", "surrogateescape")


def _check(head: str, lines: Sequence[str]) -> None:
    # One break in the first element, one in the last, one between each two.
    breaks = len(lines) + 1
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise ValueError("a header with a line break in it")
