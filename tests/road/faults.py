"""Every way in which a provider can fail."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.road.roads import PATIENT_S, Road
from tokenhub.simulator import Failure

HASTY_S = 0.05
"""Seconds that are made to be exceeded."""
AFTER_CONTENT = 7
"""So many events of a stream are enough to have some content among them, in every protocol."""


@dataclass(frozen=True)
class Fault:
    """One way to fail: how often a request `calls` who does, and what that is called."""

    name: str
    failure: Failure | Callable[[int], Failure]
    calls: int
    error_class: str
    patience_s: float = PATIENT_S

    def __str__(self) -> str:
        return self.name

    def of(self, road: Road) -> Failure:
        """The failure; some come after the events that open a stream."""
        return self.failure if isinstance(self.failure, Failure) else self.failure(road.opening)


FORBIDDEN = '{"type": "error", "error": {"type": "permission_error", "message": "Not you."}}'
NO_QUOTA = '{"error": {"message": "Pay first.", "code": "insufficient_quota"}}'
BEFORE_CONTENT = [
    Fault("500", Failure.answer(500), 3, "transient"),
    Fault("503", Failure.answer(503, retry_after="30"), 3, "transient"),
    Fault("429", Failure.answer(429, retry_after="21"), 1, "rate_limited"),
    Fault("529", Failure.answer(529), 1, "rate_limited"),
    Fault("401", Failure.answer(401), 1, "auth"),
    Fault("403", Failure.answer(403, body=FORBIDDEN), 1, "auth"),
    Fault("402", Failure.answer(402), 1, "budget"),
    Fault("quota", Failure.answer(429, body=NO_QUOTA), 1, "budget"),
    Fault("413", Failure.answer(413), 1, "context_overflow"),
    Fault("garbage", Failure.garbage(), 3, "transient"),
    Fault("reset", Failure.reset(), 3, "transient"),
    Fault("cut", Failure.cut(0), 3, "transient"),
    Fault("cut-unclean", Failure.cut(0, clean=False), 3, "transient"),
    Fault("error-event", Failure.error_event(0), 3, "transient"),
    Fault("hang", Failure.hang(), 3, "transient", HASTY_S),
    Fault("hang-after-headers", Failure.hang(after_events=0), 3, "transient", HASTY_S),
]
AFTER_OPENING = [
    Fault("reset-after-opening", Failure.reset, 3, "transient"),
    Fault("cut-after-opening", Failure.cut, 3, "transient"),
    Fault("error-after-opening", Failure.error_event, 3, "transient"),
    Fault(
        "hang-after-opening",
        lambda after: Failure.hang(after_events=after),
        3,
        "transient",
        HASTY_S,
    ),
]
IN_CONTENT = [
    Fault("cut", Failure.cut(AFTER_CONTENT), 1, "transient"),
    Fault("cut-unclean", Failure.cut(AFTER_CONTENT, clean=False), 1, "transient"),
    Fault("reset", Failure.reset(AFTER_CONTENT), 1, "transient"),
    Fault("error-event", Failure.error_event(AFTER_CONTENT), 1, "transient"),
    Fault("limit-event", Failure.error_event(AFTER_CONTENT, status=429), 1, "rate_limited"),
    Fault("hang", Failure.hang(after_events=AFTER_CONTENT), 1, "transient", 6 * HASTY_S),
]
