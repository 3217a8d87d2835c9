"""What is known of one request, from its arrival to its outcome."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tokenhub.dispatch.order import Progress
from tokenhub.dispatch.target import Target
from tokenhub.ledger.ledger import Charge, Reservation
from tokenhub.routing.explanation import to_columns
from tokenhub.routing.inquiry import inquiry, not_considered
from tokenhub.routing.question import Candidate, Decision
from tokenhub.routing.speech import spoken_by
from tokenhub.text import clean
from tokenhub.types import (
    Api,
    ApiKey,
    Attempt,
    DecisionRow,
    ErrorClass,
    Outcome,
    Usage,
    per_request,
)
from tokenhub.wire.request import RequestFacts

MODEL_CHARS = 200
"""So much of the model's name that a client asked for is kept."""


@per_request
class Redecided:
    """A choice made again `after` so many calls; `tried` are the keys that were planned before."""

    decision: Decision
    tried: frozenset[str]
    after: int


@dataclass(slots=True)
class Trip:
    """Gathers the facts of a request on its way; whole at every moment.

    `arrived_at` is monotonic seconds, `timestamp_ms` the same moment by the wall clock. Until
    something else is noted the trip counts as failed. `hedge_after_ms` is when it is to be hedged
    (0: never), `lost` the charge of the call that the one to `target` has overtaken then. `counted`
    is our own count where a count of tokens is all that is asked for; that is free. `charge` is
    what the client was told that it costs, where it was told.
    """

    request_id: str
    endpoint: str
    client: str
    key: ApiKey
    timestamp_ms: int
    arrived_at: float
    model_requested: str = ""
    stream: bool = False
    input_tokens: int = 0
    max_output_tokens: int | None = None
    decision: Decision | None = None
    redecided: Redecided | None = None
    plan: list[Candidate] = field(default_factory=list)
    reservation: Reservation | None = None
    hedge_after_ms: int = 0
    lost: Charge | None = None
    status: int = 500
    error_class: str | None = "internal_error"
    counted: int | None = None
    charge: Charge | None = None
    progress: Progress = field(default_factory=Progress)

    def asks(self, facts: RequestFacts) -> None:
        """The body was read."""
        self.model_requested = clean(facts.model or "", MODEL_CHARS)
        self.stream = facts.stream
        self.input_tokens = facts.input_tokens
        self.max_output_tokens = facts.max_output_tokens

    def answered(self) -> None:
        """The client got its answer, or its stream as far as it went."""
        self.status, self.error_class = 200, self.progress.stream_error

    def failed(self, status: int, error_class: str) -> None:
        """The client got an error, or went away."""
        self.status, self.error_class = status, error_class

    def decided(self, decision: Decision) -> list[Target]:
        """Who is to be tried was decided, perhaps anew; return those that are new in the plan.

        The first decision stays the one that is told of, what was decided anew is told beside it.
        """
        known = {one.deployment.key for one in self.plan}
        if self.decision is None:
            self.decision = decision
        else:
            self.redecided = Redecided(decision, frozenset(known), len(self.progress.attempts))
        new = [one for one in decision.plan if one.deployment.key not in known]
        self.plan += new
        return [Target(one.deployment, one.provider, one.api) for one in new]

    def asked_otherwise(self, target: Target, api: Api) -> Target:
        """`target` is to be asked by another `api`, since its provider lacks the first one."""
        self.plan = [
            one._replace(api=api, reason=spoken_by(one.reason, api))
            if one.deployment is target.deployment
            else one
            for one in self.plan
        ]
        return Target(target.deployment, target.provider, api)

    @property
    def target(self) -> Target | None:
        """Whoever was called last; before that, who is to be called first."""
        if self.progress.target is None and self.plan:
            return Target(self.plan[0].deployment, self.plan[0].provider, self.plan[0].api)
        return self.progress.target

    @property
    def candidate(self) -> Candidate | None:
        """What was decided about `target`."""
        target = self.target
        if target is None:
            return None
        return next(one for one in self.plan if one.deployment is target.deployment)

    def usage(self) -> Usage | None:
        """The tokens to charge: as reported for a whole answer, else by what had arrived.

        None when nothing had arrived, or nothing that the client got.
        """
        progress, reported = self.progress, self.progress.usage
        aborted = self.error_class == ErrorClass.CANCELLED
        if not progress.answered and (reported is None or not aborted):
            return None
        if reported is not None and self.error_class is None:
            return reported
        return self.used_by(progress)

    def used_by(self, progress: Progress) -> Usage:
        """Our estimate of the tokens of a call that was not whole, by what had arrived of it."""
        counted = progress.usage or Usage(input_tokens=self.input_tokens)
        output_tokens = max(counted.output_tokens, progress.output_tokens_seen)
        return replace(counted, output_tokens=output_tokens, estimated=True)

    def outcome(self, now: float, charge: Charge) -> Outcome:
        """Everything that is kept of the request; `now` is monotonic seconds."""
        progress, target, candidate = self.progress, self.target, self.candidate
        latency_s = now - self.arrived_at
        first_token_at = progress.first_token_at
        return Outcome(
            request_id=self.request_id,
            timestamp_ms=self.timestamp_ms,
            api_key_id=self.key.id,
            client=self.client,
            endpoint=self.endpoint,
            stream=self.stream,
            model_requested=self.model_requested,
            mode="" if self.decision is None else self.decision.mode.value,
            reason="" if candidate is None else candidate.reason,
            status=self.status,
            latency_ms=latency_s * 1000,
            model=target.deployment.id if target else None,
            provider_id=target.provider.id if target else None,
            usage=self.usage() or Usage(),
            prices=charge.prices,
            cost_nano=charge.cost_nano,
            fee_nano=charge.fee_nano,
            estimated=charge.estimated,
            ttft_ms=None if first_token_at is None else (first_token_at - self.arrived_at) * 1000,
            overhead_ms=max(0.0, latency_s - progress.waited_s) * 1000,
            error_class=self.error_class,
            attempts=self._attempts(charge),
        )

    def _attempts(self, charge: Charge) -> tuple[Attempt, ...]:
        """The calls; the last one, which the client got something of, bears its own cost."""
        attempts = self.progress.attempts
        if not attempts or not charge.cost_nano:
            return tuple(attempts)
        own_nano = charge.cost_nano - (0 if self.lost is None else self.lost.cost_nano)
        return (*attempts[:-1], replace(attempts[-1], cost_nano=own_nano))

    def decision_row(self, outcome: Outcome) -> DecisionRow | None:
        """What is kept of the decision, None where none was made."""
        if (decision := self.decision) is None:
            return None
        first = self.plan[0] if self.plan else None
        asked = (self.model_requested or "auto", self.input_tokens, self.max_output_tokens)
        return DecisionRow(
            request_id=self.request_id,
            timestamp_ms=self.timestamp_ms,
            mode=outcome.mode,
            reason=decision.reason,
            model_id=first.deployment.id if first else None,
            provider_id=first.provider.id if first else None,
            columns=partial(_told, decision, self.redecided, asked, outcome.usage),
            attempts=outcome.attempts,
            estimated_cost_nano=first.estimate_nano if first else None,
            cost_nano=outcome.cost_nano,
        )


def _told(
    decision: Decision, again: Redecided | None, asked: tuple[str, int, int | None], usage: Usage
) -> dict[str, Any]:
    """What is kept of a decision, of the one in its place, of what was asked and of what came."""
    used = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    told = {
        **to_columns(decision),
        "not_considered": not_considered(decision),
        "request": inquiry(decision.brief, *asked),
        "usage": {**used, "estimated": usage.estimated},
    }
    if again is not None:
        told["redecided"] = {
            "after_attempts": again.after,
            **to_columns(again.decision, again.tried),
            "not_considered": not_considered(again.decision),
        }
    return told
