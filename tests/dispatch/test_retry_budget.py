import pytest

from tokenhub.dispatch.retry_budget import AT_LEAST, Repeats, RetryBudget


@pytest.mark.parametrize(
    ("running", "allowed"), [(0, AT_LEAST), (1, 3), (15, 3), (20, 4), (99, 19), (100, 20)]
)
def test_a_fifth_of_the_running_requests_may_repeat_and_at_least_three(
    running: int, allowed: int
) -> None:
    budget = RetryBudget(lambda: running)
    assert [budget.take() for _ in range(allowed + 1)] == [True] * allowed + [False]


def test_a_request_keeps_its_places_until_its_repetitions_are_over() -> None:
    budget = RetryBudget(lambda: 1)
    first, second = Repeats(budget), Repeats(budget)
    assert first.one_more()
    assert first.one_more()
    assert second.one_more()
    assert not second.one_more()
    first.over()
    first.over()
    assert [second.one_more() for _ in range(3)] == [True, True, False]
