"""Optional hedging: a request to which nothing has come after a while is also sent to the next.

It then has two walks (see `failover`) over one plan. Each goes by all the rules of a walk and has
a progress of its own; one whose target has failed ends, and leaves the rest to the other. The
first commit wins: at that moment the other walk is cancelled, which closes its connection, and
what its call had used is charged beside the winner's. `trip.progress` is that of the walk which
speaks to the client: the first one's, until the second has won or is alone. Before its commit a
walk has nothing for the client but keep-alives, and those of the other one go nowhere.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from tokenhub.dispatch.attempts import Attempts
from tokenhub.dispatch.failover import Failover, Rest
from tokenhub.dispatch.order import Headers, Order, Progress, ProviderAnswer, StreamClient
from tokenhub.dispatch.refusal import Unserved
from tokenhub.dispatch.routing_headers import routing_headers
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.trip import Trip
from tokenhub.ledger.ledger import Charge
from tokenhub.routing.router import Ruling
from tokenhub.types import Api, Deployment, ErrorClass, Provider, Usage

Charging = Callable[[Deployment, Provider, Usage | None], Charge]
"""What tokens cost at a deployment; `ledger.Ledger.charge` is one."""
_NOT_TWICE: Final = frozenset({Api.EMBEDDINGS, Api.COUNT_TOKENS})
Answered = ProviderAnswer | None
"""A whole answer, None for a stream, which has been delivered."""


def hedge_after_ms(ruling: Ruling) -> int:
    """Return after how many ms a request is hedged, 0 for never.

    Embeddings and counts are not, nor is a request that gave a budget: two calls could cost more.
    """
    if ruling.question.api in _NOT_TWICE or ruling.policy.budget_given:
        return 0
    return ruling.question.config.hedge_after_ms


def to_reserve(trip: Trip, most_nano: Sequence[int], room_nano: int | None) -> int:
    """Return what to hold for a hedged request: the price of the two dearest of its plan.

    `most_nano` is what each may cost. Where there is room for one only, it is not hedged.
    """
    both_nano = sum(sorted(most_nano)[-2:])
    if room_nano is None or both_nano <= room_nano:
        return both_nano
    trip.hedge_after_ms = 0
    return max(most_nano)


def with_lost(charge: Charge, lost: Charge) -> Charge:
    """Return what a request costs whose winner costs `charge` and the other one `lost`."""
    return replace(charge, cost_nano=charge.cost_nano + lost.cost_nano, estimated=True)


class Hedge:
    """Serves requests with a second walk where the first is slow."""

    def __init__(self, attempts: Attempts, failover: Failover, charge: Charging) -> None:
        self._attempts = attempts
        self._failover = failover
        self._charge = charge

    async def run(self, order: Order, rest: Rest, client: StreamClient, trip: Trip) -> Answered:
        """Return what the winner brings; raises what `Failover.run` raises.

        The second walk begins `trip.hedge_after_ms` after the first, unless that has committed.
        """
        race = _Race(partial(self._walk, order, rest), client, trip)
        try:
            return await race.run(trip.hedge_after_ms / 1000)
        finally:
            await race.close(self._charge)

    def _walk(self, order: Order, rest: Rest, runner: "_Runner") -> Coroutine[Any, Any, Answered]:
        attempts, progress = self._attempts, runner.progress

        async def call(target: Target) -> Answered:
            if not order.facts.stream:
                return await attempts.answer(order, target, progress)
            await attempts.stream(order, target, runner, progress, _added_by_the_runner)
            return None

        return self._failover.run(order, rest, call, progress)


class _Progress(Progress):
    """Tells the race of its commit."""

    __slots__ = ("on_win",)

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.on_win: Callable[[], None] | None = None

    def commit(self) -> None:
        """From here on the client gets what this walk brings, and nothing of the other."""
        super().commit()
        if self.on_win is not None:
            self.on_win()
            self.on_win = None


class _Runner:
    """One walk, and the client's end as this walk sees it: it is heard only when it speaks."""

    def __init__(self, race: "_Race", progress: _Progress) -> None:
        self.progress = progress
        self.overtaken = False
        self._client = race.client
        self._trip = race.trip
        progress.on_win = partial(race.won_by, self)
        self.task = asyncio.get_running_loop().create_task(
            race.walk(self), name=f"walk {race.trip.request_id}"
        )

    @property
    def over(self) -> bool:
        """Whether its end, which must have come, has no word for the client: the other's counts."""
        return self.task.cancelled() or isinstance(self.task.exception(), Unserved)

    @property
    def started(self) -> bool:
        """Whether anybody has started the response."""
        return self._client.started

    @property
    def connected(self) -> bool:
        """Whether the client is still there."""
        return self._client.connected

    async def start(self, headers: Headers) -> None:
        """Start the response; it names who speaks and how many calls there have been."""
        if self._speaks:
            await self._client.start([*headers, *routing_headers(self._trip)])

    async def write(self, data: bytes) -> None:
        """Send events."""
        if self._speaks:
            await self._client.write(data)

    async def finish(self) -> None:
        """End the response."""
        await self._client.finish()

    @property
    def _speaks(self) -> bool:
        return self._trip.progress is self.progress


