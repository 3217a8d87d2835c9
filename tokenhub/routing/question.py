"""What a decision is asked, and what it answers."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tokenhub.errors import BadRequest, RequestError
from tokenhub.providers.registry import Registry
from tokenhub.routing.asked import Asked, Kind
from tokenhub.routing.policy import Mode, Policy, RoutingConfig
from tokenhub.routing.speech import Lacks, Obstacle, Thinks, nothing_sealed, spoken
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
    `delicate` are the fields of the request that some models of its API refuse.
    `sealed` tells whether the request holds thinking that its maker has sealed.
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
    delicate: tuple[str, ...] = ()
    sealed: Thinks = nothing_sealed

    def spoken(self, provider: Provider) -> Api | BadRequest | None:
        """By which API `provider` takes the request, or what keeps it from that."""
        return spoken(self.api, provider, self.lacks, self.obstacle, self._thinks)

    def _thinks(self) -> bool:
        return Capability.REASONING in self.capabilities or self.sealed()


class Limits(NamedTuple):
    """What an answer may take; None is no limit. `room_nano` is what the budgets can still hold."""

    latency_ms: int | None
    needs_price: bool
    budget_nano: int | None
    room_nano: int | None


class Brief(NamedTuple):
    """A question as far as it is kept: nothing that holds on to the request's body.

    `named` are the deployments that the client named, `unknown` is as in `Asked`. `limits` are
    those in force; `hurried` tells that none could keep the latency limit, so that only speed
    counted.
    """

    registry: Registry
    kind: Kind
    unknown: bool
    named: tuple[Deployment, ...]
    api: Api
    stream: bool
    capabilities: frozenset[Capability]
    policy: Policy
    config: RoutingConfig
    substitutes: bool
    limits: Limits
    hurried: bool


class Rejected(NamedTuple):
    """A deployment that was left out, why, and in what respect.

    `estimate_nano` is the probable cost of one that was too dear.
    """

    deployment: Deployment
    reason: Reason
    detail: str
    estimate_nano: int | None = None


class Candidate(NamedTuple):
    """A deployment that can take the request, by its provider's `api`.

    A lower `score` is better among those of one `rank`, which is 0 for what was asked for; `cost`
    is None where no price is known. `reason` is what a client is told if this one answers.
    """

    deployment: Deployment
    provider: Provider
    score: float
    cost: Cost | None
    reason: str
    rank: int
    api: Api

    @property
    def estimate_nano(self) -> int | None:
        """The probable cost, None where no price is known."""
        return None if self.cost is None else self.cost.expected_nano

    @property
    def substitution(self) -> bool:
        """Whether it is not the model that was named."""
        return self.rank > 0


class Column(NamedTuple):
    """One term of the score over all eligible deployments, row by row.

    `raw` is in the term's own unit, `normalised` 0..1 over the eligible set; `assumed` are the
    numbers of the rows of which nothing is known, `raised` of those that count for worse than they
    were seen to be. A score is the sum of `weight` x `normalised`.
    """

    name: str
    weight: float
    raw: Sequence[float]
    normalised: Sequence[float]
    assumed: Sequence[int]
    raised: Sequence[int] = ()


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
    brief: Brief
    refusal: RequestError | None = None
