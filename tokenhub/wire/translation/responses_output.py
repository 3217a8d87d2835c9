"""The turns of a conversation, written as the input of responses.

Source: OpenAI API reference, "Create a model response", `input`, and its guides "Reasoning models"
(a reasoning item must be followed by the item that came of it) and "Function calling". A reasoning
item has no id: its encrypted content is bound to the one that it was made with, which no other
protocol has a place for, and OpenAI refuses any other id but takes an item without (as from Codex).
"""

from collections.abc import Sequence
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import (
    File,
    Image,
    Origin,
    Piece,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.seals import OWN_PREFIX, REDACTED_PREFIX
from tokenhub.wire.translation.tool_ids import fit

_Json = dict[str, Any]
_FAILED: Final = "Error: "


def instructions_of(turns: Sequence[Turn]) -> str | None:
    """The `instructions` that the first turn makes: one text of the system, None for any other."""
    if not turns or turns[0].role is not Role.SYSTEM or len(turns[0].pieces) != 1:
        return None
    piece = turns[0].pieces[0]
    return piece.text if isinstance(piece, Text) else None


def input_items(turns: Sequence[Turn], aim: Aim) -> list[_Json]:
    """The items of `turns`. Thinking stays only where the provider is the one that made it."""
    items: list[_Json] = []
    for turn in turns:
        if turn.role is Role.ASSISTANT:
            _answered(turn.pieces, aim, items)
        else:
            _asked("user" if turn.role is Role.USER else "developer", turn.pieces, items)
    return _without_loose_reasoning(items)


def _without_loose_reasoning(items: list[_Json]) -> list[_Json]:
    """Leave out the reasoning of which nothing came: OpenAI refuses it."""
    kept: list[_Json] = []
    answered = False
    for item in reversed(items):
        if item["type"] != "reasoning":
            answered = item["type"] == "function_call" or item.get("role") == "assistant"
        if answered or item["type"] != "reasoning":
            kept.append(item)
    kept.reverse()
    return kept


def _asked(role: str, pieces: Sequence[Piece], items: list[_Json]) -> None:
    parts: list[_Json] = []
    for piece in pieces:
        if isinstance(piece, ToolResult):
            _flush(role, parts, items)
            items.append(_result(piece))
        elif isinstance(piece, Text | Image | File):
            parts.append(_part(piece))
    _flush(role, parts, items)


def _answered(pieces: Sequence[Piece], aim: Aim, items: list[_Json]) -> None:
    parts: list[_Json] = []
    for piece in pieces:
        if isinstance(piece, Text):
            parts.append({"type": "output_text", "text": piece.text})
        elif isinstance(piece, Refusal):
            parts.append({"type": "refusal", "refusal": piece.text})
        else:
            _flush("assistant", parts, items)
            if isinstance(piece, ToolUse):
                items.append(_call(piece))
            elif isinstance(piece, Thinking) and aim.origin(piece.seal) is Origin.OWN:
                items.append(_reasoning(piece))
    _flush("assistant", parts, items)


def _flush(role: str, parts: list[_Json], items: list[_Json]) -> None:
    """Make a message of `parts`, plain text where they are no more than that."""
    if not parts:
        return
    alone = parts[0].get("text") if len(parts) == 1 else None
    content = parts.copy() if alone is None else alone
    items.append({"type": "message", "role": role, "content": content})
    parts.clear()


def _part(piece: Text | Image | File) -> _Json:
    if isinstance(piece, Text):
        return {"type": "input_text", "text": piece.text}
    if isinstance(piece, Image):
        url = piece.url or f"data:{piece.media_type};base64,{piece.data}"
        return {"type": "input_image", "image_url": url, "detail": piece.detail or "auto"}
    if piece.text is not None:
        text = f"{piece.name}:\n{piece.text}" if piece.name else piece.text
        return {"type": "input_text", "text": text}
    if piece.url is not None:
        return {"type": "input_file", "file_url": piece.url}
    data = f"data:{piece.media_type};base64,{piece.data}"
    return {"type": "input_file", "filename": piece.name or "document.pdf", "file_data": data}


def _result(result: ToolResult) -> _Json:
    """A failure is told in words: a text that begins with `Error: `."""
    parts = [_part(piece) for piece in result.content]
    text = parts[0].get("text", "") if parts else ""
    if result.failed and not text.startswith(_FAILED):
        if text:
            parts[0] = parts[0] | {"text": _FAILED + text}
        else:
            parts.insert(0, {"type": "input_text", "text": _FAILED.strip()})
    output: Any = parts
    if not parts:
        output = ""
    elif len(parts) == 1 and "text" in parts[0]:
        output = parts[0]["text"]
    call_id = fit(result.id, Api.RESPONSES)
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _call(use: ToolUse) -> _Json:
    return {
        "type": "function_call",
        "call_id": fit(use.id, Api.RESPONSES),
        "name": use.name,
        "arguments": use.arguments,
    }


def _reasoning(thinking: Thinking) -> _Json:
    """A reasoning item, sealed as its maker has sealed it: our own seals are nothing to it."""
    summary = [{"type": "summary_text", "text": thinking.text}] if thinking.text else []
    item: _Json = {"type": "reasoning", "summary": summary}
    if thinking.redacted:
        item["encrypted_content"] = REDACTED_PREFIX + thinking.seal
    elif not thinking.seal.startswith(OWN_PREFIX):
        item["encrypted_content"] = thinking.seal
    return item
