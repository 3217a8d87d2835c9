"""What a client is told when the provider failed (SPEC §2 "Errors")."""

from collections.abc import Sequence

from tokenhub.dispatch.order import Order, ProviderAnswer
from tokenhub.errors import RateLimited, RequestError, UpstreamError
from tokenhub.types import Attempt, ErrorClass
from tokenhub.wire.errors import error_event, event_of_error_body
from tokenhub.wire.headers import forward_response_headers

_CLIENTS_OWN = frozenset({ErrorClass.INVALID, ErrorClass.CONTEXT_OVERFLOW})
_DEFAULT_RETRY_S = 1.0


def passed_on(error: UpstreamError) -> ProviderAnswer | None:
    """The provider's own answer, when its error is about the request itself; else None.

    It goes to the client unmodified: clients recover by its wording.
    """
    if error.error_class not in _CLIENTS_OWN or error.status is None:
        return None
    return ProviderAnswer(error.status, forward_response_headers(error.headers.items()), error.body)


def refusal(error: UpstreamError, attempts: Sequence[Attempt]) -> RequestError:
    """Our own error for a failure that is the provider's: 429 or 502, naming each attempt."""
    each = ", ".join(f"{one.provider_id}/{one.model_id} ({one.error_class})" for one in attempts)
    if error.error_class is ErrorClass.RATE_LIMITED:
        retry_after_s = error.retry_after_s or _DEFAULT_RETRY_S
        return RateLimited(
            f"every provider is at its rate limit: {each}", retry_after_s=retry_after_s
        )
    return RequestError(502, "upstream_failed", f"no provider could answer: {each}")


def last_event(error: UpstreamError, order: Order, attempts: Sequence[Attempt]) -> bytes:
    """The event that ends a stream in which so far only keep-alives went out."""
    if passed_on(error) is not None and (event := event_of_error_body(order.api, error.body)):
        return event
    own = refusal(error, attempts)
    return error_event(order.api, own.code, own.message, order.request_id, status=own.status)
