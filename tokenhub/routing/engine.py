"""The decision: which deployments take a request, in which order, and why.

Pure: the same question gives the same decision. It is made for every request, so it works on
columns and makes no more objects than the answer needs.
"""

from collections.abc import Sequence
from typing import Final

from tokenhub.errors import RequestError
from tokenhub.routing.asked import Kind
from tokenhub.routing.contenders import contenders
from tokenhub.routing.eligibility import Entry, Screening, within
from tokenhub.routing.policy import Mode
from tokenhub.routing.question import (
    Brief,
    Candidate,
    Column,
    Decision,
    Limits,
    Question,
    Reason,
    Rejected,
)
from tokenhub.routing.refusal import not_allowed, refusal
from tokenhub.routing.scoring import columns_of, scores_of
from tokenhub.types import Api

_NOT_ALLOWED: Final = "the key may not use it"
_OWN: Final = {Kind.NAMED: "named", Kind.PINNED: "pinned"}


def decide(question: Question) -> Decision:
    """Decide `question`; where nothing can take the request the decision holds the `refusal`.

    A named model whose every deployment is forbidden to the key is refused, not replaced:
    substitutes are for failures.
    """
    own, limits = question.asked.deployments, _limits(question)
    if own and not any(map(question.allowed, own)):
        forbidden = [Rejected(row, Reason.NOT_ALLOWED, _NOT_ALLOWED) for row in own]
        return _refused(question, limits, forbidden, not_allowed(question))
    screened, rejected = Screening(question).screen(contenders(question))
    kept, too_much, hurried = _limited(question, screened, limits)
    rejected += too_much
    if not kept:
        return _refused(question, limits, rejected, refusal(question, rejected, screened))
    return _ranked(question, kept, rejected, _brief(question, limits, hurried=hurried))


def _brief(question: Question, limits: Limits, *, hurried: bool) -> Brief:
    asked = question.asked
    return Brief(
        question.registry,
        asked.kind,
        asked.unknown,
        asked.deployments,
        question.api,
        question.stream,
        question.capabilities,
        question.policy,
        question.config,
        question.substitutes,
        limits,
        hurried,
    )


def _refused(
    question: Question, limits: Limits, rejected: Sequence[Rejected], error: RequestError
) -> Decision:
    brief = _brief(question, limits, hurried=False)
    return Decision(question.policy.mode, error.code, (), (), (), (), tuple(rejected), brief, error)


def _limited(
    question: Question, entries: list[Entry], limits: Limits
) -> tuple[list[Entry], list[Rejected], bool]:
    """What keeps the limits, what does not, and whether only speed is to count.

    The default latency limit gives way where it would leave nothing: then the fastest goes first.
    """
    kept, rejected = within(entries, limits)
    if kept or limits.latency_ms is None or question.policy.latency_given:
        return kept, rejected, False
    kept, rejected = within(entries, limits._replace(latency_ms=None))
    return kept, rejected, True


def _limits(question: Question) -> Limits:
    """The limits in force: the defaults are only for what the router chooses itself."""
    policy = question.policy
    chooses = question.asked.kind is Kind.CHOICE
    by_default = chooses and policy.mode is not Mode.HIGH_CONFIDENCE
    budget, ceiling = policy.max_budget_nano, policy.max_budget_nano_ceiling
    if not (policy.budget_given or by_default):
        budget = ceiling
    return Limits(
        latency_ms=policy.max_latency_ms if policy.latency_given or chooses else None,
        needs_price=question.needs_price or policy.budget_given or ceiling is not None,
        budget_nano=budget,
        room_nano=question.key_room_nano,
    )


def _ranked(
    question: Question, entries: list[Entry], rejected: list[Rejected], brief: Brief
) -> Decision:
    hurried = brief.hurried
    mode = question.policy.mode
    columns = columns_of(entries, mode)
    scores = scores_of(columns)
    order = _order(entries, columns, scores, hurried=hurried)
    eligible = _candidates(question, entries, scores, _why_substituted(question, rejected))
    best = order[0]
    if question.asked.kind is Kind.CHOICE:
        reason = _spoken(question, eligible[best].api, _reason(question, hurried=hurried))
        eligible[best] = eligible[best]._replace(reason=reason)
    return Decision(
        mode=mode,
        reason=eligible[best].reason,
        plan=_plan(question, [eligible[row] for row in order]),
        eligible=tuple(eligible),
        order=tuple(order),
        columns=columns,
        rejected=tuple(rejected),
        brief=brief,
    )


def _order(
    entries: list[Entry], columns: tuple[Column, ...], scores: list[float], *, hurried: bool
) -> list[int]:
    """The rows of `entries`, the one to try first in front: by rank, score, price and id."""
    cost, latency, _, _ = columns
    first = latency.raw if hurried else scores
    keys = [
        (entry.rank, figure, price, entry.deployment.id, entry.provider.id)
        for entry, figure, price in zip(entries, first, cost.raw, strict=True)
    ]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _plan(question: Question, ranked: list[Candidate]) -> tuple[Candidate, ...]:
    """The candidates that may be tried.

    A choice that may not fall back, or is of embeddings, which two models make differently, is as
    if the best model had been named.
    """
    fixed = question.api is Api.EMBEDDINGS or not question.policy.fallback
    if question.asked.kind is Kind.CHOICE and fixed:
        name = ranked[0].deployment.id
        return tuple([one for one in ranked if one.deployment.id == name])
    return tuple(ranked)


def _why_substituted(question: Question, rejected: list[Rejected]) -> str:
    """What the named model cannot be told, where that is why others take its place."""
    own = question.asked.deployments
    mute = [
        one.detail for one in rejected if one.reason is Reason.PROTOCOL and one.deployment in own
    ]
    return f": {mute[0]}" if mute and len(mute) == len(own) else ""


def _candidates(
    question: Question, entries: list[Entry], scores: list[float], why: str
) -> list[Candidate]:
    """The eligible ones with what a client is told if one of them answers.

    `why` is added to what is told of substitutes.
    """
    asked = question.asked
    listed = f"substitute for {asked.model!r} (listed){why}"
    equivalent = f"substitute for {asked.model!r} (equivalent){why}"
    own = _OWN.get(asked.kind)
    if own is None:
        own = f"auto:{question.policy.mode.value}: next best"
    candidates = []
    for (deployment, provider, api, rank, is_listed, _, _, cost, _), score in zip(
        entries, scores, strict=True
    ):
        reason = own
        if rank:
            reason = listed if is_listed else equivalent
        reason = _spoken(question, api, reason)
        candidates.append(Candidate(deployment, provider, score, cost, reason, rank, api))
    return candidates


def _spoken(question: Question, api: Api, reason: str) -> str:
    """`reason`, and whether the request has to be translated."""
    return reason if api is question.api else f"{reason}, translated to the {api} API"


def _reason(question: Question, *, hurried: bool) -> str:
    """What a client is told of the best choice."""
    policy = question.policy
    chosen = f"auto:{policy.mode.value}"
    if question.asked.unknown:
        chosen += " for an unknown model"
    if hurried:
        return f"{chosen}: the fastest, none takes {policy.max_latency_ms} ms or less"
    return f"{chosen}: best score"
