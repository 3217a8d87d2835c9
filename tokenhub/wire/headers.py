"""Which headers pass between client and provider."""

from collections.abc import Iterable, Mapping
from typing import Final

Pairs = Iterable[tuple[str, str]]

# RFC 9110 section 7.6.1, and the ones that proxies add to it.
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# `expect` and `content-encoding` were between the client and us: the body was read and inflated.
_NOT_TO_PROVIDER: Final = _HOP_BY_HOP | {
    "accept-encoding",
    "authorization",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "origin",
    "referer",
    "x-api-key",
}
_NOT_TO_PROVIDER_PREFIXES: Final = ("x-forwarded-", "x-tokenhub-")
_NOT_TO_CLIENT: Final = _HOP_BY_HOP | {
    "content-encoding",
    "content-length",
    "set-cookie",
    "x-request-id",
}
# What only we say: our own headers, and whom a browser lets read the answer.
_NOT_TO_CLIENT_PREFIXES: Final = ("access-control-", "x-inferoute-", "x-tokenhub-")


def forward_request_headers(headers: Mapping[str, str] | Pairs) -> list[tuple[str, str]]:
    """The client's headers that the provider gets: order and spelling stay."""
    pairs = _pairs(headers)
    withheld = _NOT_TO_PROVIDER | _named_in_connection(pairs)
    return [
        pair
        for pair in pairs
        if (name := pair[0].lower()) not in withheld
        and not name.startswith(_NOT_TO_PROVIDER_PREFIXES)
    ]


def forward_response_headers(headers: Mapping[str, str] | Pairs) -> list[tuple[str, str]]:
    """The provider's headers that the client gets: order and spelling stay."""
    pairs = _pairs(headers)
    withheld = _NOT_TO_CLIENT | _named_in_connection(pairs)
    return [
        pair
        for pair in pairs
        if (name := pair[0].lower()) not in withheld
        and not name.startswith(_NOT_TO_CLIENT_PREFIXES)
    ]


def _pairs(headers: Mapping[str, str] | Pairs) -> list[tuple[str, str]]:
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def _named_in_connection(pairs: list[tuple[str, str]]) -> set[str]:
    return {
        token.strip().lower()
        for name, value in pairs
        if name.lower() == "connection"
        for token in value.split(",")
    }
