"""What can take a request, and for each deployment that cannot the first reason that applies.

In two steps, since the later reasons compare deployments with each other: `Screening` looks at
each on its own, `within` at what those that are left will take in time and money.
"""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final, NamedTuple

from tokenhub.errors import BadRequest
from tokenhub.routing.asked import Kind
from tokenhub.routing.contenders import Contender
from tokenhub.routing.money import dollars
from tokenhub.routing.question import Limits, Question, Reason, Rejected
from tokenhub.routing.speech import is_openai, told
from tokenhub.types import Api, Capability, Cost, Deployment, Provider
from tokenhub.wire.delicate import refused

HEADROOM_PERCENT: Final = 115
"""A context must hold the estimated input and 15 % more."""

_EMBEDS_ONLY: Final = frozenset({Capability.EMBEDDINGS})

Why = tuple[Reason, str]


class Entry(NamedTuple):
    """A contender that nothing of its own speaks against, and what is known of it.

    `latency_ms` is the predicted time to the first token of a stream, else to the whole answer;
    it and `failure_rate` are None while it is untried, `cost` where no price is known. A provider
    that is `degraded` has just failed a few times in a row. `api` is what it would be asked by.
    """

    deployment: Deployment
    provider: Provider
    api: Api
    rank: int
    listed: bool
    latency_ms: float | None
    failure_rate: float | None
    cost: Cost | None
    degraded: bool


class _Standing(NamedTuple):
    """What holds for all deployments of one provider; `mute` is said where there is no `api`."""

    provider: Provider
    api: Api | None
    mute: Why
    pinned_out: bool
    late: Why | None
    degraded: bool


