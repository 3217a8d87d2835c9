"""The end of a responses stream that failed.

Source: OpenAI API reference, "Responses streaming". OpenAI's SDK wants `response.created` first
and the same response in every later event; Codex takes a stream for whole or failed only by
`response.completed`, `.incomplete` or `.failed`, and decides by `error.code` whether to try again.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

_KNOWN: Final = frozenset(
    {"context_length_exceeded", "insufficient_quota", "rate_limit_exceeded", "server_error"}
)
"""What we say ourselves of the codes that clients decide by."""
_INVALID: Final = ("invalid_request_error", "BadRequestError")
_CODE_OF_STATUS: Final = {402: "insufficient_quota", 429: "rate_limit_exceeded"}


def failed_events(
    started: Mapping[str, Any] | None, sequence: int, error: Mapping[str, Any], request_id: str
) -> bytes:
    """The `response.failed` event with the number `sequence`.

    `started` is the response as it began; where it did not, a `response.created` goes before.
    """
    before = b""
    if started is None:
        started = _response(request_id)
        before = _event("response.created", sequence, started)
        sequence += 1
    failed = {**_response(request_id), **started, "status": "failed", "error": error}
    return before + _event("response.failed", sequence, failed)


def own_error(code: str, message: str, status: int) -> dict[str, Any]:
    """The `error` of a response for our own `code`, which stands in `type` if clients know none."""
    if code in _KNOWN:
        return {"code": code, "message": message}
    known = "server_error" if status >= 500 else "invalid_prompt"
    return {"code": _CODE_OF_STATUS.get(status, known), "message": message, "type": code}


def told_error(data: bytes) -> dict[str, Any] | None:
    """The `error` of a response for a provider's error event or error body; None for neither.

    Where it has no code, the one that clients know for its type.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    error = value.get("error") or (value if value.get("type") == "error" else None)
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        return None
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, str) or not code:
        code = "invalid_prompt" if error.get("type") in _INVALID else "server_error"
    return {"code": code, "message": message if isinstance(message, str) else code}


def _response(request_id: str) -> dict[str, Any]:
    """A response of which nothing is known but that it was asked for; nobody has made it yet."""
    return {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }


def _event(kind: str, sequence: int, response: Mapping[str, Any]) -> bytes:
    data = {"type": kind, "sequence_number": sequence, "response": response}
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps(data))
