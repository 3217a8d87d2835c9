"""The choice of a deployment for one request, with a reason for each that was left out."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from tokenhub.errors import RequestError
from tokenhub.providers.registry import Registry
from tokenhub.routing.names import resolve
from tokenhub.types import Api, Capability, Deployment, Provider

CONTEXT_HEADROOM = 1.15
"""A context must hold the estimated input and 15 % more (SPEC §4 "Eligible")."""


class Reason(StrEnum):
    """Why a deployment was left out; the first that applies, in this order."""

    DISABLED = "disabled"
    NOT_ALLOWED = "not_allowed"
    PROTOCOL = "protocol"
    CAPABILITY = "capability"
    CONTEXT = "context"
    CREDENTIALS = "credentials"
    VAULT_LOCKED = "vault_locked"
    NO_PRICE = "no_price"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the router; the callables answer for the world at this moment.

    `input_tokens` is the estimate for a deployment, `missing` says why a provider's key cannot be
    had now, `priced` whether a price is known (asked only where `needs_price`).
    """

    model: str | None
    api: Api
    capabilities: frozenset[Capability]
    needs_price: bool
    input_tokens: Callable[[Deployment], int]
    allowed: Callable[[Deployment], bool]
    missing: Callable[[Provider], Literal["credentials", "vault_locked"] | None]
    priced: Callable[[Deployment, Provider], bool]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A deployment that was left out, and why."""

    deployment: Deployment
    reason: Reason


@dataclass(frozen=True, slots=True)
class Choice:
    """The deployment that takes the request, in a word why, and the ones left out."""

    deployment: Deployment
    provider: Provider
    reason: str
    rejected: tuple[Rejected, ...]


def choose(registry: Registry, question: Question) -> Choice:
    """Pick the first eligible deployment that `question.model` names.

    First is the highest weight, then the lowest input price, then the provider's id. Raises
    BadRequest or a RequestError 404 for the name, 403 when the key may use none of its
    deployments, 503 with each one's reason when none is eligible.
    """
    named = resolve(registry, question.model)
    rejected: list[Rejected] = []
    for deployment in sorted(named.deployments, key=_order):
        provider = registry.providers[deployment.provider_id]
        reason = _left_out(deployment, provider, question)
        if reason is None:
            word = "pinned" if named.pinned else "named"
            return Choice(deployment, provider, word, tuple(rejected))
        rejected.append(Rejected(deployment, reason))
    raise _none_eligible(question.model, rejected)


def _order(deployment: Deployment) -> tuple[int, int, str]:
    price = deployment.prices.base.input_nano_per_1k if deployment.prices else 0
    return (-deployment.weight, price, deployment.provider_id)


def _left_out(deployment: Deployment, provider: Provider, question: Question) -> Reason | None:
    """The first reason that applies, None for an eligible deployment."""
    if not (deployment.enabled and provider.enabled):
        return Reason.DISABLED
    if not question.allowed(deployment):
        return Reason.NOT_ALLOWED
    if question.api not in provider.apis:
        return Reason.PROTOCOL
    if deployment.capabilities is not None and not question.capabilities <= deployment.capabilities:
        return Reason.CAPABILITY
    context = deployment.max_context_tokens
    if context is not None and question.input_tokens(deployment) * CONTEXT_HEADROOM > context:
        return Reason.CONTEXT
    if (missing := question.missing(provider)) is not None:
        return Reason(missing)
    if question.needs_price and not question.priced(deployment, provider):
        return Reason.NO_PRICE
    return None


def _none_eligible(model: str | None, rejected: list[Rejected]) -> RequestError:
    reasons = {one.reason for one in rejected}
    if reasons == {Reason.NOT_ALLOWED}:
        return RequestError(
            403, "model_not_allowed", f"this key may not use the model {model!r}", param="model"
        )
    if reasons == {Reason.VAULT_LOCKED}:
        message = f"the vault is locked and {model!r} needs a key from it: unlock the vault"
        return RequestError(503, "vault_locked", message, headers={"x-should-retry": "false"})
    each = ", ".join(f"{one.deployment.key} ({one.reason})" for one in rejected)
    message = f"no eligible model for {model!r}: {each}"
    return RequestError(503, "no_eligible_model", message, headers={"x-should-retry": "false"})
