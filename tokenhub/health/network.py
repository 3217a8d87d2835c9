"""Whether this machine has a network at all, and whether it has just slept."""

from collections.abc import Callable, Set

from tokenhub.types import Clock

WINDOW_S = 10.0
"""If nobody can be reached within this, it is our network and not all of them."""
LEAST_FAILURES = 2
"""One failure of the only provider there is shows nothing yet."""
RETRY_S = 5.0
"""While offline one request may try so often."""
JUMP_S = 5.0
"""A wall clock this much ahead of the monotonic one means that the machine slept."""


class Network:
    """Folds failures to connect into one answer: whether the hub is offline.

    Providers on this machine or a private network have no part in it. `on_change` is told of every
    change.
    """

    def __init__(self, monotonic: Callable[[], float], on_change: Callable[[bool], None]) -> None:
        self._monotonic = monotonic
        self._on_change = on_change
        self._failed_at: dict[str, float] = {}
        self._failures = 0
        self._next_try = 0.0
        self.offline = False

    @property
    def closed(self) -> bool:
        """Whether requests to remote providers are to be refused now.

        Every few seconds this is not so, and what is begun then finds out.
        """
        return self.offline and self._monotonic() < self._next_try

    def trying(self) -> None:
        """A call to a remote provider begins."""
        if self.offline and self._monotonic() >= self._next_try:
            self._next_try = self._monotonic() + RETRY_S

    def reached(self) -> None:
        """A remote provider answered, whatever it said."""
        if self._failed_at:
            self._failed_at.clear()
            self._failures = 0
            self._set(offline=False)

    def unreached(self, provider_id: str, remote: Set[str]) -> None:
        """No connection to `provider_id` came about; `remote` are all that should be reachable."""
        now = self._monotonic()
        since = now - WINDOW_S
        recent = any(at >= since for at in self._failed_at.values())
        self._failures = self._failures + 1 if recent else 1
        self._failed_at[provider_id] = now
        if self._failures >= LEAST_FAILURES and all(
            self._failed_at.get(name, since - 1) >= since for name in remote
        ):
            self._next_try = max(self._next_try, now + RETRY_S)
            self._set(offline=True)

    def try_now(self) -> None:
        """What was known is out of date: the next request finds out."""
        self._next_try = self._monotonic()

    def forget(self, provider_id: str) -> None:
        """A provider is gone."""
        self._failed_at.pop(provider_id, None)

    def _set(self, *, offline: bool) -> None:
        if self.offline is not offline:
            self.offline = offline
            self._on_change(offline)


class SleepWatch:
    """Tells how long the machine slept, by its two clocks: only one of them goes on in sleep."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart_s = self._difference()

    def slept_s(self) -> float:
        """Return the seconds slept since the last look, 0 for none.

        A clock that is set back, or a little ahead, is no sleep.
        """
        before, self._apart_s = self._apart_s, self._difference()
        jump_s = self._apart_s - before
        return jump_s if jump_s >= JUMP_S else 0.0

    def _difference(self) -> float:
        return self._clock.now_ms() / 1000 - self._clock.monotonic()
