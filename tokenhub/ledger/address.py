"""Whether a provider is on a machine of one's own, where tokens cost nothing."""

from functools import lru_cache

from tokenhub.providers.urls import is_private
from tokenhub.types import Provider


def is_local(provider: Provider) -> bool:
    """Tell whether all of the provider's endpoints are on loopback or private addresses."""
    return _all_local(provider.base_urls)


@lru_cache(maxsize=1024)
def _all_local(base_urls: tuple[str, ...]) -> bool:
    return all(is_private(url) for url in base_urls)