class _Race:
    """The walks of one request."""

    def __init__(
        self,
        walk: Callable[[_Runner], Coroutine[Any, Any, Answered]],
        client: StreamClient,
        trip: Trip,
    ) -> None:
        self.walk = walk
        self.client = client
        self.trip = trip
        self._runners: list[_Runner] = []
        self._winner: _Runner | None = None

    async def run(self, after_s: float) -> Answered:
        """Start one walk and, if nothing came of it for `after_s`, the other; return the winner's.

        Raises what the last of them raises, or the one whose error is the request's own.
        """
        first = self._start(_Progress())
        self._speaks(first)
        await asyncio.wait({first.task}, timeout=after_s)
        if not first.task.done() and not first.progress.answered:
            self._start(_Progress(waited_s=after_s, spoke_at=first.progress.spoke_at))
        last = await self._last()
        if not isinstance(last.task.exception(), ConnectionError):
            self.won_by(last)  # who leaves has overtaken nobody
        return last.task.result()

    def won_by(self, winner: _Runner) -> None:
        """Let the client have what `winner` brings, and end the other; the first one counts."""
        if self._winner is not None:
            return
        self._winner = winner
        self._speaks(winner)
        for other in self._others(winner):
            other.overtaken = other.task.cancel()

    async def close(self, charge: Charging) -> None:
        """End what still runs, and put what was called, and is to be paid for, into the trip."""
        for runner in self._runners:
            if not runner.task.cancelling():
                runner.task.cancel()
        try:
            await asyncio.gather(*(runner.task for runner in self._runners), return_exceptions=True)
        finally:
            for runner in self._runners:
                if runner.progress is not self.trip.progress:
                    self._count(runner, charge)

    async def _last(self) -> _Runner:
        """Wait for the one whose end is the request's."""
        running = self._runners
        while True:
            tasks = [runner.task for runner in running]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for runner in running:
                if self._winner in (None, runner) and runner.task.done() and not runner.over:
                    return runner
            left = [runner for runner in running if not runner.task.done()]
            if not left:
                return running[-1]
            running = left
            self._speaks(running[0])

    def _start(self, progress: _Progress) -> _Runner:
        runner = _Runner(self, progress)
        self._runners.append(runner)
        return runner

    def _others(self, runner: _Runner) -> list[_Runner]:
        return [one for one in self._runners if one is not runner]

    def _speaks(self, runner: _Runner) -> None:
        """Let `runner` stand for the request; the calls of both are the request's."""
        for other in self._others(runner):
            runner.progress.calls += other.progress.calls
            other.progress.calls = 0
        self.trip.progress = runner.progress

    def _count(self, silent: _Runner, charge: Charging) -> None:
        """Put the calls of the other walk before the last one of that which stands for the request.

        Its cancelled one is charged; where the client has left, only if any use was reported.
        """
        trip, progress, theirs = self.trip, silent.progress, silent.progress.attempts
        cancelled = bool(theirs) and theirs[-1].error_class is ErrorClass.CANCELLED
        if cancelled and (silent.overtaken or progress.usage) and progress.target is not None:
            target = progress.target
            trip.lost = charge(target.deployment, target.provider, trip.used_by(progress))
            theirs[-1] = replace(theirs[-1], cost_nano=trip.lost.cost_nano)
        ours = trip.progress.attempts
        earlier = sorted([*theirs, *ours[:-1]], key=lambda one: one.start_ms)
        ours[:] = [*earlier, *ours[-1:]]


def _added_by_the_runner() -> Headers:
    """Our own headers for a stream, before it is known who begins it and after how many calls."""
    return ()
