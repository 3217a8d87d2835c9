"""The circuit breaker of one endpoint: it keeps requests from what has just failed."""

from tokenhub.health.state import DOWN_AFTER

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 600.0
"""An endpoint that is down is left alone for so long; the wait doubles from one to the other."""
TRIAL_S = 60.0
"""A trial that has not ended after this no longer keeps another one from beginning."""
FORGIVEN_AFTER_S = 300.0
"""A probe's success makes errors good that are older than this."""


class Breaker:
    """Counts consecutive errors; after five it is open, and single trials decide when it closes.

    All times are monotonic seconds. A trial is one request or probe that is let through after the
    wait; until it ends nothing else is. What a trial finds out comes to `succeeded`, `probed` or
    `failed`; one without a verdict must be `released`.
    """

    __slots__ = (
        "_answered_badly_at",
        "_open_until",
        "_trial_since",
        "_unreached",
        "_wait_s",
        "errors",
    )

    def __init__(self) -> None:
        self.errors = 0
        self._unreached = 0
        self._answered_badly_at: float | None = None
        self._open_until: float | None = None
        self._wait_s = 0.0
        self._trial_since: float | None = None

    def admits(self, now: float) -> bool:
        """Tell whether a call may begin now."""
        if self._open_until is None:
            return True
        if now < self._open_until:
            return False
        return self._trial_since is None or now >= self._trial_since + TRIAL_S

    def begin(self, now: float) -> bool:
        """A call that was admitted begins; tell whether it is a trial."""
        if self._open_until is None:
            return False
        self._trial_since = now
        return True

    def released(self) -> None:
        """A trial ended and showed nothing: the next call is one."""
        self._trial_since = None

    def succeeded(self) -> None:
        """A request went well, so all is well."""
        self.errors = 0
        self._wait_s = 0.0
        self._answered_badly_at = None
        self._close()

    def probed(self, now: float) -> None:
        """A probe went well: the server is there.

        That settles errors that probes had, or that came of not reaching it. It does not prove that
        a model answers: after errors of requests the breaker closes, but the next error opens it
        again, for twice as long.
        """
        if self._answered_badly_at is None or now >= self._answered_badly_at + FORGIVEN_AFTER_S:
            self.succeeded()
        elif self._open_until is not None and now >= self._open_until:
            self.errors = DOWN_AFTER - 1
            self._close()

    def failed(
        self, now: float, *, trial: bool, by_probe: bool = False, unreachable: bool = False
    ) -> None:
        """A call failed by the endpoint's fault; `trial` is what `begin` said of it."""
        if self._open_until is not None and not trial:
            return  # it began before the breaker opened: what it says is known
        self.errors += 1
        self._unreached = self._unreached + 1 if unreachable else 0
        if not by_probe and not unreachable:
            self._answered_badly_at = now
        if self.errors >= DOWN_AFTER:
            self._wait_s = min(self._wait_s * 2 or FIRST_WAIT_S, LONGEST_WAIT_S)
            self._open_until = now + self._wait_s
        self._trial_since = None

    def forgive_unreached(self) -> None:
        """The last errors came of our own network: take them back."""
        if self._unreached == 0:
            return
        self.errors -= self._unreached
        self._unreached = 0
        if self.errors < DOWN_AFTER:
            self._wait_s = 0.0
            self._close()

    def half_open(self, now: float) -> None:
        """Nobody knows what happened meanwhile: let the next call be a trial."""
        if self._open_until is not None:
            self._open_until = now
            self._trial_since = None

    def _close(self) -> None:
        self._unreached = 0
        self._open_until = None
        self._trial_since = None
