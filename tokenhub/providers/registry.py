"""The immutable snapshot of providers and deployments that every request reads."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from tokenhub.types import Deployment, Provider

_NAME_CHARS_COMPARED = 100
"""The nearest names are looked for by this many characters of a client's text."""
_NAMES_COMPARED = 50
"""So many names are compared closely, which takes some 60 µs each: more would hold the loop."""
_GRAM_CHARS = 3


def _any_name(_: str) -> bool:
    return True


class Registry:
    """Providers and their deployments at one moment; never changes, so it needs no lock."""

    __slots__ = ("_by_key", "_by_name", "_by_prefix", "_folded", "_names", "providers")

    providers: Mapping[str, Provider]

    def __init__(self, providers: Iterable[Provider], deployments: Iterable[Deployment]) -> None:
        """Index the rows; deployments of a provider that is not among `providers` are left out."""
        known = {provider.id: provider for provider in providers}
        self.providers = MappingProxyType(known)
        ordered = sorted(
            (row for row in deployments if row.provider_id in known),
            key=lambda row: (row.id, row.provider_id),
        )
        by_name: dict[str, list[Deployment]] = {}
        for row in ordered:
            by_name.setdefault(row.id, []).append(row)
        by_prefix: dict[str, list[Provider]] = {}
        for provider in sorted(known.values(), key=lambda provider: provider.id):
            by_prefix.setdefault(provider.prefix or provider.id, []).append(provider)
        self._by_name = {name: tuple(rows) for name, rows in by_name.items()}
        self._by_prefix = {prefix: tuple(found) for prefix, found in by_prefix.items()}
        self._by_key = {(row.provider_id, row.id): row for row in ordered}
        self._names = tuple(
            name
            for name, rows in self._by_name.items()
            if any(row.enabled and known[row.provider_id].enabled for row in rows)
        )
        self._folded = tuple((name.lower(), name) for name in self._names)

    @classmethod
    def build(cls, providers: Iterable[Provider], deployments: Iterable[Deployment]) -> "Registry":
        """Return the snapshot of these rows (see `__init__`)."""
        return cls(providers, deployments)

    def deployments(self, name: str) -> tuple[Deployment, ...]:
        """Return all deployments of `name`, disabled ones too, by provider id; empty if unknown."""
        return self._by_name.get(name, ())

    def deployment(self, provider_id: str, model_id: str) -> Deployment | None:
        """Return the one deployment `<provider_id>/<model_id>`."""
        return self._by_key.get((provider_id, model_id))

    def all_deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, by name and then provider id."""
        return tuple(self._by_key.values())

    def names(self) -> tuple[str, ...]:
        """Return the sorted names that an enabled deployment of an enabled provider has."""
        return self._names

    def with_prefix(self, prefix: str) -> tuple[Provider, ...]:
        """Return the providers that `<prefix>/…` means.

        These are the ones with that prefix; where there is none, the provider with that id; else
        nothing.
        """
        found = self._by_prefix.get(prefix)
        if found is not None:
            return found
        named = self.providers.get(prefix)
        return () if named is None else (named,)

    def nearest(
        self, name: str, n: int = 3, allowed: Callable[[str], bool] = _any_name
    ) -> tuple[str, ...]:
        """Return up to `n` names that are usable now and resemble `name`, the closest first.

        Only names for which `allowed` is true are returned.
        """
        wanted = name[:_NAME_CHARS_COMPARED].lower()
        folded = {fold: known for fold, known in self._folded if allowed(known)}
        alike = folded if len(folded) <= _NAMES_COMPARED else _alike(wanted, folded)
        return tuple(folded[close] for close in get_close_matches(wanted, alike, n, 0.4))


def _alike(wanted: str, names: Iterable[str]) -> list[str]:
    """Return the names that share the most runs of three characters with `wanted`."""
    last = max(1, len(wanted) - _GRAM_CHARS + 1)
    grams = {wanted[start : start + _GRAM_CHARS] for start in range(last)}

    def shared(name: str) -> int:
        return sum(map(name.__contains__, grams))

    return heapq.nlargest(_NAMES_COMPARED, names, key=shared)


class RegistryHolder:
    """Where the snapshot in force is found; a request reads `current` once and keeps it."""

    def __init__(self, registry: Registry) -> None:
        self.current = registry

    def replace(self, registry: Registry) -> None:
        """Put `registry` in force for requests that begin from now on."""
        self.current = registry
