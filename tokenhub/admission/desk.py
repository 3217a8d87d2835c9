"""The one place where a request is let in."""

from collections.abc import Callable

from tokenhub.admission.keys import KeyRing
from tokenhub.admission.limits import AddressLimiter, RateLimiter
from tokenhub.admission.scopes import require
from tokenhub.errors import RateLimited, RequestError
from tokenhub.types import ApiKey, Clock, Scope


class FrontDesk:
    """Asks for the key, then how often it came, then what it may do.

    `strangers` counts the requests without a valid key, by address; `rate_limited` is called for
    each request that came too early.
    """

    def __init__(
        self,
        keys: KeyRing,
        limits: RateLimiter,
        strangers: AddressLimiter,
        clock: Clock,
        rate_limited: Callable[[], None],
    ) -> None:
        self._keys = keys
        self._limits = limits
        self._strangers = strangers
        self._clock = clock
        self._rate_limited = rate_limited

    def admit(self, token: str | None, scope: Scope, address: str) -> ApiKey:
        """Return the key of `token`; raises RequestError 401, RateLimited, RequestError 403."""
        try:
            key = self._known(token, address)
            self._limits.check(key)
        except RateLimited:
            self._rate_limited()
            raise
        require(key, scope)
        return key

    def look_again(self, token: str | None, scope: Scope) -> ApiKey:
        """Return the key as it is now: it may have been revoked or changed since `admit`.

        Raises RequestError 401 and 403.
        """
        key = self._keys.authenticate(token, self._clock.now_ms())
        require(key, scope)
        return key

    def _known(self, token: str | None, address: str) -> ApiKey:
        try:
            return self._keys.authenticate(token, self._clock.now_ms())
        except RequestError:
            self._strangers.check(address)
            raise
