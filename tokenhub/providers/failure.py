"""Whose fault a failed call was: the one place that classifies provider errors.

A provider's own words go to the client of the same protocol, in `UpstreamError.body`. They are
never put into a message: they may quote a prompt or a part of a key.
"""

import errno
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from tokenhub.errors import UpstreamError
from tokenhub.providers.retry_after import retry_after_s
from tokenhub.types import ErrorClass, ProviderType

_MAX_PARSED_BYTES: Final = 1 << 20
_TEXT_CHARS_READ: Final = 4096
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# The wording by which each service refuses an input that is too long; in lower case.
_OVERFLOW_PHRASES: Final = (
    "maximum context length",  # OpenAI, vLLM, DeepSeek, OpenRouter, Mistral, Fireworks
    "context_length_exceeded",  # OpenAI's code, also that of its imitators
    "exceeds the context window",  # OpenAI responses
    "prompt is too long",  # Anthropic, Fireworks
    "exceed context limit",  # Anthropic: input length and `max_tokens` exceed context limit
    "input is too long",  # Anthropic models on Bedrock
    "maximum model length",  # vLLM
    "exceeds the maximum number of tokens allowed",  # Gemini
    "too large for model with",  # Mistral
    "reduce the length of the messages",  # OpenAI, Groq
    "maximum prompt length",  # xAI
    "exceeds the available context size",  # llama.cpp
    "exceed_context_size_error",
    "when context the overflows",  # LM Studio
    "context size has been exceeded",  # LM Studio
    "`inputs` tokens + `max_new_tokens` must be",  # Together
)
_BUDGET_PHRASES: Final = (
    "insufficient_quota",
    "credit balance is too low",  # Anthropic, as a 400
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
)
_KEY_PHRASES: Final = ("api key not valid", "api_key_invalid")  # Gemini, as a 400

_STATUS_OF_TYPE: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_MODEL_CODES: Final = frozenset({"model_not_found", "model_not_available"})
_LATE_PATH: Final = "/responses"
"""Servers older than this API give its path an error that names nothing (vLLM, Azure)."""
_NAMED_THERE: Final = ("model", "item", "response with id", "file with id", "deployment")
"""What may be missing where the API is not."""


@dataclass(frozen=True, slots=True)
class _Reason:
    """What an error body says. `shaped`: it is an error object of the provider's protocol.

    `prose` is a body that is no JSON, such as a web server's own page.
    """

    prose: str = ""
    message: str = ""
    type: str = ""
    code: str = ""
    param: str = ""
    shaped: bool = False

    @property
    def text(self) -> str:
        """Everything phrases are looked for in, in lower case."""
        parts = (self.code, self.type, self.message[:_TEXT_CHARS_READ], self.prose)
        return "\n".join(parts).lower()

    @property
    def named(self) -> str:
        """The identifier that may go into a message, in brackets; empty if there is none."""
        known = (name for name in (self.code, self.type) if _IDENTIFIER.fullmatch(name))
        return next((f" ({name})" for name in known), "")


def classify(  # noqa: PLR0913 - an answer has four parts, and what was called is three more
    provider_type: ProviderType,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    path: str,
    model: str,
    now_ms: int,
) -> UpstreamError:
    """Return what a non-2xx answer means.

    `path` is what was called (`/chat/completions`), `model` the upstream's name of the model, both
    to tell a missing API from a missing model; `now_ms` turns dates into waits.
    """
    reason = _reason(provider_type, body)
    error_class = _class(status, reason, path, model)
    hint = ": redirects are not followed, check base_url" if 300 <= status < 400 else ""
    wait = retry_after_s(headers, now_ms) if error_class in _WAITING else None
    return UpstreamError(
        error_class,
        f"the provider answered {status}{reason.named}{hint}",
        status=status,
        headers=headers,
        body=body,
        retry_after_s=wait,
    )


def classify_answer(
    provider_type: ProviderType, headers: Mapping[str, str], body: bytes, *, now_ms: int
) -> UpstreamError:
    """Return what an answer of status 200 means whose `body` is an error (OpenRouter has such).

    Its status is the one the provider gives such an error elsewhere, 500 where that is not known.
    """
    reason = _reason(provider_type, body)
    status = _event_status(reason)
    error_class = _class(status, reason, path="", model="")
    return UpstreamError(
        error_class,
        f"the provider answered 200 with an error{reason.named}",
        status=status,
        headers=headers,
        body=body,
        retry_after_s=retry_after_s(headers, now_ms) if error_class in _WAITING else None,
    )


def classify_event(provider_type: ProviderType, data: bytes) -> UpstreamError:
    """Return what an error event inside a stream that began with 200 means.

    `data` is the event's JSON. The error's status is the one the provider gives such an error
    outside of a stream, 500 where that is not known.
    """
    reason = _reason(provider_type, data)
    status = _event_status(reason)
    return UpstreamError(
        _class(status, reason, path="", model=""),
        f"the provider broke off its stream with an error{reason.named}",
        status=status,
        body=data,
    )


