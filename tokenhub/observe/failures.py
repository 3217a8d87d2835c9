"""Failed calls to providers in the log of the process: what went wrong where, and no flood."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tokenhub.errors import UpstreamError
from tokenhub.text import clean
from tokenhub.types import ErrorClass

logger = logging.getLogger(__name__)

QUIET_S: Final = 10.0
_CLIENTS: Final = frozenset({ErrorClass.CANCELLED, ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW})
MAX_KINDS: Final = 1000
"""Providers come and go, each with its classes of errors: the oldest are forgotten."""


@dataclass(slots=True)
class _Told:
    at: float
    since: int = 0


class FailureLog:
    """Warns of failed calls, for a provider and an error class once in QUIET_S seconds.

    How many came in between is told with the next line. `monotonic` is a clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._told: dict[tuple[str, ErrorClass], _Told] = {}

    def failed(self, provider_id: str, deployment_id: str, error: UpstreamError) -> None:
        """Tell of one failed call, unless it was the client's fault or wish."""
        if error.error_class in _CLIENTS:
            return
        kind, now = (provider_id, error.error_class), self._monotonic()
        last = self._told.get(kind)
        if last is not None and now - last.at < QUIET_S:
            last.since += 1
            return
        self._told.pop(kind, None)  # what is told now goes to the end, the oldest goes first
        self._told[kind] = _Told(now)
        if len(self._told) > MAX_KINDS:
            del self._told[next(iter(self._told))]
        logger.warning(
            "provider %s failed with %s (%s, status %s): %s%s",
            provider_id,
            deployment_id,
            error.error_class.value,
            error.status or "-",
            clean(str(error)),
            f"; {last.since} more like it since the last line" if last and last.since else "",
        )
