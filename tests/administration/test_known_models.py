import asyncio
from collections.abc import Sequence

from tokenhub.administration.known_models import LOOKUPS_AT_ONCE, KnownModels
from tokenhub.providers.catalogue import CatalogueEntry
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.spec import ModelSpec, ProviderSpec, resolve


async def test_many_models_at_once_do_not_ask_the_catalogue_all_at_once() -> None:
    running = most = 0

    async def lookup(names: Sequence[tuple[str, str]]) -> list[CatalogueEntry | None]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return [None] * len(names)

    upstream = AiohttpUpstream({})
    known = KnownModels(upstream, ProviderKeys(lambda _: None, {}), lookup, lambda: 0)
    provider = resolve(ProviderSpec.parse({"id": "openai"}))
    spec = ModelSpec.parse({"id": "m", "provider_id": "openai"})
    try:
        await asyncio.gather(*(known.completed(spec, provider) for _ in range(50)))
    finally:
        await upstream.close()
    assert most == LOOKUPS_AT_ONCE
