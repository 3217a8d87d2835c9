"""Parts of Anthropic's answers that the whole message and the stream share."""

import json
from dataclasses import dataclass

from tokenhub.simulator.anthropic.messages_input import MessagesRequest
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.reply import Finish, Reply
from tokenhub.simulator.model.signatures import seal, sign

_STOP_REASONS = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
    Finish.REFUSED: "refusal",
    Finish.FILTERED: "refusal",
    Finish.PAUSED: "pause_turn",
    Finish.WINDOW: "model_context_window_exceeded",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A content block: as it is whole, as it starts, and its deltas with the tokens of each."""

    whole: Json
    start: Json
    deltas: tuple[tuple[Json, int], ...]


def head(exchange: Exchange, request: MessagesRequest) -> Json:
    """What comes before the content."""
    return {
        "model": request.model.snapshot,
        "id": exchange.ids.base58("msg_01", 22),
        "type": "message",
        "role": "assistant",
    }


def stop_fields(reply: Reply) -> Json:
    """Why the message ended."""
    reason = _STOP_REASONS[reply.finish]
    details = None
    if reason == "refusal":
        explanation = reply.text if reply.refused and reply.text else None
        details = {"type": "refusal", "category": None, "explanation": explanation}
    return {
        "stop_reason": reason,
        "stop_sequence": reply.stop_sequence,
        "stop_details": details,
    }


def usage(request: MessagesRequest, reply: Reply, output_tokens: int | None = None) -> Json:
    """The `usage` of a message; `output_tokens` so far instead of all of them at its start."""
    cache = request.cache
    counted: Json = {
        "input_tokens": cache.uncached,
        "cache_creation_input_tokens": cache.written_5m + cache.written_1h,
        "cache_read_input_tokens": cache.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cache.written_5m,
            "ephemeral_1h_input_tokens": cache.written_1h,
        },
        "output_tokens": all_tokens(reply) if output_tokens is None else output_tokens,
        "service_tier": "standard",
        "inference_geo": "global",
    }
    if request.thinking and output_tokens is None:
        counted["output_tokens_details"] = {"thinking_tokens": reply.reasoning_tokens}
    return counted


def delta_usage(request: MessagesRequest, reply: Reply) -> Json:
    """The cumulative `usage` of `message_delta`."""
    whole = usage(request, reply)
    left_out = ("cache_creation", "service_tier", "inference_geo")
    return {name: value for name, value in whole.items() if name not in left_out}


def all_tokens(reply: Reply) -> int:
    """The output tokens that are charged; a refusal costs one."""
    return 1 if reply.refused else reply.output_tokens


def message_blocks(exchange: Exchange, request: MessagesRequest, reply: Reply) -> list[Block]:
    """The content: thinking, text, calls of tools."""
    if reply.refused:
        return []
    blocks = []
    if reply.thinking:
        blocks.append(_redacted(request, reply) if request.redacted else _thinking(request, reply))
    if reply.words:
        deltas = tuple(({"type": "text_delta", "text": piece}, 1) for piece in reply.words)
        blocks.append(Block(_text(reply.text), _text(""), deltas))
    for call in reply.calls:
        start = {"type": "tool_use", "id": exchange.ids.base58("toolu_01", 22), "name": call.name}
        deltas = tuple(
            ({"type": "input_json_delta", "partial_json": piece}, 1)
            for piece in ("", *call.arguments)
        )
        blocks.append(Block({**start, "input": _input(call.json)}, {**start, "input": {}}, deltas))
    return blocks


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _input(arguments: str) -> Json:
    """The arguments as an object, empty when they were cut off."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _thinking(request: MessagesRequest, reply: Reply) -> Block:
    """A block of thinking; of `updates` only what leads to calls is shown."""
    signature = sign(request.model.id, reply.reasoning)
    omitted = request.display == "omitted" or (request.display == "updates" and not reply.calls)
    deltas: list[tuple[Json, int]] = [
        ({"type": "thinking_delta", "thinking": piece}, 1)
        for piece in ([] if omitted else reply.thinking)
    ]
    hidden = reply.reasoning_tokens if omitted else 0
    deltas.append(({"type": "signature_delta", "signature": signature}, hidden))
    shown = "" if omitted else reply.reasoning
    return Block(
        {"type": "thinking", "thinking": shown, "signature": signature},
        {"type": "thinking", "thinking": "", "signature": ""},
        tuple(deltas),
    )


def _redacted(request: MessagesRequest, reply: Reply) -> Block:
    block = {"type": "redacted_thinking", "data": seal(request.model.id, reply.reasoning)}
    return Block(block, block, ())
