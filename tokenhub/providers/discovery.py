"""Asks a provider which models it has, and what it says about them.

Sources: `GET /v1/models` of OpenAI and Anthropic (paged), and the fields that others add to it:
vLLM's `max_model_len`, OpenRouter's `context_length` and `pricing`, Groq's `context_window`,
Mistral's `max_context_length`.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote

import orjson

from tokenhub.errors import UpstreamError
from tokenhub.providers.adapters import build_headers
from tokenhub.providers.failure import classify
from tokenhub.providers.fields import is_model_id
from tokenhub.providers.pricing import nano_per_1k
from tokenhub.providers.upstream import Upstream, UpstreamRequest
from tokenhub.types import Api, ErrorClass, Prices, Provider, ProviderType, Rates

MAX_MODELS: Final = 5000
"""A list is cut after this many."""

_DEADLINE_S: Final = 30.0
_MAX_BODY_BYTES: Final = 16 << 20
_MAX_PAGES: Final = 20
_MAX_TOKENS: Final = 1_000_000_000
_CONTEXT_FIELDS: Final = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
)
_OUTPUT_FIELDS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Discovered:
    """A model that a provider lists; None where it does not say."""

    id: str
    max_context_tokens: int | None = None
    max_output_tokens: int | None = None
    prices: Prices | None = None


async def discover(
    upstream: Upstream, provider: Provider, key: str | None, now_ms: int
) -> list[Discovered]:
    """Return the models of `provider` by id, asking its first endpoint with `key` if there is one.

    Raises `UpstreamError`, also when it takes longer than 30 s in all.
    """
    found: dict[str, Discovered] = {}
    query = "?limit=1000" if provider.type is ProviderType.ANTHROPIC else ""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            for _ in range(_MAX_PAGES):
                page = await _page(upstream, provider, key, query, now_ms)
                found.update((model.id, model) for model in _models(_entries(page)))
                last = page.get("last_id") if isinstance(page, dict) else None
                if not _more(page) or not isinstance(last, str) or len(found) >= MAX_MODELS:
                    break
                query = f"?limit=1000&after_id={quote(last, safe='')}"
    except TimeoutError:
        raise UpstreamError(
            ErrorClass.TRANSIENT, f"no list of models within {_DEADLINE_S:g} s"
        ) from None
    return [found[model_id] for model_id in sorted(found)][:MAX_MODELS]


async def _page(
    upstream: Upstream, provider: Provider, key: str | None, query: str, now_ms: int
) -> Any:
    api = Api.MESSAGES if provider.type is ProviderType.ANTHROPIC else Api.CHAT
    request = UpstreamRequest(
        method="GET",
        url=f"{provider.base_urls[0]}/models{query}",
        headers=build_headers(provider, api, (), key),
        connect_s=provider.timeouts.connect_s,
        proxy=provider.proxy,
        ca_file=provider.ca_file,
    )
    response = await upstream.send(request)
    try:
        body = await response.read(_MAX_BODY_BYTES)
    finally:
        response.close()
    if not 200 <= response.status < 300:
        raise classify(
            provider.type,
            response.status,
            response.headers,
            body,
            path="/models",
            model="",
            now_ms=now_ms,
        )
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _not_a_list() from None


def _entries(page: Any) -> list[Any]:
    entries = page.get("data") if isinstance(page, dict) else page  # Together sends the bare list
    if not isinstance(entries, list):
        raise _not_a_list()
    return entries


def _more(page: Any) -> bool:
    return isinstance(page, dict) and page.get("has_more") is True


def _models(entries: Iterable[Any]) -> Iterable[Discovered]:
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            continue
        model_id = entry["id"].removeprefix("models/")  # Google's lists have it, its calls not
        if is_model_id(model_id):
            yield Discovered(
                model_id,
                _first_tokens(entry, _CONTEXT_FIELDS),
                _first_tokens(entry, _OUTPUT_FIELDS)
                or _first_tokens(entry.get("top_provider"), _OUTPUT_FIELDS),
                _prices(entry.get("pricing")),
            )


def _first_tokens(entry: Any, names: Iterable[str]) -> int | None:
    if not isinstance(entry, dict):
        return None
    values = (entry.get(name) for name in names)
    return next((v for v in values if type(v) is int and 0 < v <= _MAX_TOKENS), None)


def _prices(pricing: Any) -> Prices | None:
    """Read OpenRouter's prices: USD per token, as text; negative ones mean "it depends"."""
    if not isinstance(pricing, dict):
        return None
    prompt, completion = _nano(pricing.get("prompt")), _nano(pricing.get("completion"))
    if prompt is None or completion is None:
        return None
    return Prices(
        Rates(
            prompt,
            completion,
            cached_input_nano_per_1k=_nano(pricing.get("input_cache_read")),
            cache_write_5m_nano_per_1k=_nano(pricing.get("input_cache_write")),
        )
    )


def _nano(per_token: Any) -> int | None:
    if not isinstance(per_token, str) or len(per_token) > 40:
        return None
    try:
        usd = Decimal(per_token)
    except InvalidOperation:
        return None
    return nano_per_1k(usd * 1000) if usd.is_finite() and 0 <= usd <= 1 else None


def _not_a_list() -> UpstreamError:
    return UpstreamError(ErrorClass.TRANSIENT, "expected a list of models, got another answer")
