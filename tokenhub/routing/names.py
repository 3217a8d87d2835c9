"""What a client's `model` may mean: a name, a deployment, a provider-prefixed name."""

from dataclasses import dataclass

from tokenhub.errors import BadRequest, RequestError
from tokenhub.providers.registry import Registry
from tokenhub.text import clean
from tokenhub.types import Deployment


@dataclass(frozen=True, slots=True)
class Named:
    """The deployments that a client's `model` names, and whether it pinned their provider."""

    deployments: tuple[Deployment, ...]
    pinned: bool


def resolve(registry: Registry, model: str | None) -> Named:
    """Read `model`: a registered id, else `<prefix>/…`, else `<provider id>/…`.

    Raises BadRequest for a name that asks the router to choose, RequestError 404
    `model_not_found` with the nearest names for one that nothing answers to.
    """
    if model is None or model in ("auto", "*") or model.startswith("auto:"):
        came = "absent" if model is None else repr(model)
        raise BadRequest(f"model: expected the name of a model, got {came}", param="model")
    if exact := registry.deployments(model):
        return Named(exact, pinned=False)
    prefix, slash, rest = model.partition("/")
    if slash and (pinned := _prefixed(registry, prefix, rest, model)):
        return Named(pinned, pinned=True)
    raise _unknown(registry, model)


def _prefixed(registry: Registry, prefix: str, rest: str, model: str) -> tuple[Deployment, ...]:
    """The deployments of `rest` at the providers that `prefix` means."""
    found = (
        registry.deployment(provider.id, name)
        for provider in registry.with_prefix(prefix)
        for name in (rest, model)
    )
    return tuple(deployment for deployment in found if deployment is not None)


def _unknown(registry: Registry, model: str) -> RequestError:
    if nearest := registry.nearest(model):
        hint = f"nearest names: {', '.join(map(repr, nearest))}"
    elif registry.names():
        hint = "GET /v1/models lists the ones there are"
    else:
        hint = "no model is registered"
    message = f"unknown model {clean(model, 200)!r}: {hint}"
    return RequestError(404, "model_not_found", message, param="model")
