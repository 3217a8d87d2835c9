"""What a client is told when the provider failed."""

from collections.abc import Sequence

from tokenhub.dispatch.order import Order, ProviderAnswer
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.voice import answer_headers
from tokenhub.errors import (
    DO_NOT_RETRY,
    AllFailed,
    DeadlinePassed,
    RateLimited,
    RequestError,
    UpstreamError,
    VaultUnavailable,
)
from tokenhub.types import Attempt, ErrorClass
from tokenhub.wire.errors import error_event, event_of_error_body
from tokenhub.wire.translation.errors import error_answer, error_event_of

Unserved = AllFailed | DeadlinePassed | VaultUnavailable
"""Why nobody served a request."""

_CLIENTS_OWN = frozenset({ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW})
_LASTING = frozenset({ErrorClass.AUTH, ErrorClass.BUDGET, ErrorClass.UNSUPPORTED})
"""Failures that are still there when a client comes again at once."""
_DEFAULT_RETRY_S = 1.0


def passed_on(error: UpstreamError, order: Order, target: Target | None) -> ProviderAnswer | None:
    """The provider's own answer, when its error is about the request itself; else None.

    It goes to a client of the same protocol unmodified: clients recover by its wording. A client
    of another one gets it in the shape and the words of its own.
    """
    if error.error_class not in _CLIENTS_OWN or error.status is None or target is None:
        return None
    headers = answer_headers(order, target, error.headers.items())
    if target.api is order.api:
        return ProviderAnswer(error.status, headers, error.body)
    status, overflow = error.status, _is_overflow(error)
    body = error_answer(
        target.api, order.api, status, error.body, order.request_id, overflow=overflow
    )
    return ProviderAnswer(400 if overflow else status, headers, body)


def _is_overflow(error: UpstreamError) -> bool:
    return error.error_class is ErrorClass.CONTEXT_OVERFLOW


def refusal(error: Unserved, attempts: Sequence[Attempt]) -> RequestError:
    """Our own error for a failure that is not the request's, naming each attempt.

    429 with the shortest wait where every provider was at its limit, 503 for a locked vault or
    where nobody could be called, 504 after the request's own deadline, else 502.
    """
    each = ", ".join(f"{one.provider_id}/{one.model_id} ({one.error_class})" for one in attempts)
    if isinstance(error, DeadlinePassed):
        message = f"no provider answered before the deadline of the request: {each}"
        return RequestError(504, "deadline", message, headers=DO_NOT_RETRY)
    if isinstance(error, VaultUnavailable):
        message = f"{error}, and the provider needs a key from it: unlock the vault"
        return RequestError(503, f"vault_{error.state}", message, headers=DO_NOT_RETRY)
    failures = error.failures
    if not failures:
        message = "every provider that could serve this is down or busy: try again in a moment"
        return RequestError(503, "no_provider", message, headers={"Retry-After": "1"})
    if all(failure.error_class is ErrorClass.RATE_LIMITED for failure in failures):
        waits_s = [failure.retry_after_s or _DEFAULT_RETRY_S for failure in failures]
        return RateLimited(
            f"every provider is at its rate limit: {each}", retry_after_s=min(waits_s)
        )
    lasting = all(failure.error_class in _LASTING for failure in failures)
    return RequestError(
        502,
        "upstream_failed",
        f"no provider could answer: {each}",
        headers=DO_NOT_RETRY if lasting else None,
    )


def last_event(
    error: UpstreamError | RequestError, order: Order, target: Target | None = None
) -> bytes:
    """The event that ends a stream in which so far only keep-alives went out.

    `target` is whoever gave the error.
    """
    if isinstance(error, RequestError):
        return error_event(
            order.api, error.code, error.message, order.request_id, status=error.status
        )
    if target is not None and target.api is not order.api:
        status, overflow = error.status or 502, _is_overflow(error)
        return error_event_of(
            target.api, order.api, status, error.body, order.request_id, overflow=overflow
        )
    event = event_of_error_body(order.api, error.body, order.request_id)
    return event or last_event(
        RequestError(error.status or 502, "upstream_failed", str(error)), order
    )
