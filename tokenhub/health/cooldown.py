"""How long a provider is left alone that is there, but will not serve us now."""

from tokenhub.types import ErrorClass

RATE_LIMIT_S = 5.0
LONGEST_RATE_LIMIT_S = 60.0
"""After a rate limit without a word of how long; doubles while it goes on."""
REFUSAL_S = 60.0
LONGEST_REFUSAL_S = 600.0
"""After a refused key or an empty account; doubles while it goes on."""
LONGEST_ASKED_S = 600.0
"""A `Retry-After` counts up to here: a daily quota is tried again before its day ends."""

_OWN_WAITS = {
    ErrorClass.RATE_LIMITED: (RATE_LIMIT_S, LONGEST_RATE_LIMIT_S),
    ErrorClass.AUTH: (REFUSAL_S, LONGEST_REFUSAL_S),
    ErrorClass.BUDGET: (REFUSAL_S, LONGEST_REFUSAL_S),
}


class Cooldown:
    """Until when one provider is left alone. Times are monotonic seconds."""

    __slots__ = ("_until", "_wait_s")

    def __init__(self) -> None:
        self._until = 0.0
        self._wait_s = 0.0

    def left_s(self, now: float) -> float:
        """Return the seconds that are left, 0 when it may be called."""
        return max(0.0, self._until - now)

    def failed(self, now: float, error_class: ErrorClass, asked_s: float | None) -> None:
        """A call failed; a provider that limits its rate may have asked to wait for `asked_s`.

        Without that, failures of calls that ran side by side count once.
        """
        waits = _OWN_WAITS.get(error_class)
        if waits is None:
            return
        if error_class is ErrorClass.RATE_LIMITED and asked_s is not None:
            self._until = max(self._until, now + min(asked_s, LONGEST_ASKED_S))
        elif self._until <= now:
            first_s, longest_s = waits
            self._wait_s = min(max(self._wait_s * 2, first_s), longest_s)
            self._until = now + self._wait_s

    def succeeded(self) -> None:
        """A call went well: the next trouble is a new one."""
        self._wait_s = 0.0

    def slept(self, seconds: float) -> None:
        """So much time passed that the monotonic clock did not count."""
        self._until -= seconds