def from_exception(error: Exception, host: str) -> UpstreamError:
    """Return a transport failure as a transient error that names `host`, no URL and no secret."""
    return UpstreamError(
        ErrorClass.TRANSIENT,
        f"{host}: {_transport_failure(error)}",
        unreachable=_never_connected(error),
    )


def _never_connected(error: Exception) -> bool:
    """Tell whether no connection came about; where TLS was tried, one had."""
    if isinstance(error, aiohttp.ClientSSLError):
        return False
    return isinstance(
        error,
        (aiohttp.ClientConnectorError, socket.gaierror, ConnectionRefusedError, TimeoutError),
    ) or (isinstance(error, OSError) and error.errno in _NO_WAY)


_NO_WAY: Final = frozenset({errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH})
_WAITING: Final = frozenset({ErrorClass.RATE_LIMITED, ErrorClass.TRANSIENT, ErrorClass.BUDGET})


def _class(status: int, reason: _Reason, path: str, model: str) -> ErrorClass:
    text = reason.text
    if status == 402 or any(phrase in text for phrase in _BUDGET_PHRASES):
        return ErrorClass.BUDGET
    if status in (429, 529):
        return ErrorClass.RATE_LIMITED
    if status == 403 and reason.type == "invalid_request_error":
        return (
            ErrorClass.UNSUPPORTED
        )  # OpenAI's word for "not with this model": no fault of the key
    if status in (401, 403) or any(phrase in text for phrase in _KEY_PHRASES):
        return ErrorClass.AUTH
    # 408 says "timeout", as a 504 does; 407 comes from a proxy on the way; a redirect is not an
    # answer of the protocol.
    if status == 501:
        return ErrorClass.UNSUPPORTED
    if status >= 500 or status < 400 or status in (407, 408):
        return ErrorClass.TRANSIENT
    if status == 413 or (status in (400, 422) and any(p in text for p in _OVERFLOW_PHRASES)):
        return ErrorClass.CONTEXT_OVERFLOW
    if status == 405 or (status == 404 and _api_is_missing(reason, path, model)):
        return ErrorClass.UNSUPPORTED
    return ErrorClass.INVALID


def _api_is_missing(reason: _Reason, path: str, model: str) -> bool:
    message = reason.message[:_TEXT_CHARS_READ].lower()
    if reason.param == "model" or reason.code in _MODEL_CODES:
        return False
    if model and _names(message, model.lower()):
        return False
    if not reason.shaped or (path and path in message):
        return True
    return path == _LATE_PATH and not any(name in message for name in _NAMED_THERE)


def _names(message: str, model: str) -> bool:
    """Whether `model` stands in `message` as a name of its own, not as a part of another's."""
    word = rf"(?<![\w-])(?<!\w[.:@]){re.escape(model)}(?![\w-]|[.:@]\w)"
    return re.search(word, message) is not None


def _event_status(reason: _Reason) -> int:
    if reason.code.isascii() and reason.code.isdigit() and 400 <= int(reason.code[:4]) <= 599:
        return int(reason.code)
    for name in (reason.code.lower(), reason.type.lower()):
        if name in _STATUS_OF_TYPE:
            return _STATUS_OF_TYPE[name]
    return 500


def _reason(provider_type: ProviderType, body: bytes) -> _Reason:
    """Read an error body of any of the known shapes; anything else has no reason."""
    if len(body) > _MAX_PARSED_BYTES:
        return _Reason()
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _Reason(body[:_TEXT_CHARS_READ].decode("utf-8", "replace"))
    if isinstance(value, list) and value:  # Gemini wraps its error object in a list
        value = value[0]
    if not isinstance(value, dict):
        return _Reason()
    error = value.get("error")
    if isinstance(error, dict):
        shaped = provider_type is not ProviderType.ANTHROPIC or value.get("type") == "error"
        return _from_object(error, shaped=shaped)
    if isinstance(error, str):
        return _Reason(message=error)
    return _from_object(value, shaped=value.get("object") == "error")  # Mistral, older vLLM


def _from_object(error: dict[str, Any], *, shaped: bool) -> _Reason:
    def text(name: str) -> str:
        value = error.get(name)
        return value if isinstance(value, str) else str(value) if type(value) is int else ""

    return _Reason(
        message=text("message"),
        type=text("type"),
        code=text("code"),
        param=text("param"),
        shaped=shaped,
    )


def _transport_failure(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return _tls_failure(error)
    match error:
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return "the name cannot be resolved"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy cannot be reached"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case TimeoutError():
            return "no connection in time"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "the connection was closed before the end of the answer"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return f"the connection failed ({type(error).__name__})"


def _tls_failure(error: aiohttp.ClientSSLError | ssl.SSLError) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            cause = error.certificate_error
            why = getattr(cause, "verify_message", "") or "certificate verify failed"
            return f"its TLS certificate is not trusted: {why}"
        case ssl.SSLCertVerificationError():
            return f"its TLS certificate is not trusted: {error.verify_message}"
        case _:
            return "TLS could not be agreed"
