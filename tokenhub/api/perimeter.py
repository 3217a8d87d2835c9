"""Who may talk to the hub at all: the rules about hosts, origins and content types.

They keep web pages out: a page can make a browser call us, also under a name of its own that
points at this machine (DNS rebinding), but it cannot choose the `Host` and `Origin` that are sent.
"""

import re
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from tokenhub.errors import RequestError

JSON: Final = "application/json"
PREFLIGHT_MAX_AGE_S: Final = 600

_HOST: Final = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9_, -]{0,2000}")


class Perimeter:
    """Refuses what no client of ours sends.

    `hosts` are names that may stand in `Host`, each for any port or, as `name:port`, for one;
    `origins` are web origins (`https://name`) that may call from a browser.
    """

    def __init__(self, hosts: Iterable[str], origins: Iterable[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)

    def check(self, request: web.Request) -> None:
        """Raise RequestError (403, 415) unless the request may come in."""
        headers = request.headers
        hosts = headers.getall("Host", ())
        host = hosts[0] if len(hosts) == 1 else ""
        # aiohttp takes the host of an absolute-form target for that of the request.
        if request.raw_path[:1] != "/" or not (self._names(host) or _by_unix_socket(request)):
            message = "this Host is not allowed: list it in TOKENHUB_ALLOWED_HOSTS"
            raise RequestError(403, "host_not_allowed", message)
        if "Origin" in headers:
            self._check_origin(headers.getall("Origin"), host)
        if request.body_exists:
            _check_content(request)

    def listed_origin(self, request: web.BaseRequest) -> str | None:
        """Return the request's `Origin` where it is one of the listed."""
        if not self._origins:
            return None
        origin = request.headers.get("Origin")
        return origin if origin in self._origins else None

    def preflight(self, request: web.Request) -> web.Response | None:
        """Return the answer to a listed origin's preflight, None when `request` is none.

        See https://fetch.spec.whatwg.org/#cors-preflight-fetch.
        """
        if request.method != "OPTIONS" or self.listed_origin(request) is None:
            return None
        if "Access-Control-Request-Method" not in request.headers:
            return None
        asked = request.headers.get("Access-Control-Request-Headers", "")
        headers = {
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": asked if _HEADER_NAMES.fullmatch(asked) else "",
            "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
        }
        return web.Response(status=204, headers=headers)

    def _names(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        return match is not None and not self._hosts.isdisjoint((match[1].lower(), host.lower()))

    def _check_origin(self, origins: list[str], host: str) -> None:
        for origin in origins:
            scheme, _, rest = origin.partition("://")
            own = scheme in ("http", "https") and rest == host and self._names(host)
            if not own and origin not in self._origins:
                message = "this Origin is not allowed: list it in TOKENHUB_CORS_ORIGINS"
                raise RequestError(403, "origin_not_allowed", message)


def _by_unix_socket(request: web.Request) -> bool:
    """Whether the connection came by a unix socket, which no web page can reach."""
    return isinstance(request.protocol.sockname, str | bytes)


def _check_content(request: web.Request) -> None:
    content_type = request.headers.get("Content-Type", "")
    if content_type != JSON and content_type.partition(";")[0].strip().lower() != JSON:
        message = "expected the header Content-Type: application/json"
        raise RequestError(415, "unsupported_media_type", message)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        message = "expected a body without Content-Encoding"
        raise RequestError(415, "unsupported_content_encoding", message)