class Screening:
    """Screens the contenders for one question; each provider is looked at once."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._standings: dict[str, _Standing] = {}
        self._embeds = question.api is Api.EMBEDDINGS

    def screen(self, contenders: Iterable[Contender]) -> tuple[list[Entry], list[Rejected]]:
        """Return the contenders that are left, and the others with their reasons."""
        question, standings = self._question, self._standings
        observed, cost, stream = question.observed, question.cost, question.stream
        entries: list[Entry] = []
        rejected: list[Rejected] = []
        for deployment, rank, listed in contenders:
            standing = standings.get(deployment.provider_id) or self._look_at(deployment)
            why, api = self._why_not(deployment, standing, rank), standing.api
            if why is not None or api is None:
                rejected.append(Rejected(deployment, *(why or standing.mute)))
                continue
            provider, seen = standing.provider, observed(deployment)
            entries.append(
                Entry(
                    deployment,
                    provider,
                    api,
                    rank,
                    listed,
                    seen.ttft_ms if stream else seen.latency_ms,
                    seen.failure_rate,
                    cost(deployment, provider),
                    standing.degraded,
                )
            )
        return entries, rejected

    def _look_at(self, deployment: Deployment) -> _Standing:
        question = self._question
        provider = question.registry.providers[deployment.provider_id]
        providers = question.asked.providers
        condition = question.provider_condition(provider)
        why: Why | None = None
        if condition.missing is not None:
            why = _MISSING[condition.missing]
        elif condition.down:
            why = (Reason.PROVIDER_DOWN, "its provider keeps failing and is left alone for now")
        elif (until_ms := condition.cooling_until_ms) is not None and until_ms > question.now_ms:
            seconds = (until_ms - question.now_ms) / 1000
            why = (Reason.COOLING_DOWN, f"its provider is left alone for {seconds:.1f} s more")
        elif condition.offline:
            why = (Reason.OFFLINE, "no provider beyond this network can be reached")
        pinned_out = providers is not None and provider.id not in providers
        api = question.spoken(provider)
        mute = (Reason.PROTOCOL, f"its provider has no {question.api} API")
        if isinstance(api, BadRequest):
            mute = (Reason.PROTOCOL, told(api, question.api))
            api = None
        standing = _Standing(provider, api, mute, pinned_out, why, condition.degraded)
        self._standings[provider.id] = standing
        return standing

    def _why_not(self, deployment: Deployment, standing: _Standing, rank: int) -> Why | None:
        question, provider = self._question, standing.provider
        if not (deployment.enabled and provider.enabled):
            whose = "its provider" if deployment.enabled else "it"
            return Reason.DISABLED, f"{whose} is switched off"
        if not question.allowed(deployment):
            return Reason.NOT_ALLOWED, "the key may not use it"
        if standing.pinned_out:
            return Reason.PINNED, "not at a provider that the model's name asks for"
        if standing.api is None:
            return standing.mute
        why = self._incapable(deployment.capabilities) or self._delicate(deployment, standing, rank)
        if why is not None:
            return why
        if deployment.weight < question.policy.min_weight:
            least = question.policy.min_weight
            return Reason.MIN_WEIGHT, f"its weight {deployment.weight} is less than {least}"
        context = deployment.max_context_tokens
        if context is not None:
            tokens = question.input_tokens(deployment)
            if tokens * HEADROOM_PERCENT > context * 100:
                needed = -(-tokens * HEADROOM_PERCENT // 100)
                told = f"{tokens} input tokens + {HEADROOM_PERCENT - 100} % margin = {needed}"
                return Reason.CONTEXT, f"{told}, more than its {context}"
        return standing.late

    def _incapable(self, can: frozenset[Capability] | None) -> Why | None:
        """Why a model with these capabilities cannot do it: one that only embeds cannot talk."""
        needed = self._question.capabilities
        if can is None:
            return None
        if not needed <= can:
            missing = needed - can
            return Reason.CAPABILITY, f"it cannot do {', '.join(sorted(missing))}"
        if can == _EMBEDS_ONLY and not self._embeds:
            return Reason.CAPABILITY, "it can only make embeddings"
        return None

    def _delicate(self, deployment: Deployment, standing: _Standing, rank: int) -> Why | None:
        """Why a model would refuse a field; who named it is told so by its provider instead."""
        question = self._question
        if not question.delicate or standing.api is not question.api:
            return None  # in a translation it is left out
        if rank == 0 and question.asked.kind is not Kind.CHOICE:
            return None
        if question.api is not Api.MESSAGES and not is_openai(standing.provider):
            return None  # whose models may be called alike, and take what those do not
        field = refused(question.api, deployment.upstream_name, question.delicate)
        return None if field is None else (Reason.CAPABILITY, f"it does not take {field}")


_MISSING: Final = {
    "credentials": (Reason.CREDENTIALS, "there is no key for its provider"),
    "vault_locked": (Reason.VAULT_LOCKED, "its provider's key is in the vault, which is locked"),
}


def within(entries: Sequence[Entry], limits: Limits) -> tuple[list[Entry], list[Rejected]]:
    """Return the entries that keep the limits, and the others with their reasons.

    An untried deployment is expected to take as long as the median of the others.
    """
    if limits == NO_LIMITS:
        return list(entries), []
    limit_ms = limits.latency_ms
    usual_ms = 0.0 if limit_ms is None else _usual_ms(entries)
    kept: list[Entry] = []
    rejected: list[Rejected] = []
    for entry in entries:
        why: Why | None = None
        if limit_ms is not None:
            expected_ms = usual_ms if entry.latency_ms is None else entry.latency_ms
            if expected_ms > limit_ms:
                told = f"{expected_ms:.0f} ms are expected, the limit is {limit_ms} ms"
                why = (Reason.LATENCY, told)
        if why is None:
            why = _too_dear(entry.cost, limits)
        if why is None:
            kept.append(entry)
        else:
            estimate_nano = None if entry.cost is None else entry.cost[0]
            rejected.append(Rejected(entry.deployment, *why, estimate_nano))
    return kept, rejected


NO_LIMITS: Final = Limits(None, False, None, None)


def _usual_ms(entries: Sequence[Entry]) -> float:
    """The median of the latencies that are known, 0 where none is."""
    known = [entry.latency_ms for entry in entries if entry.latency_ms is not None]
    return median(known) if known else 0.0


def _too_dear(cost: Cost | None, limits: Limits) -> Why | None:
    if cost is None:
        if limits.needs_price:
            return Reason.NO_PRICE, "its price is not known, and there is a budget"
        return None
    expected, most = cost[0], cost[1]
    budget, room = limits.budget_nano, limits.room_nano
    if budget is not None and expected > budget:
        return Reason.BUDGET, f"about {dollars(expected)}, the limit is {dollars(budget)}"
    if room is not None and 0 < most > room:
        left = dollars(max(0, room))
        return Reason.KEY_BUDGET, f"up to {dollars(most)}, the budgets have {left} left"
    return None
