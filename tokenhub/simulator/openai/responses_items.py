"""The output items of a response, each with the events that build it up when streamed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.reply import Finish, Reply, ToolCall
from tokenhub.simulator.model.signatures import seal
from tokenhub.simulator.openai.parts import call_id
from tokenhub.simulator.openai.responses_input import ResponsesRequest

Event = tuple[str, Json, int]
"""An event's type without `response.`, its fields, and the output tokens it carries."""


CUT = {
    Finish.LENGTH: "max_output_tokens",
    Finish.WINDOW: "max_output_tokens",
    Finish.FILTERED: "content_filter",
}
"""The ends that leave a response incomplete, with their `reason`."""


_MOST_IN_A_PART = 24
"""So many pieces of the reasoning are at most in each part of its summary."""


@dataclass(frozen=True, slots=True)
class Item:
    """An output item: as it starts, what happens to it, and as it ends."""

    started: Json
    events: tuple[Event, ...]
    done: Json


def output_items(exchange: Exchange, request: ResponsesRequest, reply: Reply) -> list[Item]:
    """The reasoning, the message and the calls of functions in `reply`."""
    cut = reply.finish in CUT
    items = []
    if reply.thinking:
        items.append(_reasoning(exchange, request, reply))
    if reply.words or not (reply.calls or cut):
        items.append(_message(exchange, reply, "incomplete" if cut else "completed"))
    for number, call in enumerate(reply.calls):
        last = number == len(reply.calls) - 1
        items.append(_call(exchange, call, "incomplete" if cut and last else "completed"))
    return items


def _reasoning(exchange: Exchange, request: ResponsesRequest, reply: Reply) -> Item:
    base: Json = {"id": exchange.ids.hex("rs_", 50), "type": "reasoning", "summary": []}
    done = dict(base)
    if request.encrypted:
        base["encrypted_content"] = seal(request.model.id, "", base["id"])
        done["encrypted_content"] = seal(request.model.id, reply.reasoning, base["id"])
    if not request.summary:
        waits: tuple[Event, ...] = ()
        return Item(base, waits, done)
    parts = _parts_of(reply.thinking)
    done["summary"] = [_summary_part("".join(part)) for part in parts]
    events = [event for index, part in enumerate(parts) for event in _summary(index, part)]
    return Item(base, tuple(events), done)


def _parts_of(thinking: Sequence[str]) -> list[list[str]]:
    """The parts of a summary, about as long as each other; none begins with a space."""
    number = -(-len(thinking) // _MOST_IN_A_PART)
    length = -(-len(thinking) // number)
    parts = [thinking[start : start + length] for start in range(0, len(thinking), length)]
    return [[part[0].lstrip(), *part[1:]] for part in parts]


def _summary(index: int, part: Sequence[str]) -> Iterator[Event]:
    place: Json = {"summary_index": index}
    text = "".join(part)
    yield "reasoning_summary_part.added", place | {"part": _summary_part("")}, 0
    for piece in part:
        yield "reasoning_summary_text.delta", place | {"delta": piece}, 1
    yield "reasoning_summary_text.done", place | {"text": text}, 0
    yield "reasoning_summary_part.done", place | {"part": _summary_part(text)}, 0


def _summary_part(text: str) -> Json:
    return {"type": "summary_text", "text": text}


def _message(exchange: Exchange, reply: Reply, status: str) -> Item:
    base: Json = {
        "id": exchange.ids.hex("msg_", 50),
        "type": "message",
        "status": "in_progress",
        "content": [],
        "role": "assistant",
    }
    if reply.refused and not exchange.vllm:
        done = base | {"status": status, "content": [_refusal_part(reply.text)]}
        return Item(base, tuple(_refusal(reply)), done)
    done = base | {"status": status, "content": [_part(reply.text)]}
    return Item(base, tuple(_text(reply)), done)


def _text(reply: Reply) -> Iterator[Event]:
    yield "content_part.added", {"content_index": 0, "part": _part("")}, 0
    for piece in reply.words:
        yield "output_text.delta", {"content_index": 0, "delta": piece, "logprobs": []}, 1
    yield "output_text.done", {"content_index": 0, "text": reply.text, "logprobs": []}, 0
    yield "content_part.done", {"content_index": 0, "part": _part(reply.text)}, 0


def _refusal(reply: Reply) -> Iterator[Event]:
    yield "content_part.added", {"content_index": 0, "part": _refusal_part("")}, 0
    for piece in reply.words:
        yield "refusal.delta", {"content_index": 0, "delta": piece}, 1
    yield "refusal.done", {"content_index": 0, "refusal": reply.text}, 0
    yield "content_part.done", {"content_index": 0, "part": _refusal_part(reply.text)}, 0


def _refusal_part(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


def _part(text: str) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _call(exchange: Exchange, call: ToolCall, status: str) -> Item:
    """A call and the events of what it is given: a function's JSON, or any text."""
    kind, said, events, prefix = (
        ("custom_tool_call", "input", "custom_tool_call_input", "ctc_")
        if call.free_text
        else ("function_call", "arguments", "function_call_arguments", "fc_")
    )
    base: Json = {
        "id": exchange.ids.hex(prefix, 50),
        "type": kind,
        "status": "in_progress",
        said: "",
        "call_id": call_id(exchange),
        "name": call.name,
    }
    told: list[Event] = [(f"{events}.delta", {"delta": piece}, 1) for piece in call.arguments]
    told.append((f"{events}.done", {said: call.json}, 0))
    return Item(base, tuple(told), base | {"status": status, said: call.json})
