"""Whole answers of the messages API: read and written.

Source: Anthropic API reference, "Messages"; the types of Anthropic's SDK.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.tokens import estimate_output
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.messages_output import thinking_block, tool_use_block
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.usage import anthropic_usage

Json = dict[str, Any]

_STOPS: Final = {
    "end_turn": Stop.END,
    "max_tokens": Stop.LENGTH,
    "tool_use": Stop.TOOLS,
    "stop_sequence": Stop.SEQUENCE,
    "refusal": Stop.REFUSED,
    "pause_turn": Stop.PAUSED,
    "model_context_window_exceeded": Stop.CONTEXT,
}
_STOP_NAMES: Final = {stop: name for name, stop in _STOPS.items()}


def read(value: Mapping[str, Any]) -> Reply:
    """What an answer says; raises NotOfProtocol."""
    content = value.get("content")
    if not isinstance(content, list):
        raise NotOfProtocol("the answer is not an object with a list 'content'")
    pieces = [piece for block in content if (piece := _piece(block)) is not None]
    if explained := explanation_of(value.get("stop_details")):
        pieces.append(Refusal(explained))
    report, sequence = value.get("usage"), value.get("stop_sequence")
    return Reply(
        model=text_in(value, "model"),
        pieces=pieces,
        stop=stop_of(value.get("stop_reason")),
        sequence=sequence if isinstance(sequence, str) else None,
        usage=anthropic_usage(report) if isinstance(report, dict) else None,
    )


def stop_of(reason: object) -> Stop:
    """What a `stop_reason` means; one that is not known is an end like any other."""
    return _STOPS.get(reason, Stop.END) if isinstance(reason, str) else Stop.END


def explanation_of(details: object) -> str:
    """The words of a refusal in `stop_details`, "" without any."""
    if not isinstance(details, dict) or not isinstance(details.get("explanation"), str):
        return ""
    return str(details["explanation"])


def text_in(holder: Mapping[str, Any], name: str) -> str:
    """The text in the field `name`, "" where it is absent; raises NotOfProtocol."""
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotOfProtocol(f"{name!r} that is not text")
    return value


def input_in(block: Mapping[str, Any]) -> str:
    """The `input` of a call as JSON text; raises NotOfProtocol."""
    try:
        return orjson.dumps(block.get("input") or {}).decode()
    except orjson.JSONEncodeError:
        raise NotOfProtocol("an input that is nested too deeply") from None


def _piece(block: object) -> Text | Thinking | ToolUse | Refusal | None:
    if not isinstance(block, dict):
        raise NotOfProtocol("a content block that is not an object")
    match block.get("type"):
        case "text":
            return Text(text_in(block, "text"))
        case "thinking":
            return Thinking(text_in(block, "thinking"), text_in(block, "signature"))
        case "redacted_thinking":
            return Thinking("", text_in(block, "data"), redacted=True)
        case "tool_use":
            return ToolUse(text_in(block, "id"), text_in(block, "name"), input_in(block))
        case _:
            # Of tools that nobody asked for: no client can use it.
            return None


def write(reply: Reply, setting: Setting) -> bytes:
    """The answer that says `reply`."""
    content = [
        block
        for index, piece in enumerate(reply.pieces)
        if (block := _block(piece, index, setting)) is not None
    ]
    stop = stop_fields(
        reply.stop,
        reply.sequence,
        called=any(isinstance(piece, ToolUse) for piece in reply.pieces),
        refused=any(isinstance(piece, Refusal) for piece in reply.pieces),
    )
    usage = reply.usage or _estimated(reply, setting)
    return orjson.dumps(
        {
            "id": f"msg_{setting.request_id}",
            "type": "message",
            "role": "assistant",
            "model": reply.model or setting.model,
            "content": content,
            **stop,
            "usage": usage_of(usage),
        }
    )


def _estimated(reply: Reply, setting: Setting) -> Usage:
    said = [p.arguments if isinstance(p, ToolUse) else p.text for p in reply.pieces]
    made = round(estimate_output(said))
    return Usage(setting.input_tokens, output_tokens=made, estimated=True)


def _block(piece: Text | Thinking | ToolUse | Refusal, index: int, setting: Setting) -> Json | None:
    """The block that says `piece`, None where that would be empty."""
    match piece:
        case Text() | Refusal():
            return {"type": "text", "text": piece.text} if piece.text else None
        case ToolUse():
            return tool_use_block(piece, call_id(piece, setting, index))
        case Thinking(seal=""):
            return thinking_block(Thinking(piece.text, setting.seal_for(piece.text)))
        case _:
            return thinking_block(piece)


def call_id(piece: object, setting: Setting, index: int) -> str:
    """The id of a call, one of our own where the provider gave none."""
    return (isinstance(piece, ToolUse) and piece.id) or f"toolu_{setting.request_id}_{index}"


def stop_fields(stop: Stop, sequence: str | None, *, called: bool, refused: bool) -> Json:
    """Why the message ended; `called` and `refused` tell whether it holds calls or a refusal.

    They count where the provider's reason says otherwise: some end a message that calls tools
    with a plain stop, and OpenAI one that refuses.
    """
    if refused:
        stop = Stop.REFUSED
    elif stop is Stop.END and called:
        stop = Stop.TOOLS
    elif stop is Stop.TOOLS and not called:
        stop = Stop.END
    details = {"type": "refusal", "category": None, "explanation": None}
    return {
        "stop_reason": _STOP_NAMES[stop],
        "stop_sequence": sequence if stop is Stop.SEQUENCE else None,
        "stop_details": details if stop is Stop.REFUSED else None,
    }


def usage_of(usage: Usage) -> Json:
    """The `usage` object, in which cached and written tokens are no part of `input_tokens`."""
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    report: Json = {
        "input_tokens": max(0, usage.input_tokens - usage.cached_input_tokens - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        report["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return report
