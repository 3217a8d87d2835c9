"""How each family of providers is addressed: URLs and headers.

Sources: the API references of OpenAI and Anthropic; vLLM's OpenAI-compatible server has OpenAI's
paths and needs no key.
"""

from collections.abc import Iterable
from typing import Final

from tokenhub.providers.presets import ANTHROPIC_APIS
from tokenhub.types import Api, CredStore, Provider, ProviderType
from tokenhub.wire.headers import forward_request_headers

_PATHS: Final = {
    Api.CHAT: "/chat/completions",
    Api.COMPLETIONS: "/completions",
    Api.RESPONSES: "/responses",
    Api.MESSAGES: "/messages",
    Api.COUNT_TOKENS: "/messages/count_tokens",
    Api.EMBEDDINGS: "/embeddings",
}
_VERSION: Final = ("anthropic-version", "2023-06-01")

Headers = list[tuple[str, str]]


def path(api: Api) -> str:
    """Return the path of `api` below a base URL, the same in every family that has it."""
    return _PATHS[api]


def url(provider: Provider, base_url: str, api: Api) -> str:
    """Return where `api` is called at `base_url`, one of the provider's `base_urls`."""
    return base_url + _PATHS[api]


def auth_headers(provider: Provider, key: str | None) -> dict[str, str]:
    """Return the headers that carry `key`: none without one.

    For `cred_store: client` the key is the client's whole `Authorization` value and goes out so.
    """
    if key is None:
        return {}
    if provider.cred_store is CredStore.CLIENT:
        return {"Authorization": key}
    if provider.auth_header is not None:
        return {provider.auth_header: key}
    if provider.type is ProviderType.ANTHROPIC:
        return {"x-api-key": key}
    return {"Authorization": f"Bearer {key}"}


def build_headers(
    provider: Provider, api: Api, client_headers: Iterable[tuple[str, str]], key: str | None
) -> Headers:
    """Return the headers of a call: the client's that may pass, then the provider's own.

    A header of the provider's row or of its authentication replaces the client's of that name.
    Anthropic's APIs get a version where neither names one.
    """
    own = {**provider.headers, **auth_headers(provider, key), "Accept-Encoding": "identity"}
    headers = forward_request_headers(client_headers, {name.lower() for name in own})
    headers.extend(own.items())
    if api in ANTHROPIC_APIS and not any(name.lower() == _VERSION[0] for name, _ in headers):
        headers.append(_VERSION)
    return headers
