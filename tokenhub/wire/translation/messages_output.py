"""The system prompt and the turns as a messages request has them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tokenhub.types import Api
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
from tokenhub.wire.translation.tool_ids import fit

Json = dict[str, Any]

_THOUGHTS: Final = ("thinking", "redacted_thinking")


@dataclass(slots=True)
class Prompt:
    """The fields `system` and `messages`, and what is not as it was in them.

    `lacks_thinking` says that tool results come in and the turn which asked for them does not
    begin with its thinking: Anthropic refuses that while thinking is switched on.
    """

    system: str | list[Json]
    messages: list[Json]
    warnings: list[str] = field(default_factory=list)
    lacks_thinking: bool = False


def prompt_of(
    turns: Sequence[Turn], origin: Callable[[str], Origin], *, system_turns: bool
) -> Prompt:
    """What `turns` say.

    The system turns at the beginning become `system`. A later one goes behind what the user says
    around it, since that is where Anthropic allows the role `system`; to a model without
    `system_turns` it is said as the user's own words between tags.
    """
    leading = 0
    while leading < len(turns) - 1 and _is_system(turns[leading]):
        leading += 1
    writer = _Writer(origin, system_turns=system_turns)
    system = [block for turn in turns[:leading] for block in writer.blocks(turn.pieces)]
    rest = turns[leading:]
    if len(rest) == 1 and rest[0].role is Role.SYSTEM:
        # There must be something to answer.
        rest = [Turn(Role.USER, rest[0].pieces, rest[0].where)]
    for turn in rest:
        writer.add(turn)
    writer.finish()
    prompt = Prompt(_plain(system), writer.messages, writer.warnings)
    prompt.lacks_thinking = _lacks_thinking(writer.messages)
    for message in writer.messages:
        message["content"] = _plain(message["content"])
    return prompt


def _is_system(turn: Turn) -> bool:
    """Whether `turn` can stand in the field `system`, which takes text alone."""
    return turn.role is Role.SYSTEM and all(isinstance(piece, Text) for piece in turn.pieces)


class _Writer:
    """Puts turns together to messages: of one side there is one at a time."""

    def __init__(self, origin: Callable[[str], Origin], *, system_turns: bool) -> None:
        self.messages: list[Json] = []
        self.warnings: list[str] = []
        self._origin = origin
        self._system_turns = system_turns
        self._held: list[Turn] = []

    def add(self, turn: Turn) -> None:
        """Add `turn`; one of the system waits for the end of what the user says."""
        if turn.role is Role.SYSTEM:
            self._held.append(turn)
            return
        blocks = self.blocks(turn.pieces)
        if turn.role is Role.ASSISTANT and blocks:
            self._release()
        self._append(turn.role.value, blocks)

    def finish(self) -> None:
        """Add what waits; bring the messages into the order that Anthropic wants."""
        self._release()
        for message in self.messages:
            if message["role"] == "user":
                message["content"] = _results_first(message["content"])
        if self.messages and self.messages[-1]["role"] == "assistant":
            last = self.messages[-1]["content"][-1]
            if last["type"] == "text":
                last["text"] = last["text"].rstrip()

    def _append(self, role: str, blocks: list[Json]) -> None:
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _release(self) -> None:
        follows_user = bool(self.messages) and self.messages[-1]["role"] == "user"
        for turn in self._held:
            blocks = self.blocks(turn.pieces)
            texts = [block for block in blocks if block["type"] == "text"]
            if self._system_turns and follows_user and len(texts) == len(blocks):
                self._append("system", blocks)
                continue
            for block in texts:
                block["text"] = f"<system>\n{block['text']}\n</system>"
            self._append("user", blocks)
            self.warnings.append(f"{turn.where}: said in a turn of the user, in <system>")
        self._held.clear()

    def blocks(self, pieces: Sequence[Piece]) -> list[Json]:
        """The blocks that say `pieces`, without the empty text that Anthropic refuses."""
        blocks: list[Json] = []
        for piece in pieces:
            if isinstance(piece, Text | Refusal):
                if piece.text and not piece.text.isspace():
                    blocks.append(_text(piece))
            elif isinstance(piece, Thinking):
                if piece.seal and self._origin(piece.seal) is Origin.OWN:
                    blocks.append(thinking_block(piece))
            else:
                blocks.append(self._block(piece))
        return blocks

    def _block(self, piece: Image | File | ToolUse | ToolResult) -> Json:
        match piece:
            case Image():
                return _image(piece)
            case File():
                return _file(piece)
            case ToolUse():
                return _cached(tool_use_block(piece, piece.id), piece.cache)
            case _:
                return self._result(piece)

    def _result(self, piece: ToolResult) -> Json:
        block: Json = {"type": "tool_result", "tool_use_id": fit(piece.id, Api.MESSAGES)}
        if content := self.blocks(piece.content):
            block["content"] = _plain(content)
        if piece.failed:
            block["is_error"] = True
        return _cached(block, piece.cache)


def _text(piece: Text | Refusal) -> Json:
    block = {"type": "text", "text": piece.text}
    return _cached(block, piece.cache) if isinstance(piece, Text) else block


def thinking_block(piece: Thinking) -> Json:
    """The block of thinking that has a seal."""
    if piece.redacted:
        return {"type": "redacted_thinking", "data": piece.seal}
    return {"type": "thinking", "thinking": piece.text, "signature": piece.seal}


def tool_use_block(piece: ToolUse, id: str) -> Json:
    """The block of a call whose id is `id` where Anthropic takes it.

    The arguments keep their bytes. What the model wrote that is no object, and so no input to
    Anthropic, is given as the one argument `arguments`.
    """
    return {
        "type": "tool_use",
        "id": fit(id, Api.MESSAGES),
        "name": piece.name,
        "input": _input(piece.arguments),
    }


def _input(arguments: str) -> object:
    if not arguments or arguments.isspace():
        return {}
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {"arguments": arguments}
    return orjson.Fragment(arguments) if isinstance(value, dict) else {"arguments": value}


def _image(piece: Image) -> Json:
    return _cached({"type": "image", "source": _source(piece)}, piece.cache)


def _file(piece: File) -> Json:
    if piece.text is not None:
        source: Json = {"type": "text", "media_type": "text/plain", "data": piece.text}
    else:
        source = _source(piece)
    block: Json = {"type": "document", "source": source}
    if piece.name:
        block["title"] = piece.name
    return _cached(block, piece.cache)


def _source(piece: Image | File) -> Json:
    if piece.url is not None:
        return {"type": "url", "url": piece.url}
    return {"type": "base64", "media_type": piece.media_type, "data": piece.data}


def _cached(block: Json, cache: Mapping[str, Any] | None) -> Json:
    if cache:
        block["cache_control"] = cache
    return block


def _plain(blocks: list[Json]) -> str | list[Json]:
    """A single text as text, which is the same and shorter."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def _results_first(blocks: list[Json]) -> list[Json]:
    results = [block for block in blocks if block["type"] == "tool_result"]
    if not results or len(results) == len(blocks):
        return blocks
    return results + [block for block in blocks if block["type"] != "tool_result"]


def _lacks_thinking(messages: list[Json]) -> bool:
    spoken = [message for message in messages if message["role"] != "system"][-2:]
    if len(spoken) < 2 or spoken[1]["content"][0]["type"] != "tool_result":
        return False
    return spoken[0]["content"][0]["type"] not in _THOUGHTS
