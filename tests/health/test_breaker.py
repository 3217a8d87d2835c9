import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.health.breaker import (
    FIRST_WAIT_S,
    FORGIVEN_AFTER_S,
    LONGEST_WAIT_S,
    TRIAL_S,
    Breaker,
)


def broken(errors: int = 5, *, unreachable: bool = False) -> Breaker:
    breaker = Breaker()
    for _ in range(errors):
        breaker.failed(0.0, trial=False, unreachable=unreachable)
    return breaker


def test_four_errors_in_a_row_leave_it_closed() -> None:
    breaker = broken(4)
    assert breaker.admits(0.0)
    assert not breaker.begin(0.0)


def test_five_errors_in_a_row_open_it_for_thirty_seconds() -> None:
    breaker = broken(5)
    assert not breaker.admits(FIRST_WAIT_S - 0.001)
    assert breaker.admits(FIRST_WAIT_S)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = broken(4)
    breaker.succeeded()
    breaker.failed(0.0, trial=False)
    assert breaker.errors == 1


def test_after_the_wait_one_trial_is_let_through_and_nothing_else() -> None:
    breaker = broken()
    assert breaker.begin(FIRST_WAIT_S)
    assert not breaker.admits(FIRST_WAIT_S)


def test_a_trial_that_goes_well_closes_it() -> None:
    breaker = broken()
    breaker.begin(FIRST_WAIT_S)
    breaker.succeeded()
    assert breaker.admits(FIRST_WAIT_S)
    assert breaker.errors == 0


def test_each_failed_trial_doubles_the_wait_up_to_ten_minutes() -> None:
    breaker, now, waits = broken(), 0.0, []
    for _ in range(7):
        now += next(wait for wait in (30, 60, 120, 240, 480, 600) if breaker.admits(now + wait))
        waits.append(now)
        breaker.begin(now)
        breaker.failed(now, trial=True)
    steps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert waits[0] == FIRST_WAIT_S
    assert steps == [60, 120, 240, 480, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_after_a_success_the_wait_is_the_first_one_again() -> None:
    breaker = broken()
    breaker.begin(FIRST_WAIT_S)
    breaker.failed(FIRST_WAIT_S, trial=True)
    breaker.succeeded()
    for _ in range(5):
        breaker.failed(0.0, trial=False)
    assert breaker.admits(FIRST_WAIT_S)


def test_calls_that_began_before_it_opened_do_not_prolong_the_wait() -> None:
    breaker = broken()
    for _ in range(30):
        breaker.failed(FIRST_WAIT_S - 1, trial=False)
    assert breaker.errors == 5
    assert breaker.admits(FIRST_WAIT_S)


def test_a_trial_without_a_verdict_lets_the_next_call_be_one() -> None:
    breaker = broken()
    breaker.begin(FIRST_WAIT_S)
    breaker.released()
    assert breaker.begin(FIRST_WAIT_S)


def test_a_trial_that_never_ends_does_not_keep_it_open_for_ever() -> None:
    breaker = broken()
    breaker.begin(FIRST_WAIT_S)
    assert not breaker.admits(FIRST_WAIT_S + TRIAL_S - 1)
    assert breaker.admits(FIRST_WAIT_S + TRIAL_S)


def test_a_probe_settles_what_probes_found() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0.0, trial=False, by_probe=True)
    breaker.probed(FIRST_WAIT_S)
    assert breaker.errors == 0


def test_a_probe_settles_errors_of_not_reaching_it() -> None:
    breaker = broken(unreachable=True)
    breaker.probed(FIRST_WAIT_S)
    assert breaker.errors == 0
    assert breaker.admits(FIRST_WAIT_S)


def test_a_probe_does_not_make_up_for_errors_of_requests() -> None:
    breaker = broken(3)
    breaker.probed(1.0)
    assert breaker.errors == 3


def test_a_probe_after_the_wait_closes_it_on_trial() -> None:
    breaker = broken()
    breaker.probed(FIRST_WAIT_S)
    assert breaker.admits(FIRST_WAIT_S)
    breaker.failed(FIRST_WAIT_S, trial=False)
    assert not breaker.admits(FIRST_WAIT_S + 2 * FIRST_WAIT_S - 1)
    assert breaker.admits(FIRST_WAIT_S + 2 * FIRST_WAIT_S)


def test_a_probe_within_the_wait_changes_nothing() -> None:
    breaker = broken()
    breaker.probed(1.0)
    assert not breaker.admits(1.0)


def test_a_probe_forgives_old_errors_of_requests() -> None:
    breaker = broken(3)
    breaker.probed(FORGIVEN_AFTER_S)
    assert breaker.errors == 0


def test_errors_of_our_own_network_are_taken_back() -> None:
    breaker = broken(3)
    for _ in range(4):
        breaker.failed(0.0, trial=False, unreachable=True)
    breaker.forgive_unreached()
    assert breaker.errors == 3
    assert breaker.admits(0.0)


def test_what_opened_it_before_our_network_went_keeps_it_open() -> None:
    breaker = broken(5)
    breaker.begin(FIRST_WAIT_S)
    breaker.failed(FIRST_WAIT_S, trial=True, unreachable=True)
    breaker.forgive_unreached()
    assert breaker.errors == 5
    assert not breaker.admits(FIRST_WAIT_S)


def test_there_is_nothing_to_take_back_of_a_server_that_answers() -> None:
    breaker = broken(3)
    breaker.forgive_unreached()
    assert breaker.errors == 3


def test_half_open_lets_a_trial_through_at_once() -> None:
    breaker = broken()
    breaker.half_open(1.0)
    assert breaker.begin(1.0)


def test_half_open_means_nothing_to_a_closed_one() -> None:
    breaker = broken(1)
    breaker.half_open(1.0)
    assert not breaker.begin(1.0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["well", "bad", "none"]), st.floats(0, 1000)), max_size=60
)


@given(STEPS)
def test_it_never_stays_shut_for_longer_than_the_longest_wait(
    steps: list[tuple[str, float]],
) -> None:
    breaker, now = Breaker(), 0.0
    for outcome, pause in steps:
        now += pause
        if not breaker.admits(now):
            assert breaker.errors >= 5
            assert breaker.admits(now + LONGEST_WAIT_S)
            continue
        trial = breaker.begin(now)
        assert not (trial and breaker.admits(now))
        if outcome == "well":
            breaker.succeeded()
            assert breaker.errors == 0
        elif outcome == "bad":
            breaker.failed(now, trial=trial)
        else:
            breaker.released()


@pytest.mark.parametrize("errors", [0, 1, 4])
def test_a_closed_one_calls_nothing_a_trial(errors: int) -> None:
    assert not broken(errors).begin(0.0)
