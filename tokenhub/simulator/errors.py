"""Error answers with the statuses, types, codes and words of the real services.

Clients recover by the wording, so it is copied: OpenAI's error guide and API, Anthropic's error
reference and API, vLLM's `ErrorResponse`.
"""

from dataclasses import dataclass
from typing import Any

from tokenhub.simulator.calls import Call
from tokenhub.simulator.frames import (
    DONE,
    Answer,
    Frame,
    Json,
    compact,
    data_event,
    indented,
    named_event,
)
from tokenhub.types import ProviderType


class ApiError(Exception):
    """A request that the service refuses; None for a `type` means the usual one of its status.

    `details` is what Anthropic tells programs beside its words.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,
        param: str | None = None,
        code: str | None = None,
        details: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class _Usual:
    type: str
    message: str
    code: str | None = None


_OPENAI_TYPES = {429: "requests", 500: "server_error", 503: "server_error"}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_VLLM_TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    501: "NotImplementedError",
    503: "ServiceUnavailableError",
}

_OPENAI_USUAL = {
    401: _Usual(
        "invalid_request_error",
        "Incorrect API key provided. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        "invalid_api_key",
    ),
    403: _Usual(
        "invalid_request_error",
        "Project does not have access to this model.",
        "model_not_found",
    ),
    429: _Usual(
        "requests",
        "Rate limit reached for requests on requests per min (RPM): Limit 500, Used 500, "
        "Requested 1. Please try again in 120ms. Visit "
        "https://platform.openai.com/account/rate-limits to learn more.",
        "rate_limit_exceeded",
    ),
    500: _Usual(
        "server_error",
        "The server had an error while processing your request. Sorry about that!",
    ),
    503: _Usual(
        "server_error",
        "That model is currently overloaded with other requests. You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists.",
    ),
}
_QUOTA = _Usual(
    "insufficient_quota",
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, read the docs: "
    "https://platform.openai.com/docs/guides/error-codes/api-errors.",
    "insufficient_quota",
)
_ANTHROPIC_USUAL = {
    401: "invalid x-api-key",
    402: "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
    "Billing to upgrade or purchase credits.",
    403: "Your API key does not have permission to use the specified resource.",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit of 50 requests per minute. For "
    "details, refer to: https://docs.claude.com/en/api/rate-limits.",
    500: "Internal server error",
    529: "Overloaded",
}


def error_for_status(kind: ProviderType, status: int, code: str | None = None) -> ApiError:
    """The error that the service gives with `status`; `code` `insufficient_quota` is one of 429."""
    if kind is ProviderType.ANTHROPIC:
        default = _ANTHROPIC_USUAL[500] if status >= 500 else f"Request failed with status {status}"
        return ApiError(status, _ANTHROPIC_USUAL.get(status, default), code=code)
    if code == _QUOTA.code:
        return ApiError(status, _QUOTA.message, type=_QUOTA.type, code=_QUOTA.code)
    usual = _OPENAI_USUAL.get(status)
    if usual is None:
        fallback = "server_error" if status >= 500 else "invalid_request_error"
        return ApiError(
            status, f"The request failed with status {status}.", type=fallback, code=code
        )
    kind_of_error = None if kind is ProviderType.VLLM else usual.type
    return ApiError(status, usual.message, type=kind_of_error, code=code or usual.code)


def error_body(kind: ProviderType, error: ApiError, request_id: str) -> Json:
    """The body of `error` as the service `kind` writes it."""
    if kind is ProviderType.ANTHROPIC:
        said: Json = {"type": _type(kind, error), "message": error.message}
        if error.details is not None:
            said["details"] = error.details
        return {"type": "error", "error": said, "request_id": request_id}
    if kind is ProviderType.VLLM and error.status == 401:
        return {"error": error.message}
    code: Any = error.status if kind is ProviderType.VLLM else error.code
    return {
        "error": {
            "message": error.message,
            "type": _type(kind, error),
            "param": error.param,
            "code": code,
        }
    }


def error_answer(kind: ProviderType, error: ApiError, request_id: str) -> Answer:
    """The answer for `error`."""
    write = indented if kind is ProviderType.OPENAI else compact
    return Answer(status=error.status, body=write(error_body(kind, error, request_id)))


def error_frames(
    kind: ProviderType, call: Call, error: ApiError, request_id: str
) -> tuple[Frame, ...]:
    """The events that tell of `error` inside the stream that answers `call`, and end it.

    vLLM's chat still says `[DONE]`; the responses' flat form is that of OpenAI's API reference.
    """
    if kind is ProviderType.ANTHROPIC:
        return (named_event(error_body(kind, error, request_id)),)
    if call.path.endswith("/responses"):
        event = {"type": "error", "sequence_number": call.events_sent}
        said = {"code": error.code or _type(kind, error), "message": error.message}
        return (named_event({**event, **said, "param": error.param}),)
    told = data_event(error_body(kind, error, request_id))
    return (told, DONE) if kind is ProviderType.VLLM else (told,)


def failed_response(kind: ProviderType, response: Json, error: ApiError) -> Json:
    """`response` as it is when it failed with `error`."""
    code = error.code or _type(kind, error)
    return response | {"status": "failed", "error": {"code": code, "message": error.message}}


def failed_frames(
    kind: ProviderType, call: Call, error: ApiError, response: Json, *, announced: bool
) -> tuple[Frame, ...]:
    """The last events of a response that fails: `response.failed`, after an `error` or not.

    As recorded streams of OpenAI have them; the error is nested there, unlike in the reference.
    """
    number = call.events_sent
    type_, code = _type(kind, error), error.code or _type(kind, error)
    told = {"type": type_, "code": code, "message": error.message, "param": error.param}
    first = named_event({"type": "error", "sequence_number": number, "error": told})
    failed = {
        "type": "response.failed",
        "sequence_number": number + announced,
        "response": failed_response(kind, response, error),
    }
    return (first, named_event(failed)) if announced else (named_event(failed),)


def _type(kind: ProviderType, error: ApiError) -> str:
    if error.type is not None:
        return error.type
    match kind:
        case ProviderType.ANTHROPIC:
            default = "api_error" if error.status >= 500 else "invalid_request_error"
            return _ANTHROPIC_TYPES.get(error.status, default)
        case ProviderType.VLLM:
            default = "InternalServerError" if error.status >= 500 else "BadRequestError"
            return _VLLM_TYPES.get(error.status, default)
        case ProviderType.OPENAI:
            return _OPENAI_TYPES.get(error.status, "invalid_request_error")
