"""The one failover, for streams and whole answers: who is called next, and when it is over.

At most MAX_DEPLOYMENTS deployments are tried in the order of the plan, each called at most
MAX_CALLS times. What a failure means for the rest of the plan is its class's business: a provider
at its limit, without a valid key or without money is passed over with all its models, a context
that was too small leaves the larger ones, a passing fault is tried again first. An error that is
the request's own ends the road at once.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tokenhub.dispatch.order import Order, Progress
from tokenhub.dispatch.retry_budget import Repeats, RetryBudget
from tokenhub.dispatch.target import Target
from tokenhub.errors import (
    AllFailed,
    DeadlinePassed,
    NotPermitted,
    UpstreamError,
    VaultUnavailable,
)
from tokenhub.types import Clock, ErrorClass

MAX_DEPLOYMENTS = 5
MAX_CALLS = 3
FIRST_PAUSE_S = 0.1

_PROVIDERS_OWN = frozenset({ErrorClass.RATE_LIMITED, ErrorClass.AUTH, ErrorClass.BUDGET})
"""Failures that all models of a provider share."""

T = TypeVar("T")
Call = Callable[[Target], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Failover:
    """Walks a plan until a call succeeds."""

    retries: RetryBudget
    clock: Clock

    async def run(self, order: Order, rest: "Rest", call: Call[T], progress: Progress) -> T:
        """Return what the first good `call` of a target in `rest` gives.

        Raises UpstreamError for an error that is the request's own, AllFailed when nobody is left,
        VaultUnavailable when nobody but those whose keys are in the vault was, DeadlinePassed when
        the order's own deadline came first.
        """
        walk = _Walk(order, progress, self.clock, Repeats(self.retries))
        progress.on_commit = walk.committed
        try:
            return await _first_good(walk, rest, call)
        finally:
            walk.repeats.over()


async def _first_good(walk: "_Walk", rest: "Rest", call: Call[T]) -> T:
    failures, locked = rest.failures, None
    while len(failures) + rest.running < MAX_DEPLOYMENTS and (target := rest.next()) is not None:
        last = rest.empty or len(failures) + rest.running == MAX_DEPLOYMENTS - 1
        rest.running += 1
        try:
            return await walk.at(target, call, last=last)
        except NotPermitted:
            continue
        except VaultUnavailable as error:
            locked = error
        except UpstreamError as error:
            if error.error_class is ErrorClass.INVALID:
                raise
            rest.failed(target, error)
        finally:
            rest.running -= 1
        if rest.running:
            break
    if rest.running:
        raise AllFailed(failures)  # the other walk goes on
    if locked is not None and not failures:
        raise locked
    if failures and failures[-1].error_class is ErrorClass.CONTEXT_OVERFLOW:
        raise failures[-1]
    raise AllFailed(failures)


def _no_other(_: Target) -> Target | None:
    """What there is where nobody can be asked in another way."""
    return None


class Rest:
    """Who may still be called: a plan, and what `more` adds when nobody of it is left.

    `otherwise` gives another way to ask a target whose provider turned out to lack the API.
    `running` is how many are called at this moment, `failures` is what the others came to: both
    by all walks of the request, of which hedging has two.
    """

    def __init__(
        self,
        plan: Sequence[Target],
        more: Callable[[], Sequence[Target]] | None,
        otherwise: Callable[[Target], Target | None] = _no_other,
    ) -> None:
        self._plan = list(plan)
        self._more = more
        self._otherwise = otherwise
        self.running = 0
        self.failures: list[UpstreamError] = []
        self._providers: set[str] = set()
        self._context = -1

    @property
    def empty(self) -> bool:
        """Whether nobody is left."""
        return not self._plan and self._more is None

    def next(self) -> Target | None:
        """Take the next one, None when nobody is left."""
        if not self._plan and self._more is not None:
            more, self._more = self._more, None
            self._plan = list(more())
            self._sift()
        return self._plan.pop(0) if self._plan else None

    def failed(self, target: Target, error: UpstreamError) -> None:
        """Note a failure, and pass over those that would fail in the same way."""
        self.failures.append(error)
        if error.error_class in _PROVIDERS_OWN:
            self._providers.add(target.provider.id)
        elif error.error_class is ErrorClass.CONTEXT_OVERFLOW:
            # Of a context that nobody knows any other one may be larger.
            self._context = max(self._context, target.deployment.max_context_tokens or 0)
        elif error.error_class is ErrorClass.UNSUPPORTED:
            self._ask_otherwise(target, all_models=error.api_missing)
        self._sift()

    def _ask_otherwise(self, failed: Target, *, all_models: bool) -> None:
        """Ask `failed` by another API, with `all_models` also the others of its provider."""

        def again(one: Target) -> list[Target]:
            other = self._otherwise(one)
            return [] if other is None or _alike(other, failed) else [other]

        plan = again(failed)
        for one in self._plan:
            plan += again(one) if all_models and _alike(one, failed) else [one]
        self._plan = plan

    def _sift(self) -> None:
        self._plan = [
            one
            for one in self._plan
            if one.provider.id not in self._providers and _context(one) > self._context
        ]
        if self._context >= 0:
            self._plan.sort(key=_context)


def _alike(one: Target, other: Target) -> bool:
    """Whether both are asked by the same API of the same provider."""
    return one.api is other.api and one.provider.id == other.provider.id


class _TooSlow(UpstreamError):
    """A target did not answer in its share of the deadline: the rest is for the others."""

    def __init__(self, share_s: float) -> None:
        message = f"no answer within its share of the deadline, {share_s:.1f} s"
        super().__init__(ErrorClass.TRANSIENT, message)


@dataclass(slots=True)
class _Walk:
    """The calls that one order makes."""

    order: Order
    progress: Progress
    clock: Clock
    repeats: Repeats
    scope: asyncio.Timeout | None = None

    def committed(self) -> None:
        """The client gets what the present call brings: no other follows.

        A stream that has begun is not cut: the deadline was for its first content.
        """
        self.repeats.over()
        if self.scope is not None:
            self.scope.reschedule(None)

    async def at(self, target: Target, call: Call[T], *, last: bool) -> T:
        """Call `target`, after a passing fault again; `last` tells that nobody comes after it."""
        try:
            return await self._in_time(target, call, last=last)
        except UpstreamError as error:
            failed = error
        for pause_s in _pauses():
            if not await self._may_repeat(failed, pause_s):
                break
            try:
                return await self._in_time(target, call, last=last)
            except (NotPermitted, VaultUnavailable):
                break
            except UpstreamError as error:
                failed = error
        self.repeats.over()
        raise failed

    async def _may_repeat(self, failed: UpstreamError, pause_s: float) -> bool:
        """Wait for `pause_s` and tell that the call may be repeated, or at once that it may not."""
        if (
            failed.error_class is not ErrorClass.TRANSIENT
            or isinstance(failed, _TooSlow)
            or self.progress.calls_here >= MAX_CALLS
            or self._left_s() <= pause_s
            or not self.repeats.one_more()
        ):
            return False
        await asyncio.sleep(pause_s)
        self.progress.waited_s += pause_s
        return True

    async def _in_time(self, target: Target, call: Call[T], *, last: bool) -> T:
        """One call, ended by the client's own deadline; half of the time is left for the others."""
        if self.order.deadline is None:
            return await call(target)
        left_s = self._left_s()
        if left_s <= 0:
            raise DeadlinePassed
        share_s = left_s if last else left_s / 2
        try:
            async with asyncio.timeout(share_s) as self.scope:
                return await call(target)
        except TimeoutError:
            if last:
                raise DeadlinePassed from None
            raise _TooSlow(share_s) from None
        finally:
            self.scope = None

    def _left_s(self) -> float:
        if self.order.deadline is None:
            return math.inf
        return self.order.deadline - self.clock.monotonic()


def _pauses() -> list[float]:
    """Seconds before each repetition: 100 ms and double, up to half of it taken off at random."""
    return [
        FIRST_PAUSE_S * 2**n * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, no secret
        for n in range(MAX_CALLS - 1)
    ]


def _context(target: Target) -> float:
    """Tokens of context; one that is not known is taken to hold anything."""
    tokens = target.deployment.max_context_tokens
    return math.inf if tokens is None else tokens
