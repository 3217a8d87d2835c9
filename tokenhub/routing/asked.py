"""What a client's `model` may mean: a name, a name at certain providers, or "you choose"."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Literal

from tokenhub.errors import RequestError
from tokenhub.providers.registry import Registry
from tokenhub.routing.policy import Mode, mode_of
from tokenhub.routing.steering import unknown_mode
from tokenhub.text import clean
from tokenhub.types import Deployment, per_request

_NONE: Final = frozenset[str]()
_NEAR: Final = 20
_SHOWN: Final = 3
"""So many names that resemble an unknown one are looked at, and so many usable ones are told."""


class Kind(Enum):
    """Whether the client named a model, named it at certain providers, or leaves the choice."""

    NAMED = auto()
    PINNED = auto()
    CHOICE = auto()


@per_request
class Asked:
    """What a request asks for.

    `deployments` are those that its `model` names, none for a choice. `providers` are the ids that
    nothing may leave, None where all will do. `mode` is that of `auto:<mode>`; `unknown` tells
    that the choice stands in for a name that nothing answers to.
    """

    kind: Kind
    model: str
    deployments: tuple[Deployment, ...] = ()
    providers: frozenset[str] | None = None
    mode: Mode | None = None
    unknown: bool = False


def _anything(_: Deployment) -> bool:
    return True


def read(
    registry: Registry,
    model: str | None,
    unknown_model: Literal["refuse", "route"] = "refuse",
    allowed: Callable[[Deployment], bool] = _anything,
) -> Asked:
    """Read `model`: a word for "choose", a registered id, else `<prefix>/…`, `<provider id>/…`.

    Raises BadRequest for `auto:` with something that is no mode, RequestError 404
    `model_not_found` with the nearest names of `allowed` models for a name that nothing answers
    to, unless those are to be routed (at the providers of its prefix, if it has one).
    """
    if not model or model in ("auto", "*"):
        return Asked(Kind.CHOICE, model or "auto")
    if model.startswith("auto:"):
        mode = mode_of(model[5:])
        if mode is None:
            raise unknown_mode(model[5:], "model")
        return Asked(Kind.CHOICE, model, mode=mode)
    if exact := registry.deployments(model):
        return Asked(Kind.NAMED, model, exact)
    prefix, slash, rest = model.partition("/")
    ids = frozenset(provider.id for provider in registry.with_prefix(prefix)) if slash else _NONE
    if found := tuple(row for row in registry.deployments(rest) if row.provider_id in ids):
        return Asked(Kind.PINNED, model, found, ids)
    if unknown_model == "route":
        return Asked(Kind.CHOICE, model, providers=ids or None, unknown=True)
    raise _not_found(registry, model, allowed)


def _not_found(
    registry: Registry, model: str, allowed: Callable[[Deployment], bool]
) -> RequestError:
    near = registry.nearest(model, _NEAR)
    usable = [name for name in near if any(map(allowed, registry.deployments(name)))]
    if usable:
        hint = f"nearest names: {', '.join(map(repr, usable[:_SHOWN]))}"
    elif registry.names():
        hint = "GET /v1/models lists the ones there are"
    else:
        hint = "no model is registered"
    message = f"unknown model {clean(model, 200)!r}: {hint}"
    return RequestError(404, "model_not_found", message, param="model")
