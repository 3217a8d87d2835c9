"""Repeats a call without what it was refused for, and remembers what a provider does not take.

For each cause there is one repetition at most: the usage that a stream was asked for, blocks of
thinking that are not the model's own, the summary of its thinking, thinking at all. All calls to a
target count alike, so that it is called MAX_CALLS times in all; what was found out stays in the
request's progress, for the repetitions that a passing fault brings.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from tokenhub.dispatch.failover import MAX_CALLS
from tokenhub.dispatch.letter import letter
from tokenhub.dispatch.order import Order, Progress
from tokenhub.dispatch.provenance import Provenance
from tokenhub.dispatch.repair import AS_IT_IS, Repair, repair_of
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.thinking_option import ThinkingOption, less_thinking
from tokenhub.dispatch.usage_option import UsageOption, names_option
from tokenhub.errors import UpstreamError

_REFUSALS: Final = (400, 422)
_UNCOUNTED: Final = Repair(uncounted=True)
T = TypeVar("T")


class Concessions:
    """Makes the calls of one kind to one target until one is not refused."""

    def __init__(self, provenance: Provenance, monotonic: Callable[[], float]) -> None:
        self._provenance = provenance
        self._usage = UsageOption()
        self._thinking = ThinkingOption(monotonic)

    async def run(
        self,
        order: Order,
        target: Target,
        progress: Progress,
        call: Callable[[Repair], Awaitable[T]],
    ) -> T:
        """Return what `call` gives; raises what its last repetition raises."""
        progress.turn_to(target)
        usual = self._usual(order, target)
        repair = progress.repair or usual
        while True:
            try:
                answered = await call(repair)
            except UpstreamError as error:
                if progress.calls_here >= MAX_CALLS:
                    raise
                better = self._better(error, order, target, repair)
                if better is None:
                    raise
                repair = progress.repair = better
                continue
            if repair is not usual:
                self._learn(repair, usual, target)
            return answered

    def _usual(self, order: Order, target: Target) -> Repair:
        """What is left out from the start, by what is known of the target."""
        counted = order.facts.stream and self._usage.wanted(order, target)
        usual = AS_IT_IS if counted else _UNCOUNTED
        return usual if target.api is order.api else self._thinking.usual(usual, target)

    def _better(
        self, error: UpstreamError, order: Order, target: Target, repair: Repair
    ) -> Repair | None:
        """How to repeat a call as `repair` has it that failed; None where that is of no use."""
        if error.status not in _REFUSALS:
            return None
        ask_usage = not repair.uncounted
        if ask_usage and names_option(error):
            return replace(repair, uncounted=True)
        sent = letter(order, target, repair, ask_usage=ask_usage).body
        ways: Iterable[Repair] = ()
        found = repair_of(error, target.api, sent, order.knowledge, target)
        if found is not None:
            ways = _both(repair, found)
        elif target.api is not order.api:
            ways = less_thinking(error, repair)
        for way in ways:
            if letter(order, target, way, ask_usage=ask_usage).body != sent:
                return way
        return None

    def _learn(self, repair: Repair, usual: Repair, target: Target) -> None:
        """Remember what the provider refused, now that it has served the request without."""
        if repair.uncounted and not usual.uncounted:
            self._usage.refused_by(target.provider)
        if (repair.unasked and not usual.unasked) or (repair.unshown and not usual.unshown):
            self._thinking.learn(repair, target)
        self._provenance.refused(repair.refused, target)


def _both(repair: Repair, found: Repair) -> Iterable[Repair]:
    """`repair` with what was `found` to be left out beside it; nothing for the same cause again."""
    if not (repair.refused and found.refused):
        refused = repair.refused | found.refused
        unthinking = repair.unthinking or found.unthinking
        yield replace(repair, refused=refused, unthinking=unthinking)
