"""Repeats a call without what it was refused for, and remembers what a provider does not take.

Each repetition leaves out one thing more: the usage that a stream was asked for, blocks of thinking
that are not the model's own, and of what is said of thinking first the part that the refusal names
(its summary, how much to think), then all. None is left out twice. All calls to a target count
alike, so that it is called MAX_CALLS times in all; what was found out stays in the request's
progress, for the repetitions that a passing fault brings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from tokenhub.dispatch.failover import MAX_CALLS
from tokenhub.dispatch.letter import Letter, letter
from tokenhub.dispatch.order import Order, Progress
from tokenhub.dispatch.provenance import Provenance
from tokenhub.dispatch.repair import AS_IT_IS, Repair, repair_of
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.thinking_option import ThinkingOption, less_thinking
from tokenhub.dispatch.usage_option import UsageOption, names_option
from tokenhub.errors import UpstreamError
from tokenhub.wire.translation.interpreter import LONG_BYTES

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
        call: Callable[[Repair, Letter], Awaitable[T]],
    ) -> T:
        """Return what `call` gives, which is told what is left out and what it is to send.

        Raises what its last repetition raises, and BadRequest where the order cannot be written.
        """
        progress.turn_to(target)
        before = repair = progress.repair or self._usual(order, target)
        sent = await _written(order, target, repair)
        while True:
            try:
                answered = await call(repair, sent)
            except UpstreamError as error:
                if error.status not in _REFUSALS or progress.calls_here >= MAX_CALLS:
                    raise
                better = await _better(error, order, target, repair, sent)
                if better is None:
                    raise
                before, (repair, sent) = repair, better
                progress.repair = repair
                continue
            if repair is not before:
                self._learn(repair, before, target)
            return answered

    def _usual(self, order: Order, target: Target) -> Repair:
        """What is left out from the start, by what is known of the target."""
        counted = order.facts.stream and self._usage.wanted(order, target)
        usual = AS_IT_IS if counted else _UNCOUNTED
        return usual if target.api is order.api else self._thinking.usual(usual, target)

    def _learn(self, repair: Repair, before: Repair, target: Target) -> None:
        """Remember what the provider refused, now that it has served the request without.

        That is only what the last step left out: the refusals before it did not cease with what was
        left out then. A provider that refuses several things shows them in as many requests. After
        a passing fault nothing is learned.
        """
        if repair.uncounted and not before.uncounted:
            self._usage.refused_by(target.provider)
        self._thinking.learn(repair, before, target)
        self._provenance.refused(repair.refused - before.refused, target)


async def _better(
    error: UpstreamError, order: Order, target: Target, repair: Repair, sent: Letter
) -> tuple[Repair, Letter] | None:
    """How to repeat a call that was refused as `repair` has it; None where that is of no use."""
    if not repair.uncounted and names_option(error):
        better = replace(repair, uncounted=True)
        return better, await _written(order, target, better)
    look = partial(repair_of, error, target.api, sent.body, order.knowledge, target)
    found = await asyncio.to_thread(look) if len(sent.body) > LONG_BYTES else look()
    ways: Iterable[Repair] = ()
    if found is not None:
        ways = _both(repair, found)
    elif target.api is not order.api:
        ways = less_thinking(error, repair)
    for way in ways:
        written = await _written(order, target, way)
        if written.body != sent.body:
            return way, written
    return None


async def _written(order: Order, target: Target, repair: Repair) -> Letter:
    """The letter; a long one that takes work is written in a thread, while others have turns."""
    write = partial(letter, order, target, repair, ask_usage=not repair.uncounted)
    changed = target.api is not order.api or order.knowledge.seals
    if changed and len(order.document.body) > LONG_BYTES:
        return await asyncio.to_thread(write)
    return write()


def _both(repair: Repair, found: Repair) -> Iterable[Repair]:
    """`repair` with what was `found` to be left out beside it; nothing for the same cause again."""
    again = (repair.refused and found.refused) or (repair.unthinking and found.unthinking)
    if not again:
        refused = repair.refused | found.refused
        unthinking = repair.unthinking or found.unthinking
        yield replace(repair, refused=refused, unthinking=unthinking)
