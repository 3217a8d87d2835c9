"""Which headers pass between client and provider."""

from collections.abc import Iterable, Mapping, Set
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
_OF_A_PROTOCOL: Final = ("anthropic-", "openai-", "x-stainless-")
_NOT_TO_CLIENT: Final = _HOP_BY_HOP | {
    "content-encoding",
    "content-length",
    "set-cookie",
    "x-request-id",
}
# What only we say: our own headers, and whom a browser lets read the answer.
_NOT_TO_CLIENT_PREFIXES: Final = ("access-control-", "x-inferoute-", "x-tokenhub-")


def forward_request_headers(
    headers: Mapping[str, str] | Pairs, replaced: Set[str] = frozenset()
) -> list[tuple[str, str]]:
    """The client's headers that the provider gets: order and spelling stay.

    Those named in `replaced` (lower case) are left out too.
    """
    return _passing(headers, _NOT_TO_PROVIDER, _NOT_TO_PROVIDER_PREFIXES, replaced)


def forward_response_headers(headers: Mapping[str, str] | Pairs) -> list[tuple[str, str]]:
    """The provider's headers that the client gets: order and spelling stay."""
    return _passing(headers, _NOT_TO_CLIENT, _NOT_TO_CLIENT_PREFIXES, frozenset())


def neutral(headers: Pairs) -> list[tuple[str, str]]:
    """The client's headers without those that mean something in its own protocol only."""
    return [pair for pair in headers if not pair[0].lower().startswith(_OF_A_PROTOCOL)]


def _passing(
    headers: Mapping[str, str] | Pairs,
    withheld: Set[str],
    prefixes: tuple[str, ...],
    replaced: Set[str],
) -> list[tuple[str, str]]:
    """What is not withheld, in one go: this is done twice for each request."""
    passed: list[tuple[str, str]] = []
    connection: list[str] = []
    for pair in headers.items() if isinstance(headers, Mapping) else headers:
        name = pair[0].lower()
        if name in withheld:
            if name == "connection":
                connection.append(pair[1])
        elif name not in replaced and not name.startswith(prefixes):
            passed.append(pair)
    if not connection:
        return passed
    named = {token.strip().lower() for value in connection for token in value.split(",")}
    return [pair for pair in passed if pair[0].lower() not in named]
