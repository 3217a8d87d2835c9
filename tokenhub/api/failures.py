"""From any failure to the answer that tells the client, in the shape of its protocol."""

import logging
import traceback
from typing import Final

from aiohttp import web

from tokenhub.api.identity import protocol_of
from tokenhub.errors import (
    DO_NOT_RETRY,
    RateLimited,
    RequestError,
    StorageError,
    UpstreamError,
    VaultThrottled,
    VaultUnavailable,
    WrongPassword,
)
from tokenhub.text import clean
from tokenhub.types import Protocol
from tokenhub.wire.errors import error_body

logger = logging.getLogger(__name__)

SHOWN_PATH_CHARS: Final = 100
SHOWN_FRAMES: Final = 12
CLIENT_PATHS: Final = frozenset(
    {"chat", "completions", "embeddings", "messages", "models", "responses"}
)
"""What the paths of the client API begin with after `/v1/`."""


def refusal_for(error: Exception, request: web.BaseRequest) -> RequestError:
    """Return what the client is told of `error`; one that nobody expected becomes a 500."""
    match error:
        case RequestError():
            return error
        case web.HTTPException():
            return _of_aiohttp(error, request)
        case StorageError():
            return RequestError(503, "storage_unavailable", "the database cannot be used now")
        case VaultUnavailable():
            message = f"{error}: unlock it with 'tokenhubctl vault unlock'"
            if error.state == "uninitialised":
                message = f"{error}: set it up with 'tokenhubctl vault init'"
            return RequestError(503, f"vault_{error.state}", message, headers=DO_NOT_RETRY)
        case WrongPassword():
            return RequestError(401, "wrong_password", "the password does not open the vault")
        case VaultThrottled():
            return RateLimited(str(error), retry_after_s=error.retry_after_s)
        case UpstreamError():
            return RequestError(
                502, "upstream_error", f"the provider failed ({error.error_class.value})"
            )
        case _:
            log_unexpected(error)
            return RequestError(500, "internal_error", "an unexpected error: see the log")


def error_response(error: RequestError, request: web.BaseRequest, request_id: str) -> web.Response:
    """Return the answer for `error` in the shape of the protocol that `request` speaks."""
    protocol = protocol_of(request.path, anthropic_version="anthropic-version" in request.headers)
    body = error_body(
        protocol,
        status=error.status,
        code=error.code,
        message=error.message,
        param=error.param,
        details=error.details,
        request_id=request_id,
        lasting=error.headers.items() >= DO_NOT_RETRY.items(),
    )
    response = web.Response(
        status=error.status, body=body, headers=error.headers, content_type="application/json"
    )
    if protocol is Protocol.ANTHROPIC:
        response.headers["request-id"] = request_id
    return response


def log_unexpected(error: BaseException) -> None:
    """Log what kind of error came from where, and nothing of its text: it may quote a request."""
    frames = traceback.extract_tb(error.__traceback__)[-SHOWN_FRAMES:]
    place = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[::-1])
    logger.error("unexpected %s in %s", type(error).__name__, place)


def _of_aiohttp(error: web.HTTPException, request: web.BaseRequest) -> RequestError:
    """Return our own error for one of aiohttp's, whose texts quote the request."""
    match error:
        case web.HTTPNotFound():
            path = clean(request.path, SHOWN_PATH_CHARS)
            hint = _base_url_hint(request.path)
            return RequestError(404, "not_found", f"there is no {path!r} here{hint}")
        case web.HTTPMethodNotAllowed():
            methods = ", ".join(sorted(error.allowed_methods))
            return RequestError(
                405, "method_not_allowed", f"this path takes {methods}", headers={"Allow": methods}
            )
        case web.HTTPExpectationFailed():
            message = "the only expectation that is met is 100-continue"
            return RequestError(417, "expectation_failed", message)
        case _:
            return RequestError(error.status, "refused", error.reason)


def _base_url_hint(path: str) -> str:
    """Say what is wrong with a client's base URL; OpenAI's ends in /v1, Anthropic's does not."""
    if path.startswith("/v1/v1/"):
        return ": the client adds /v1 itself, so its base URL must end without it"
    if path.strip("/").split("/")[0] in CLIENT_PATHS:
        return ": the client does not add /v1 itself, so its base URL must end in /v1"
    return ""
