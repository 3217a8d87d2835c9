"""Puts a request's question together from what other rooms know at this moment, and decides it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tokenhub.health.monitor import HealthMonitor
from tokenhub.ledger.ledger import Ledger
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import RegistryHolder
from tokenhub.routing import asked
from tokenhub.routing.asked import Kind
from tokenhub.routing.engine import decide
from tokenhub.routing.policy import Policy, PolicyHolder, Steering, policy_for
from tokenhub.routing.question import Decision, Question
from tokenhub.routing.speech import Obstacle, Thinks, no_obstacle, nothing_sealed
from tokenhub.types import (
    Api,
    ApiKey,
    Clock,
    Deployment,
    Observed,
    Provider,
    ProviderCondition,
    per_request,
)
from tokenhub.wire.request import RequestFacts


@per_request
class Wish:
    """What a request wants, and of whom it comes.

    `key` None is nobody's budget; `allowed` tells whether a deployment may be used at all;
    `client_authorization` is what a provider of `cred_store: client` would get; `obstacle` is what
    keeps the request from being translated to another API, `sealed` whether it holds thinking that
    its maker has sealed.
    """

    facts: RequestFacts
    steering: Steering
    key: ApiKey | None
    allowed: Callable[[Deployment], bool]
    client_authorization: str | None = None
    obstacle: Obstacle = no_obstacle
    sealed: Thinks = nothing_sealed


@per_request
class Ruling:
    """A decision and the question that it answers."""

    question: Question
    decision: Decision

    @property
    def policy(self) -> Policy:
        """The policy in force for the request."""
        return self.question.policy

    @property
    def whole(self) -> bool:
        """Whether all were looked at that may take the request in the end."""
        return self.question.substitutes or self.question.asked.kind is Kind.CHOICE


class Router:
    """Decides requests, and simulated ones alike."""

    def __init__(
        self,
        *,
        registry: RegistryHolder,
        policies: PolicyHolder,
        keys: ProviderKeys,
        health: HealthMonitor,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._policies = policies
        self._keys = keys
        self._health = health
        self._ledger = ledger
        self._clock = clock

    def decide(self, wish: Wish, *, substitutes: bool = False) -> Ruling:
        """Return what is decided for the request, by the policy that is in force.

        What a named model may become is looked at only where it matters from the start: nothing
        of that name can serve, money or time must be kept for it, or `substitutes` are asked for.
        Raises BadRequest or RequestError 404 for a `model` that means nothing.
        """
        config, registry, facts = self._policies.current, self._registry.current, wish.facts
        wanted = asked.read(registry, facts.model, config.unknown_model, wish.allowed)
        policy = policy_for(config, wish.steering, wanted.mode)
        key = wish.key
        room_nano = None if key is None else self._ledger.room_nano(key)
        question = Question(
            registry=registry,
            asked=wanted,
            api=facts.api,
            stream=facts.stream,
            capabilities=facts.capabilities,
            policy=policy,
            config=config,
            allowed=wish.allowed,
            input_tokens=partial(self._ledger.corrected, tokens=facts.input_tokens),
            lacks=self._health.lacking.lacks,
            obstacle=wish.obstacle,
            provider_condition=partial(self._condition, wish.client_authorization),
            observed=self._observed,
            cost=partial(self._ledger.cost, facts),
            needs_price=room_nano is not None,
            key_room_nano=room_nano,
            now_ms=self._clock.now_ms(),
            substitutes=substitutes or room_nano is not None or policy.latency_given,
            sealed=wish.sealed,
            delicate=facts.delicate,
        )
        decision = decide(question)
        if not decision.plan and not question.substitutes:
            question = replace(question, substitutes=True)
            decision = decide(question)
        if not decision.plan and question.delicate and wanted.kind is Kind.CHOICE:
            # What a provider says about the field helps more than that nobody takes it.
            question = replace(question, delicate=())
            decision = decide(question)
        return Ruling(question, decision)

    def substitutes(self, ruling: Ruling) -> Decision:
        """Decide again, as things are now, with all that the named model may become."""
        return decide(replace(ruling.question, substitutes=True))

    def other_api(self, ruling: Ruling, provider: Provider) -> Api | None:
        """Return the API by which to ask a provider that turned out to lack the one first chosen.

        None where it has no other one that would do.
        """
        found = ruling.question.spoken(provider)
        return found if isinstance(found, Api) else None

    def used(self) -> None:
        """A request came; to be called for each one before its decision."""
        self._health.used()

    def _observed(self, deployment: Deployment) -> Observed:
        return self._health.observed(deployment.key)

    def _condition(self, authorization: str | None, provider: Provider) -> ProviderCondition:
        condition = self._health.condition(provider)
        missing = self._keys.missing(provider, authorization)
        return condition if missing is None else replace(condition, missing=missing)
