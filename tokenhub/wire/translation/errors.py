"""A provider's error in the shape and the words by which clients of another protocol know it.

Clients read three things: the HTTP status, which stays; `type` or `code`; and, where a
conversation has grown too long, the wording. Claude Code makes a conversation shorter on "prompt is
too long", and asks for less output on "input length and `max_tokens` exceed context limit";
clients of OpenAI look for the code `context_length_exceeded` or for "maximum context length".
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

import orjson

from tokenhub.types import Api, Protocol, per_request
from tokenhub.wire.errors import error_body, error_event

_OVERFLOW_CODE: Final = "context_length_exceeded"
_MESSAGE_CHARS: Final = 16 * 1024
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_READ_CHARS: Final = 4096
_COMPLAINTS: Final = 20
_CODES: Final = {
    401: "invalid_api_key",
    404: "model_not_found",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}
"""OpenAI's codes for errors that come without one."""

# The numbers in the wordings of OpenAI, Anthropic, vLLM, OpenRouter, Gemini, xAI, Mistral,
# llama.cpp: what the model holds, what there was (of input, or in all), what was left to output.
_MOST: Final = re.compile(
    r"(?:context|prompt|model) (?:length|size|window)(?: is| of)? \(?(\d{1,9})"
    r"|tokens allowed \(?(\d{1,9})|> (\d{1,9})|(\d{1,9}) maximum context length"
)
_INPUT: Final = re.compile(
    r"(?:too long: |context limit: |resulted in |contains |request has |token count \()(\d{1,9})"
)
_TOTAL: Final = re.compile(r"requested (?:about |a total of )?(\d{1,9})")
_OUTPUT: Final = re.compile(
    r"(\d{1,9}) (?:tokens )?(?:in|for) the (?:completion|output)"
    r"|is too large: (\d{1,9})|context limit: \d{1,9} \+ (\d{1,9})"
)


@per_request
class Failure:
    """A provider's error as it is told to a client of one protocol."""

    status: int
    code: str
    message: str
    param: str | None = None


def failure_of(
    source: Api, target: Api, status: int, body: bytes, *, overflow: bool = False
) -> Failure:
    """What a client of `target` is told of an error body or event of a provider of `source`.

    The provider's message stays. `overflow` says that the error is about the length of the context:
    then the client's own wording for that goes before it, and the status is 400.
    """
    error = _error(body)
    message = error.get("message")
    if not isinstance(message, str) or not message.strip():
        message = f"the provider answered {status}"
    message = message[:_MESSAGE_CHARS]
    if overflow:
        return Failure(400, _OVERFLOW_CODE, _reworded(target, message))
    code, param = error.get("code"), error.get("param")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        code = _CODES.get(status, "server_error" if status >= 500 else "invalid_request")
    same_family = not (_is_anthropic(source) or _is_anthropic(target))
    kept = param if same_family and isinstance(param, str) else None
    return Failure(status, code, message, kept)


def error_answer(
    source: Api, target: Api, status: int, body: bytes, request_id: str, *, overflow: bool = False
) -> bytes:
    """The body of an error answer for a client of `target`; see `failure_of`."""
    failure = failure_of(source, target, status, body, overflow=overflow)
    return error_body(
        Protocol.ANTHROPIC if _is_anthropic(target) else Protocol.OPENAI,
        status=failure.status,
        code=failure.code,
        message=failure.message,
        request_id=request_id,
        param=failure.param,
    )


def error_event_of(
    source: Api, target: Api, status: int, body: bytes, request_id: str, *, overflow: bool = False
) -> bytes:
    """What ends a stream of `target` with a provider's error before it has told anything.

    One that has told something is ended by its writer: `failed`, with what `failure_of` gives.
    """
    failure = failure_of(source, target, status, body, overflow=overflow)
    return error_event(target, failure.code, failure.message, request_id, status=failure.status)


def _is_anthropic(api: Api) -> bool:
    return api in (Api.MESSAGES, Api.COUNT_TOKENS)


def _error(body: bytes) -> Mapping[str, Any]:
    """The members of the error in `body`, whatever family it is of; none where there is no error.

    Gemini has its error in a list, Mistral and older vLLM have its members at the top, servers
    made with FastAPI a `detail`.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    error = value.get("error") or value.get("detail") or value
    if isinstance(error, list):
        error = "; ".join([_complaint(one) for one in error[:_COMPLAINTS]])
    return {"message": error} if isinstance(error, str) else error if _is_object(error) else {}


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def _complaint(one: object) -> str:
    """One of FastAPI's complaints about a body: where, and what."""
    if not isinstance(one, dict) or not isinstance(what := one.get("msg"), str):
        return ""
    where = one.get("loc")
    names = [str(part) for part in where if isinstance(part, str | int)] if _is_list(where) else []
    return f"{'.'.join(names)}: {what}" if names else what


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _reworded(target: Api, message: str) -> str:
    """`message` after the client's own wording for a context that is too long."""
    most, given, asked = _numbers(message[:_READ_CHARS])
    if _is_anthropic(target):
        wording = _for_anthropic(most, given, asked)
        return message if wording in message else f"{wording} ({message})"
    if "maximum context length" in message:
        return message
    return f"{_for_openai(most, given, asked)} ({message})"


def _for_anthropic(most: int, given: int, asked: int) -> str:
    """Anthropic's words: with less output it may fit, or the prompt alone is too long."""
    if asked and given <= most < given + asked:
        return (
            f"input length and `max_tokens` exceed context limit: {given} + {asked} > {most}, "
            "decrease input length or `max_tokens` and try again"
        )
    return f"prompt is too long: {given} tokens > {most} maximum" if most else "prompt is too long"


def _for_openai(most: int, given: int, asked: int) -> str:
    """OpenAI's words."""
    if not most:
        return "Your input exceeds the maximum context length of this model."
    if asked:
        parts = f"({given} in the messages, {asked} in the completion)"
        came = f"you requested {given + asked} tokens {parts}"
    else:
        came = f"your messages resulted in {given} tokens"
    return f"This model's maximum context length is {most} tokens. However, {came}."


def _numbers(message: str) -> tuple[int, int, int]:
    """What the context holds, the tokens of the input, and of the output that was asked for.

    All are 0 where they do not tell of an excess; the last is 0 where it is not told.
    """
    most, asked = _number(_MOST, message), _number(_OUTPUT, message)
    given = _number(_INPUT, message) or max(0, _number(_TOTAL, message) - asked)
    return (most, given, asked) if given and given + asked > most > 0 else (0, 0, 0)


def _number(pattern: re.Pattern[str], message: str) -> int:
    found = pattern.search(message)
    return int(next(filter(None, found.groups()))) if found else 0
