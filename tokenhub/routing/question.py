"""What a decision is asked, and what it answers."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tokenhub.errors import RequestError
from tokenhub.providers.registry import Registry
from tokenhub.routing.asked import Asked
from tokenhub.routing.policy import Mode, Policy, RoutingConfig
from tokenhub.routing.speech import Lacks, Obstacle
from tokenhub.types import (
    Api,
    Capability,
    Cost,
    Deployment,
    Observed,
    Provider,
    ProviderCondition,
    per_request,
)


class Reason(StrEnum):
    """Why a deployment was left out; the first that applies, in this order."""

    DISABLED = "disabled"
    NOT_ALLOWED = "not_allowed"
    PINNED = "pinned"
    PROTOCOL = "protocol"
    CAPABILITY = "capability"
    MIN_WEIGHT = "min_weight"
    CONTEXT = "context"
    CREDENTIALS = "credentials"
    VAULT_LOCKED = "vault_locked"
    PROVIDER_DOWN = "provider_down"
    COOLING_DOWN = "cooling_down"
    OFFLINE = "offline"
    LATENCY = "latency"
    NO_PRICE = "no_price"
    BUDGET = "budget"
    KEY_BUDGET = "key_budget"


@per_request
class Question:
    """What is asked of the router; the callables answer for the world at this moment.

    `capabilities` are those that the request uses; `allowed` tells whether the key may use a
    deployment, `lacks` whether a provider turned out not to have an API, `obstacle` what of the
    request cannot be said in another API, `input_tokens` how a deployment would probably count
    the input; `cost` is None where no price is known, which will not do where `needs_price`.
    `key_room_nano` is what the budgets that cover the key can still hold, None where there is
    none. `provider_condition` is asked once for each provider, `cost` and `observed` only for what
    is not left out before. Without `substitutes` only what the client named comes into question.
    """

    registry: Registry
    asked: Asked
    api: Api
    stream: bool
    capabilities: frozenset[Capability]
    policy: Policy
    config: RoutingConfig
    allowed: Callable[[Deployment], bool]
    input_tokens: Callable[[Deployment], int]
    lacks: Lacks
    obstacle: Obstacle
    provider_condition: Callable[[Provider], ProviderCondition]
    observed: Callable[[Deployment], Observed]
    cost: Callable[[Deployment, Provider], Cost | None]
    needs_price: bool
    key_room_nano: int | None
    now_ms: int
    substitutes: bool = True


class Rejected(NamedTuple):
    """A deployment that was left out, why, and in what respect."""

    deployment: Deployment
    reason: Reason
    detail: str


class Candidate(NamedTuple):
    """A deployment that can take the request, by its provider's `api`.

    A lower `score` is better. `estimate_nano` is the probable cost, None where no price is known.
    `reason` is what a client is told if this is the one that answers; `substitution` tells that it
    is not the model that was named.
    """

    deployment: Deployment
    provider: Provider
    score: float
    estimate_nano: int | None
    reason: str
    substitution: bool
    api: Api


class Column(NamedTuple):
    """One term of the score over all eligible deployments, row by row.

    `raw` is in the term's own unit, `normalised` 0..1 over the eligible set; `assumed` are the
    numbers of the rows of which nothing is known. A score is the sum of `weight` x `normalised`.
    """

    name: str
    weight: float
    raw: Sequence[float]
    normalised: Sequence[float]
    assumed: Sequence[int]


@per_request
class Decision:
    """What was decided and why.

    `plan` are the candidates in the order in which they are to be tried; empty where none can take
    the request: then `refusal` is what the client is to be told, else None. `eligible` has the
    candidates that the `columns` are about, row by row, and `order` the numbers of those rows,
    best first.
    """

    mode: Mode
    reason: str
    plan: tuple[Candidate, ...]
    eligible: tuple[Candidate, ...]
    order: tuple[int, ...]
    columns: tuple[Column, ...]
    rejected: tuple[Rejected, ...]
    refusal: RequestError | None = None
