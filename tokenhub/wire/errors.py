"""Our own errors in each protocol's shape, and what else we say in a stream."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tokenhub.types import Api, Protocol
from tokenhub.wire.failed_response import failed_events, own_error, told_error

_OVERLOADED: Final = "overloaded_error"
_OTHER: Final = "api_error"
# Source: Anthropic API reference, "Errors".
_ANTHROPIC_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: _OVERLOADED,
    504: "timeout_error",
    529: _OVERLOADED,
}
# Source: OpenAI, "Error codes"; `type` is free text there, these are the ones it sends.
_OPENAI_TYPES: Final = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


def error_body(  # noqa: PLR0913 - an answer has these parts
    protocol: Protocol,
    *,
    status: int,
    code: str,
    message: str,
    request_id: str,
    param: str | None = None,
    details: Mapping[str, object] | None = None,
    lasting: bool = False,
) -> bytes:
    """The JSON body of an error answer in the shape of `protocol`; Anthropic's has `details`.

    Nothing that is `lasting` is told as an overload, which passes: Claude Code repeats that
    whatever the headers say.
    """
    if protocol is Protocol.ANTHROPIC:
        told = _anthropic(status, message, request_id)
        if lasting and told["error"]["type"] == _OVERLOADED:
            told["error"]["type"] = _OTHER
        if details is not None:
            told["error"]["details"] = details
        return orjson.dumps(told)
    if protocol is Protocol.OPENAI:
        return orjson.dumps(_openai(status, code, message, param))
    return orjson.dumps({"error": {"code": code, "message": message, "request_id": request_id}})


def error_event(api: Api, code: str, message: str, request_id: str, *, status: int = 502) -> bytes:
    """What ends a stream of `api` with an error before it has begun; `status` gives it its type.

    In one that has begun it is the reader's `error_event`. The SDK of OpenAI raises on data with
    an `error` member, Anthropic's on the event `error`; a response becomes one that has failed.
    """
    if api is Api.RESPONSES:
        return failed_events(None, 0, own_error(code, message, status), request_id)
    if api is Api.MESSAGES:
        return b"event: error\ndata: %b\n\n" % orjson.dumps(_anthropic(status, message, request_id))
    return b"data: %b\n\n" % orjson.dumps(_openai(status, code, message, None))


def event_of_error_body(api: Api, body: bytes, request_id: str) -> bytes:
    """The event that tells in a stream of `api` what a provider's error `body` says.

    Empty where `body` is not an object with an `error`, as the SDKs want it. Of a response, which
    has not begun, one is made that has failed; `request_id` gives it its id.
    """
    if api is Api.RESPONSES:
        error = told_error(body)
        return b"" if error is None else failed_events(None, 0, error, request_id)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return b""
    if not isinstance(value, dict) or not value.get("error"):
        return b""
    name = b"event: error\n" if api is Api.MESSAGES else b""
    return name + b"".join(b"data: %b\n" % line for line in body.splitlines()) + b"\n"


def keep_alive(api: Api) -> bytes:
    """What may go out between two events: `ping` for messages, else a comment."""
    return (
        b'event: ping\ndata: {"type": "ping"}\n\n' if api is Api.MESSAGES else b": keep-alive\n\n"
    )


def end_of_stream(api: Api) -> bytes:
    """What ends a whole stream whose provider left it out.

    A response is whole only by its own last event, which holds all of it: nothing follows.
    """
    if api is Api.MESSAGES:
        return b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    if api is Api.RESPONSES:
        return b""
    return b"data: [DONE]\n\n"


def _anthropic(status: int, message: str, request_id: str) -> dict[str, Any]:
    other = "invalid_request_error" if status < 500 else _OTHER
    kind = _ANTHROPIC_TYPES.get(status, other)
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def _openai(status: int, code: str, message: str, param: str | None) -> dict[str, Any]:
    other = "invalid_request_error" if status < 500 else "server_error"
    kind = _OPENAI_TYPES.get(status, other)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
