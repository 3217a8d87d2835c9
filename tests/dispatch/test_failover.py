"""Who is called next, and when it is over: scripted calls, on virtual time."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatch.fakes import clock, order, target
from tests.support.virtual_time import VirtualTimeLoop, cancelled_after
from tokenhub.dispatch.failover import MAX_CALLS, MAX_DEPLOYMENTS, Failover, Rest
from tokenhub.dispatch.order import Progress
from tokenhub.dispatch.retry_budget import RetryBudget
from tokenhub.dispatch.target import Target
from tokenhub.errors import (
    AllFailed,
    DeadlinePassed,
    NotPermitted,
    UpstreamError,
    VaultUnavailable,
)
from tokenhub.types import Api, ErrorClass

End = ErrorClass | NotPermitted | VaultUnavailable | None
"""How a call ends: None is well."""
Step = tuple[float, End]
"""After how many seconds a call ends, and how."""

WELL: Step = (0.0, None)
BROKEN: Step = (0.0, ErrorClass.TRANSIENT)
REFUSED: Step = (0.0, NotPermitted())
LOCKED: Step = (0.0, VaultUnavailable("locked"))
NEVER: Step = (1e6, None)


def ends(error_class: ErrorClass) -> Step:
    return 0.0, error_class


def no_other(_: Target) -> Target | None:
    return None


@dataclass
class Walk:
    """Calls that follow a script, the last step of which goes on for ever, and what came of them.

    `scripts` are by the name of the model; who is not in there works.
    """

    scripts: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    running: int = 1
    commits: bool = False
    status: int | None = None
    calls: list[str] = field(default_factory=list)
    apis: list[Api] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.retries = RetryBudget(lambda: self.running)

    async def run(
        self,
        plan: Iterable[Target],
        more: Callable[[], Sequence[Target]] | None = None,
        *,
        deadline_s: float | None = None,
        otherwise: Callable[[Target], Target | None] = no_other,
    ) -> str:
        """Return the name of the model that answered."""
        loop = asyncio.get_running_loop()
        self.began = loop.time()
        wanted = order()
        if deadline_s is not None:
            wanted = replace(wanted, deadline=self.began + deadline_s)
        failover = Failover(self.retries, clock())
        rest = Rest(list(plan), more, otherwise)
        return await failover.run(wanted, rest, self._call, self.progress)

    async def fails(self, plan: Iterable[Target], **fields: Any) -> AllFailed:
        with pytest.raises(AllFailed) as caught:
            await self.run(plan, **fields)
        return caught.value

    async def _call(self, where: Target) -> str:
        name = where.deployment.id
        script = self.scripts.get(name, [WELL])
        seconds, end = script[min(self.calls.count(name), len(script) - 1)]
        self.calls.append(name)
        self.apis.append(where.api)
        self.at.append(asyncio.get_running_loop().time() - self.began)
        if self.commits and end is None:
            await asyncio.sleep(min(seconds, 1.0))
            self.progress.commit()
        await asyncio.sleep(seconds)
        if isinstance(end, ErrorClass):
            raise UpstreamError(end, "why", status=self.status)
        if end is not None:
            raise end
        self.progress.commit()
        return name


A, B, C = target("a", "p"), target("b", "q"), target("c", "r")


async def test_the_first_of_the_plan_is_called_and_nobody_else() -> None:
    walk = Walk()
    assert await walk.run([A, B]) == "a"
    assert walk.calls == ["a"]


async def test_a_passing_fault_is_tried_again_twice_after_growing_pauses() -> None:
    walk = Walk({"a": [BROKEN]})
    assert await walk.run([A, B]) == "b"
    assert walk.calls == ["a", "a", "a", "b"]
    first, second = walk.at[1], walk.at[2] - walk.at[1]
    assert 0.05 <= first <= 0.1
    assert 0.1 <= second <= 0.2
    assert walk.progress.waited_s == pytest.approx(first + second)


async def test_a_fault_that_has_passed_ends_the_search() -> None:
    walk = Walk({"a": [BROKEN, WELL]})
    assert await walk.run([A, B]) == "a"
    assert walk.calls == ["a", "a"]


@pytest.mark.parametrize(
    "error_class",
    [
        ErrorClass.RATE_LIMITED,
        ErrorClass.AUTH,
        ErrorClass.BUDGET,
        ErrorClass.UNSUPPORTED,
        ErrorClass.CONTEXT_OVERFLOW,
    ],
)
async def test_what_a_repetition_cannot_help_is_not_repeated(error_class: ErrorClass) -> None:
    walk = Walk({"a": [ends(error_class)]})
    assert await walk.run([A, B]) == "b"
    assert walk.calls == ["a", "b"]


@pytest.mark.parametrize(
    "error_class", [ErrorClass.RATE_LIMITED, ErrorClass.AUTH, ErrorClass.BUDGET]
)
async def test_what_all_models_of_a_provider_share_passes_them_all_over(
    error_class: ErrorClass,
) -> None:
    walk = Walk({"a": [ends(error_class)]})
    twin = target("twin", "p")
    assert await walk.run([A, twin, B]) == "b"
    assert walk.calls == ["a", "b"]


async def test_another_model_of_a_provider_with_a_fault_may_do() -> None:
    walk = Walk({"a": [BROKEN]})
    assert await walk.run([A, target("twin", "p")]) == "twin"


async def test_the_requests_own_fault_ends_the_road_at_once() -> None:
    walk = Walk({"a": [BROKEN], "b": [ends(ErrorClass.INVALID)]})
    with pytest.raises(UpstreamError) as caught:
        await walk.run([A, B, C])
    assert caught.value.error_class is ErrorClass.INVALID
    assert walk.calls == ["a", "a", "a", "b"]


async def test_a_context_that_was_too_small_leaves_the_larger_ones_the_next_larger_first() -> None:
    walk = Walk(
        {"a": [ends(ErrorClass.CONTEXT_OVERFLOW)], "d": [ends(ErrorClass.CONTEXT_OVERFLOW)]}
    )
    plan = [
        target("a", context=100),
        target("b", context=50),
        target("c", context=None),
        target("d", context=200),
        target("e", context=100),
        target("f", context=300),
    ]
    assert await walk.run(plan) == "f"
    assert walk.calls == ["a", "d", "f"]


async def test_any_known_context_may_be_larger_than_one_that_nobody_knows() -> None:
    walk = Walk({"a": [ends(ErrorClass.CONTEXT_OVERFLOW)]})
    assert await walk.run([target("a"), target("b", context=100)]) == "b"


async def test_a_request_that_is_too_long_for_all_is_told_so_in_the_providers_words() -> None:
    walk = Walk({"a": [ends(ErrorClass.CONTEXT_OVERFLOW)]})
    with pytest.raises(UpstreamError) as caught:
        await walk.run([target("a", context=100), target("b", context=100)])
    assert caught.value.error_class is ErrorClass.CONTEXT_OVERFLOW
    assert walk.calls == ["a"]


async def test_when_all_have_failed_the_last_failure_of_each_is_told() -> None:
    walk = Walk({"a": [BROKEN], "b": [ends(ErrorClass.AUTH)]})
    error = await walk.fails([A, B])
    assert [one.error_class for one in error.failures] == [ErrorClass.TRANSIENT, ErrorClass.AUTH]


async def test_five_deployments_are_tried_at_most() -> None:
    names = "abcdefg"
    walk = Walk({name: [ends(ErrorClass.UNSUPPORTED)] for name in names})
    error = await walk.fails([target(name) for name in names])
    assert walk.calls == list("abcde")
    assert len(error.failures) == MAX_DEPLOYMENTS


async def test_who_may_not_be_called_is_passed_over_and_does_not_count() -> None:
    names = "abcdef"
    walk = Walk({name: [REFUSED] for name in names})
    assert await walk.run([*(target(name) for name in names), target("z")]) == "z"


async def test_nobody_who_may_be_called_is_no_failure_of_anybody() -> None:
    assert (await Walk({"a": [REFUSED]}).fails([A])).failures == []


async def test_a_vault_that_was_locked_meanwhile_leaves_those_that_need_no_key() -> None:
    walk = Walk({"a": [LOCKED]})
    assert await walk.run([A, B]) == "b"
    with pytest.raises(VaultUnavailable):
        await Walk({"a": [LOCKED], "b": [REFUSED]}).run([A, B])
    assert len((await Walk({"a": [LOCKED], "b": [BROKEN]}).fails([A, B])).failures) == 1
    assert len((await Walk({"a": [BROKEN, LOCKED]}).fails([A])).failures) == 1


async def test_a_provider_that_is_left_alone_after_a_failure_has_failed() -> None:
    walk = Walk({"a": [BROKEN, REFUSED]})
    error = await walk.fails([A])
    assert [one.error_class for one in error.failures] == [ErrorClass.TRANSIENT]
    assert walk.calls == ["a", "a"]


async def test_more_is_looked_for_once_when_the_plan_has_failed() -> None:
    asked = []

    def more() -> list[Target]:
        asked.append(1)
        return [target("twin", "p"), B]

    walk = Walk({"a": [ends(ErrorClass.AUTH)], "b": [ends(ErrorClass.AUTH)]})
    await walk.fails([A], more=more)
    assert walk.calls == ["a", "b"]  # the twin's provider has refused already
    assert asked == [1]


async def test_more_is_not_looked_for_while_the_plan_serves() -> None:
    assert await Walk().run([A], more=lambda: pytest.fail("too early")) == "a"


async def test_without_a_place_in_the_retry_budget_the_next_one_is_called() -> None:
    walk = Walk({"a": [BROKEN]})
    for _ in range(3):
        assert walk.retries.take()
    assert await walk.run([A, B]) == "b"
    assert walk.calls == ["a", "b"]


async def test_places_are_free_again_when_the_request_is_over() -> None:
    walk = Walk({"a": [BROKEN]})
    await walk.run([A, B])
    await walk.fails([A])
    assert [walk.retries.take() for _ in range(4)] == [True, True, True, False]


async def test_a_stream_that_has_begun_gives_its_places_back() -> None:
    walk = Walk({"a": [BROKEN, BROKEN, (100.0, None)]}, commits=True)
    running = asyncio.get_running_loop().create_task(walk.run([A]))
    await asyncio.sleep(50.0)
    assert [walk.retries.take() for _ in range(4)] == [True, True, True, False]
    await running


async def test_a_deadline_leaves_half_of_the_time_for_the_others() -> None:
    walk = Walk({"a": [NEVER], "b": [NEVER]})
    with pytest.raises(DeadlinePassed):
        await walk.run([A, B, C], deadline_s=-1.0)
    assert walk.calls == []
    assert await walk.run([A, B, C], deadline_s=8.0) == "c"
    assert walk.at == [0.0, 4.0, 6.0]


async def test_who_is_too_slow_for_its_share_is_not_called_again() -> None:
    walk = Walk({"a": [NEVER]})
    assert await walk.run([A, B], deadline_s=8.0) == "b"
    assert walk.calls == ["a", "b"]


async def test_the_last_one_has_all_the_time_that_is_left() -> None:
    walk = Walk({"a": [NEVER], "b": [(3.9, None)]})
    assert await walk.run([A, B], deadline_s=8.0) == "b"


async def test_when_the_deadline_has_passed_nobody_is_called_any_more() -> None:
    walk = Walk({"a": [NEVER], "b": [NEVER]})
    with pytest.raises(DeadlinePassed):
        await walk.run([A, B], deadline_s=8.0)
    assert asyncio.get_running_loop().time() - walk.began == 8.0
    assert walk.calls == ["a", "b"]


async def test_no_pause_is_begun_that_the_deadline_would_end() -> None:
    walk = Walk({"a": [BROKEN]})
    error = await walk.fails([A], deadline_s=0.05)
    assert walk.calls == ["a"]
    assert len(error.failures) == 1


async def test_a_stream_that_has_begun_may_outlast_the_deadline() -> None:
    walk = Walk({"a": [(100.0, None)]}, commits=True)
    assert await walk.run([A], deadline_s=2.0) == "a"
    assert asyncio.get_running_loop().time() - walk.began == 101.0


async def test_who_leaves_is_not_called_for_any_more() -> None:
    walk = Walk({"a": [(9.0, ErrorClass.TRANSIENT)]})
    await cancelled_after(1.0, walk.run([A, B], deadline_s=60.0))
    assert walk.calls == ["a"]


@pytest.mark.parametrize("call_s", [0.0, 0.05, 3.0])
async def test_a_storm_adds_a_fifth_of_its_calls_and_three(call_s: float) -> None:
    walk = Walk({"a": [(call_s, ErrorClass.TRANSIENT)]}, running=100)

    async def one() -> None:
        await walk.fails([A])
        walk.running -= 1

    await asyncio.gather(*(one() for _ in range(100)))
    assert 100 < len(walk.calls) <= 123


STEPS = st.tuples(
    st.sampled_from([0.0, 0.01, 0.7, 30.0, 1e6]),
    st.sampled_from([None, NotPermitted(), *ErrorClass]),
)
PLANS = st.lists(
    st.tuples(
        st.sampled_from("pqrs"),
        st.none() | st.sampled_from([100, 200, 300]),
        st.lists(STEPS, min_size=1, max_size=4),
    ),
    max_size=9,
)


def on_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)


@given(
    plan=PLANS,
    later=st.integers(0, 9),
    deadline_s=st.none() | st.sampled_from([0.0, 0.3, 5.0, 100.0]),
    commits=st.booleans(),
)
def test_whatever_fails_the_limits_hold(
    plan: list[tuple[str, int | None, list[Step]]],
    later: int,
    deadline_s: float | None,
    commits: bool,
) -> None:
    """At most 5 deployments and 3 calls each, none after a commit, and the deadline holds."""
    targets = [
        target(f"m{number}", provider, context=context)
        for number, (provider, context, _) in enumerate(plan)
    ]
    scripts = {f"m{number}": script for number, (_, _, script) in enumerate(plan)}
    walk = Walk(scripts, commits=commits, running=100)
    later = min(later, len(targets))
    committed_at: list[int] = []

    async def work() -> None:
        walk.progress = Committing(lambda: committed_at.append(len(walk.calls)))
        try:
            await walk.run(targets[:later], lambda: targets[later:], deadline_s=deadline_s)
        except (AllFailed, UpstreamError, DeadlinePassed):
            assert not committed_at
        ended_s = asyncio.get_running_loop().time() - walk.began
        if deadline_s is not None and not committed_at:
            assert ended_s <= deadline_s + 1e-6
        if deadline_s is not None:
            assert all(at <= deadline_s for at in walk.at)

    on_virtual_time(work())
    refused = {
        name
        for name, script in scripts.items()
        if isinstance(script[0][1], NotPermitted) and walk.calls.count(name) == 1
    }
    assert len(set(walk.calls) - refused) <= MAX_DEPLOYMENTS
    assert all(walk.calls.count(name) <= MAX_CALLS for name in walk.calls)
    assert [name for name, _ in itertools.groupby(walk.calls)] == list(dict.fromkeys(walk.calls))
    if committed_at:
        assert committed_at[0] == len(walk.calls)
    assert [walk.retries.take() for _ in range(20)] == [True] * 20


class Committing(Progress):
    """Tells of its first commit."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def commit(self) -> None:
        if not self.answered:
            self._tell()
        super().commit()
