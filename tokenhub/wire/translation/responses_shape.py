"""The response object and its items, as a client gets them.

Source: OpenAI API reference, "The response object".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from tokenhub.types import Usage
from tokenhub.wire.translation.reply import Setting, Stop
from tokenhub.wire.translation.responses_tools import OwnTool, custom_input
from tokenhub.wire.translation.seals import REDACTED_PREFIX

_Json = dict[str, Any]

# What a response repeats of its request, and what it says where that says nothing.
_REPEATED: Final[Mapping[str, Any]] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_OURS: Final = {"previous_response_id": None, "store": False}
_FUNCTION: Final = {"description": None, "parameters": None, "strict": True}
_CUT: Final = frozenset({Stop.LENGTH, Stop.CONTEXT})


class Frame:
    """A response but for what changes while it is made; the fields are dumped once only."""

    def __init__(self, setting: Setting) -> None:
        self.id = f"resp_{setting.request_id}"
        self._head = b'{"id":%b,"object":"response","created_at":%d,"status":"' % (
            orjson.dumps(self.id),
            setting.created_s,
        )
        self._rest = _repeated(setting.asked)
        self.model = b""

    def response(
        self,
        status: bytes,
        output: bytes = b"",
        usage: Usage | None = None,
        *,
        error: _Json | None = None,
        incomplete: str | None = None,
    ) -> bytes:
        """The response as it is now; `output` are the dumped items with commas between them."""
        details = None if incomplete is None else {"reason": incomplete}
        return (
            b'%b%b","error":%b,"incomplete_details":%b,"model":%b,"output":[%b],"usage":%b,%b'
        ) % (
            self._head,
            status,
            orjson.dumps(error),
            orjson.dumps(details),
            self.model,
            output,
            orjson.dumps(None if usage is None else usage_of(usage)),
            self._rest,
        )


def _repeated(asked: Mapping[str, Any]) -> bytes:
    """The fields that repeat the request, up to the end of the object."""
    fields = dict(_REPEATED)
    for name, default in _REPEATED.items():
        value = asked.get(name)
        if value is None:
            continue
        if name == "tools" and type(value) is list:
            value = [_tool(tool) for tool in value]
        elif type(default) is dict and type(value) is dict:
            value = default | {key: one for key, one in value.items() if one is not None}
        fields[name] = value
    fields |= _OURS
    try:
        return orjson.dumps(fields)[1:]
    except orjson.JSONEncodeError:  # the request was nested just as deep as could be
        return orjson.dumps(dict(_REPEATED) | _OURS)[1:]


def _tool(tool: object) -> object:
    is_function = type(tool) is dict and tool.get("type") == "function"
    return _FUNCTION | tool if is_function else tool  # type: ignore[operator]  # it is a dict


def ending(stop: Stop, *, refused_in_words: bool) -> tuple[bytes, str | None]:
    """A response's status, and why it is incomplete where it is.

    A refusal in the model's own words is a complete answer.
    """
    if stop in _CUT:
        return b"incomplete", "max_output_tokens"
    if stop is Stop.REFUSED and not refused_in_words:
        return b"incomplete", "content_filter"
    return b"completed", None


def item_status(stop: Stop) -> str:
    """The status of the item that was being made when the model stopped."""
    return "incomplete" if stop in _CUT else "completed"


def usage_of(usage: Usage) -> _Json:
    """The `usage` object."""
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": written,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def text_part(text: str) -> _Json:
    """A part of a message."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def refusal_part(text: str) -> _Json:
    """A part of a message in which the model refuses."""
    return {"type": "refusal", "refusal": text}


def message_item(id: str, status: str, parts: Sequence[_Json]) -> _Json:
    """A message."""
    return {
        "id": id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def reasoning_item(id: str, text: str, seal: str, *, redacted: bool = False) -> _Json:
    """Reasoning that is complete, with the seal by which its maker knows it again."""
    return {
        "id": id,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text}] if text else [],
        "encrypted_content": REDACTED_PREFIX + seal if redacted else seal,
    }


def call_item(place: str, status: str, call: tuple[str, str, str], own: OwnTool | None) -> _Json:
    """The call (its id, name, arguments) of a function, or of what `own` says it stands for.

    `place` is what makes the item's id its own.
    """
    call_id, name, arguments = call
    named: _Json = {"call_id": call_id, "name": name if own is None else own.name}
    if own is not None and own.namespace is not None:
        named["namespace"] = own.namespace
    if own is not None and own.custom:
        input = custom_input(arguments) if arguments else ""
        id = f"ctc_{place}"
        return {"id": id, "type": "custom_tool_call", "status": status, **named, "input": input}
    id = f"fc_{place}"
    return {"id": id, "type": "function_call", "status": status, **named, "arguments": arguments}
