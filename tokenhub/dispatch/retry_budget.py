"""How many calls may be repeated at the same time: a storm of failures must not feed itself."""

from collections.abc import Callable

SHARE = 0.2
AT_LEAST = 3


class RetryBudget:
    """Lets the `running` requests repeat calls: one for five of them, and at least three in all."""

    def __init__(self, running: Callable[[], int]) -> None:
        self._running = running
        self._held = 0

    def take(self) -> bool:
        """Take a place for one repetition; tell whether there was one."""
        if self._held >= max(AT_LEAST, int(SHARE * self._running())):
            return False
        self._held += 1
        return True

    def give_back(self, places: int) -> None:
        """Give back places that were taken."""
        self._held -= places


class Repeats:
    """The repetitions of one request.

    A place is kept until a target has answered or is given up: were it free as soon as its call
    has failed, requests that fail quickly would hand it round.
    """

    __slots__ = ("_budget", "_places")

    def __init__(self, budget: RetryBudget) -> None:
        self._budget = budget
        self._places = 0

    def one_more(self) -> bool:
        """Tell whether a call may be repeated."""
        allowed = self._budget.take()
        self._places += allowed
        return allowed

    def over(self) -> None:
        """These repetitions are over; a second time changes nothing."""
        places, self._places = self._places, 0
        self._budget.give_back(places)
