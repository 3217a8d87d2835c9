import pytest

from tests.health.world import Clocks
from tokenhub.health.network import RETRY_S, WINDOW_S, Network, SleepWatch

BOTH = frozenset({"a", "b"})


class Line:
    """A network, its clock, and what it told of."""

    def __init__(self) -> None:
        self.clocks = Clocks()
        self.told: list[bool] = []
        self.network = Network(self.clocks.clock.monotonic, self.told.append)

    def cut(self) -> "Line":
        self.network.unreached("a", BOTH)
        self.network.unreached("b", BOTH)
        return self


def test_it_is_offline_when_no_provider_can_be_reached() -> None:
    line = Line().cut()
    assert line.network.offline
    assert line.told == [True]


def test_one_provider_out_of_reach_is_its_own_affair() -> None:
    line = Line()
    for _ in range(9):
        line.network.unreached("a", BOTH)
    assert not line.network.offline


def test_failures_further_apart_than_the_window_show_nothing() -> None:
    line = Line()
    line.network.unreached("a", BOTH)
    line.clocks.advance(WINDOW_S + 1)
    line.network.unreached("b", BOTH)
    assert not line.network.offline


def test_a_single_provider_must_fail_twice() -> None:
    line = Line()
    line.network.unreached("a", {"a"})
    assert not line.network.offline
    line.network.unreached("a", {"a"})
    assert line.network.offline


def test_a_failure_of_yesterday_does_not_make_two() -> None:
    line = Line()
    line.network.unreached("a", {"a"})
    line.clocks.advance(86_400)
    line.network.unreached("a", {"a"})
    assert not line.network.offline


def test_an_answer_in_between_proves_the_network() -> None:
    line = Line()
    line.network.unreached("a", BOTH)
    line.network.reached()
    line.network.unreached("b", BOTH)
    assert not line.network.offline
    assert line.told == []


def test_any_answer_ends_it() -> None:
    line = Line().cut()
    line.network.reached()
    assert not line.network.offline
    assert line.told == [True, False]


def test_it_refuses_until_the_next_try() -> None:
    line = Line().cut()
    assert line.network.closed
    line.clocks.advance(RETRY_S)
    assert not line.network.closed


def test_one_try_closes_it_for_the_others() -> None:
    line = Line().cut()
    line.clocks.advance(RETRY_S)
    line.network.trying()
    assert line.network.closed
    assert line.network.offline


def test_calls_that_were_let_through_before_do_not_put_the_next_try_off() -> None:
    line = Line().cut()
    line.clocks.advance(RETRY_S - 1)
    line.network.trying()
    line.clocks.advance(1)
    assert not line.network.closed


def test_a_try_means_nothing_when_it_is_online() -> None:
    line = Line()
    line.network.trying()
    assert not line.network.closed


def test_after_a_sleep_it_is_tried_at_once() -> None:
    line = Line().cut()
    line.network.try_now()
    assert not line.network.closed


def test_a_forgotten_provider_is_no_evidence() -> None:
    line = Line()
    line.network.unreached("a", BOTH)
    line.network.forget("a")
    line.network.unreached("b", BOTH)
    assert not line.network.offline


def test_a_wall_clock_that_jumped_ahead_is_a_sleep() -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks.clock)
    clocks.advance(3600)
    clocks.sleep(1800)
    assert watch.slept_s() == pytest.approx(1800)


def test_a_sleep_is_told_once() -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks.clock)
    clocks.sleep(1800)
    watch.slept_s()
    assert watch.slept_s() == 0


@pytest.mark.parametrize("jump_s", [0, 4, -4, -86_400])
def test_a_clock_that_is_set_is_no_sleep(jump_s: int) -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks.clock)
    clocks.sleep(jump_s)
    assert watch.slept_s() == 0
