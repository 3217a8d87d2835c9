"""Which deployments come into question for a request, and in what order of precedence."""

from collections.abc import Iterable, Iterator
from typing import Final

from tokenhub.providers.registry import Registry
from tokenhub.routing.asked import Kind
from tokenhub.routing.question import Question
from tokenhub.types import Api, Deployment

_Found = dict[tuple[str, str], "Contender"]

WEIGHT_BELOW: Final = 3
"""So much less than the named model may an equivalent one weigh."""


Contender = tuple[Deployment, int, bool]
"""A deployment in question, its rank, and whether it was listed as a fallback.

A lower rank goes first, whatever the scores; rank 0 is what was asked for.
"""


def contenders(question: Question) -> list[Contender]:
    """Return the deployments in question, each once, lowest rank first.

    For a choice these are all; for a name its own, then the fallbacks that its rows list, then
    its equivalents. Embeddings of two models do not compare, so those have no equivalents. Those
    that a pin excludes are among them: they are left out by name. Nothing but the name's own where
    the question is without substitutes.
    """
    asked, config = question.asked, question.config
    if asked.kind is Kind.CHOICE:
        return [(row, 0, False) for row in question.registry.all_deployments()]
    own = question.registry.deployments(asked.deployments[0].id)
    found: _Found = {(row.provider_id, row.id): (row, 0, False) for row in own}
    if question.substitutes and question.policy.fallback and config.named_fallback != "none":
        _add(found, _listed(question.registry, asked.deployments))
        if config.named_fallback == "equivalent" and question.api is not Api.EMBEDDINGS:
            last = max(rank for _, rank, _ in found.values())
            _add(found, _equivalents(question, last + 1))
    return list(found.values())


def _add(found: _Found, more: Iterable[Contender]) -> None:
    for contender in more:
        row = contender[0]
        found.setdefault((row.provider_id, row.id), contender)


def _listed(registry: Registry, named: Iterable[Deployment]) -> Iterator[Contender]:
    """The fallbacks of the named rows in their order; those of one name are equal in rank."""
    names = dict.fromkeys(name for row in named for name in row.fallbacks)
    for rank, name in enumerate(names, 1):
        for row in _addressed(registry, name):
            yield row, rank, True


def _addressed(registry: Registry, name: str) -> tuple[Deployment, ...]:
    """What a fallback addresses: `<provider_id>/<id>`, else all deployments of a name."""
    provider_id, _, id = name.partition("/")
    one = registry.deployment(provider_id, id)
    return registry.deployments(name) if one is None else (one,)


def _equivalents(question: Question, rank: int) -> Iterator[Contender]:
    """Every model that is not much lighter than the named one, preferred providers first."""
    least = max(row.weight for row in question.asked.deployments) - WEIGHT_BELOW
    backups = question.config.backup_providers
    ranks = {id: rank + place for place, id in enumerate(backups)}
    others = rank + len(backups)
    for row in question.registry.all_deployments():
        if row.weight >= least:
            yield row, ranks.get(row.provider_id, others), False
