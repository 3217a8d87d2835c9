"""The one place where a finished request is told to everybody."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from tokenhub.observe.events import EventBus
from tokenhub.observe.metrics import Metrics
from tokenhub.types import NANO, DecisionRow, ErrorClass, Outcome


class RequestLog(Protocol):
    """Where request log rows go; `storage.database.Database` is one."""

    def log(self, outcome: Outcome) -> None:
        """Take one row in, or count it as dropped."""
        ...

    def decide(self, row: DecisionRow) -> None:
        """Take one decision in, or count it as dropped."""
        ...


class Recorder:
    """Makes of each Outcome its log row, its metrics and its events.

    That is done when the loop comes round (`soon` is its `call_soon`): behind the answers that are
    going out, and for all requests that have just ended in one go, which is quicker by a third.
    """

    def __init__(
        self,
        log: RequestLog,
        events: EventBus,
        metrics: Metrics,
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self._log = log
        self._events = events
        self._metrics = metrics
        self._soon = soon
        self._ended: deque[tuple[Outcome, DecisionRow | None]] = deque()

    def record(self, outcome: Outcome, decision: DecisionRow | None = None) -> None:
        """Record a finished request; call it once for each, whatever came of it.

        `decision` is why it went where it went, None where nothing was decided.
        """
        self._ended.append((outcome, decision))
        if len(self._ended) == 1:
            self._soon(self._tell)

    def _tell(self) -> None:
        try:
            while self._ended:
                self._tell_of(*self._ended.popleft())
        finally:
            if self._ended:  # what one could not be told of is no loss to the others
                self._soon(self._tell)

    def _tell_of(self, outcome: Outcome, decision: DecisionRow | None) -> None:
        self._log.log(outcome)
        if decision is not None:
            self._log.decide(decision)
        self._metrics.observe(outcome)
        self._publish_failed_attempts(outcome)
        self._publish(outcome)

    def _publish(self, outcome: Outcome) -> None:
        usage = outcome.usage
        self._events.publish(
            "route_success" if outcome.error_class is None else "route_error",
            request_id=outcome.request_id,
            api_key_id=outcome.api_key_id,
            client=outcome.client,
            endpoint=outcome.endpoint,
            stream=outcome.stream,
            model_requested=outcome.model_requested,
            model=outcome.model,
            provider_id=outcome.provider_id,
            mode=outcome.mode,
            reason=outcome.reason,
            status=outcome.status,
            error_class=outcome.error_class,
            input_tokens=usage.input_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=outcome.cost_nano / NANO,
            fee_usd=outcome.fee_nano / NANO,
            estimated=outcome.estimated,
            latency_ms=outcome.latency_ms,
            ttft_ms=outcome.ttft_ms,
            attempts=len(outcome.attempts),
        )

    def skipped(self, provider_id: str, reason: str) -> None:
        """Count a deployment of `provider_id` that a choice left out for `reason`."""
        self._metrics.skipped(provider_id, reason)

    def _publish_failed_attempts(self, outcome: Outcome) -> None:
        for attempt in outcome.attempts:
            if attempt.error_class is None or attempt.error_class is ErrorClass.CANCELLED:
                continue
            self._events.publish(
                "attempt_failed",
                request_id=outcome.request_id,
                model_id=attempt.model_id,
                provider_id=attempt.provider_id,
                endpoint=attempt.endpoint,
                status=attempt.status,
                error_class=attempt.error_class,
            )
