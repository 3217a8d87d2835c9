"""TokenHub's own envelope, `POST /v1/chat`, around a chat completion.

The chat request is put together from slices of the client's own bytes, the answer around the
provider's: neither is written anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tokenhub.errors import BadRequest
from tokenhub.text import clean
from tokenhub.wire.body import Document

_ENVELOPE: Final = frozenset(("request", "capabilities", "policy", "output_format"))
_REQUEST: Final = frozenset(
    (
        "messages",
        "model",
        "model_hint",
        "estimated_input_tokens",
        "parameters",
        "stream",
        "meta",
        "output_schema",
    )
)
_NOT_PARAMETERS: Final = frozenset(("messages", "model", "stream"))
_UNAVAILABLE: Final = {
    "output_format": ("type", "schema", "max_tokens", "strip_think"),
}
"""What the envelope knows and the hub cannot do yet."""


def chat_body(document: Document) -> bytes:
    """The chat completions body that the envelope in `document`, or its reduced form, asks for.

    Raises BadRequest naming the field (`output_format.type`) for what is wrong or not available.
    `policy` and `capabilities` steer and are read elsewhere; `meta` is the client's own note and
    not passed on; `estimated_input_tokens` cannot lower our estimate and is only checked.
    """
    for holder, names in _UNAVAILABLE.items():
        _refuse_unavailable(document.value.get(holder), holder, names)
    if "request" in document.value:
        _refuse_unknown(document.value, _ENVELOPE, "")
        request, prefix = document.inner("request"), "request."
        _refuse_unknown(request.value, _REQUEST, prefix)
        others = []
    else:
        request, prefix = document, ""
        others = [name for name in document.value if name not in _REQUEST | _ENVELOPE]
    _check(request.value, prefix)
    members = [_model(request, prefix)]
    members += [(name, request.raw(name)) for name in ("messages", "stream", *others)]
    if request.value.get("parameters") is not None:
        parameters = request.inner("parameters")
        members += [(name, parameters.raw(name)) for name in parameters.value]
    pairs = (orjson.dumps(name) + b":" + raw for name, raw in members if raw)
    return b"{" + b",".join(pairs) + b"}"


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What the envelope of an answer tells about how it came to be."""

    model: str
    provider: str
    reason: str
    cost_usd: float


def answer(facts: RoutingFacts, response: bytes) -> bytes:
    """The envelope around a provider's JSON answer."""
    head = {
        "negotiated_model": facts.model,
        "negotiated_provider": facts.provider,
        "estimated_cost_usd": facts.cost_usd,
        "routing_reason": facts.reason,
    }
    return orjson.dumps(head)[:-1] + b',"response":' + response + b"}"


def _model(request: Document, prefix: str) -> tuple[str, bytes]:
    named = [name for name in ("model", "model_hint") if request.value.get(name) is not None]
    if len(named) == 2:
        raise _wrong(f"{prefix}model_hint", "not beside model")
    return "model", request.raw(named[0]) if named else b""


def _check(request: Mapping[str, Any], prefix: str) -> None:
    """Raise BadRequest for a field of the request that is not what it must be."""
    if request.get("output_schema") is not None:
        raise BadRequest(f"{prefix}output_schema is not available", param=f"{prefix}output_schema")
    estimate = request.get("estimated_input_tokens")
    if estimate is not None and (type(estimate) is not int or estimate < 0):
        raise _wrong(f"{prefix}estimated_input_tokens", "an integer of 0 or more")
    for name in ("parameters", "meta"):
        if request.get(name) is not None and not isinstance(request[name], dict):
            raise _wrong(f"{prefix}{name}", "an object")
    for name in request.get("parameters") or ():
        if name in _NOT_PARAMETERS:
            raise _wrong(f"{prefix}parameters.{name}", f"{name} beside parameters, not in them")


def _refuse_unavailable(value: object, holder: str, names: Iterable[str]) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise _wrong(holder, "an object")
    for name, given in value.items():
        field = f"{holder}.{clean(name, 80)}"
        if name not in names:
            raise BadRequest(f"unknown field {field!r}: one of {', '.join(names)}", param=field)
        if given is not None and given is not False:
            raise BadRequest(f"{field} is not available", param=field)


def _refuse_unknown(value: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    for name in value:
        if name not in known:
            field = f"{prefix}{clean(name, 80)}"
            names = ", ".join(sorted(known))
            raise BadRequest(f"unknown field {field!r}: one of {names}", param=field)


def _wrong(field: str, expected: str) -> BadRequest:
    return BadRequest(f"{field}: expected {expected}", param=field)
