"""Whole answers of responses, read and written.

Source: OpenAI API reference, "The response object".
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.translation.responses_shape import (
    Frame,
    call_item,
    ending,
    item_status,
    message_item,
    reasoning_item,
    refusal_part,
    text_part,
)
from tokenhub.wire.translation.responses_tools import OwnTool, own_tools
from tokenhub.wire.usage import responses_usage

BETWEEN_SUMMARIES: Final = "\n\n"
"""What separates the parts of a summary, where other protocols have one text."""

_Spoken = Text | Thinking | ToolUse | Refusal


def read(value: Mapping[str, Any]) -> Reply:
    """What a response says; raises NotOfProtocol, also for one that failed."""
    output = value.get("output")
    if type(output) is not list or value.get("status") == "failed":
        raise NotOfProtocol("the answer is no response with an output")
    reply = Reply(model=text_of(value, "model"))
    for number, item in enumerate(output):
        if type(item) is not dict:
            raise NotOfProtocol("an item that is not an object")
        reply.pieces += _pieces(item, number)
    reply.stop = stop_of(
        value,
        called=any(isinstance(piece, ToolUse) for piece in reply.pieces),
        refused=any(isinstance(piece, Refusal) for piece in reply.pieces),
    )
    report = value.get("usage")
    reply.usage = responses_usage(report) if type(report) is dict else None
    return reply


def _pieces(item: Mapping[str, Any], number: int) -> Iterator[_Spoken]:
    """What an item says: nothing where its type is none that we ask for."""
    kind = item.get("type")
    if kind == "message":
        for part in parts_of(item, "content"):
            if text := text_of(part, "text"):
                yield Text(text)
            elif refusal := text_of(part, "refusal"):
                yield Refusal(refusal)
    elif kind == "reasoning":
        text, seal = thought_of(item), text_of(item, "encrypted_content")
        if text or seal:
            yield Thinking(text, seal)
    elif kind == "function_call":
        id, name = call_of(item, number)
        yield ToolUse(id, name, text_of(item, "arguments") or "{}")


def thought_of(item: Mapping[str, Any]) -> str:
    """The text of reasoning: its summary, else what was thought itself."""
    summary = [text_of(part, "text") for part in parts_of(item, "summary")]
    texts = summary or [text_of(part, "text") for part in parts_of(item, "content")]
    return BETWEEN_SUMMARIES.join(filter(None, texts))


def call_of(item: Mapping[str, Any], number: int) -> tuple[str, str]:
    """The id and the name in the call of a function; raises NotOfProtocol."""
    name = text_of(item, "name")
    if not name:
        raise NotOfProtocol("a function_call without a name")
    return text_of(item, "call_id") or text_of(item, "id") or f"call_{number}", name


def stop_of(value: Mapping[str, Any], *, called: bool, refused: bool) -> Stop:
    """Why the model stopped, by what a response says at its end and what was in it."""
    if value.get("status") == "incomplete":
        details = value.get("incomplete_details")
        reason = details.get("reason") if type(details) is dict else None
        return Stop.REFUSED if reason == "content_filter" else Stop.LENGTH
    if called:
        return Stop.TOOLS
    return Stop.REFUSED if refused else Stop.END


def parts_of(item: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a list of an item."""
    parts = item.get(name)
    return [part for part in parts if type(part) is dict] if type(parts) is list else []


def text_of(holder: Mapping[str, Any], name: str) -> str:
    """A text in `holder`, "" where there is none."""
    value = holder.get(name)
    return value if type(value) is str else ""


def write(reply: Reply, setting: Setting) -> bytes:
    """The response for the client."""
    frame = Frame(setting)
    frame.model = orjson.dumps(reply.model or setting.model)
    own = own_tools(setting.asked)
    groups = _groups(reply.pieces)
    output = []
    for number, pieces in enumerate(groups):
        last = number == len(groups) - 1
        status = item_status(reply.stop) if last else "completed"
        output.append(orjson.dumps(_item(pieces, number, status, setting, own)))
    refused = any(isinstance(piece, Refusal) for piece in reply.pieces)
    status_of_all, incomplete = ending(reply.stop, refused_in_words=refused)
    return frame.response(status_of_all, b",".join(output), reply.usage, incomplete=incomplete)


def _groups(pieces: Sequence[_Spoken]) -> list[list[_Spoken]]:
    """What makes up one item each: all text and refusal that follow each other are a message."""
    groups: list[list[_Spoken]] = []
    for piece in pieces:
        if not isinstance(piece, ToolUse) and not (piece.text or getattr(piece, "seal", "")):
            continue
        words = isinstance(piece, Text | Refusal)
        if words and groups and isinstance(groups[-1][0], Text | Refusal):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _item(
    pieces: Sequence[_Spoken],
    number: int,
    status: str,
    setting: Setting,
    own: Mapping[str, OwnTool],
) -> dict[str, Any]:
    first, place = pieces[0], f"{setting.request_id}_{number}"
    if isinstance(first, Thinking):
        seal = first.seal or setting.seal_for(first.text)
        return reasoning_item(f"rs_{place}", first.text, seal, redacted=first.redacted)
    if isinstance(first, ToolUse):
        call = (first.id or f"call_{place}", first.name, first.arguments or "{}")
        return call_item(place, status, call, own.get(first.name))
    parts = []
    for kind, same in groupby(pieces, key=type):
        text = "".join([piece.text for piece in same if not isinstance(piece, ToolUse)])
        parts.append(text_part(text) if kind is Text else refusal_part(text))
    return message_item(f"msg_{place}", status, parts)
