"""The messages of chat completions, written."""

from collections.abc import Callable, Sequence
from typing import Any, Final

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
from tokenhub.wire.translation.seals import OWN_PREFIX
from tokenhub.wire.translation.tool_ids import fit

_BETWEEN: Final = "\n\n"
"""What stands between two texts that become one: many providers take no list where text will do."""
_FAILED: Final = "Error: "
_SEE_BELOW: Final = "The result is in the next message of the user."
_FILE_NAME: Final = "document.pdf"

Message = dict[str, Any]


def messages_of(
    turns: Sequence[Turn], origin: Callable[[str], Origin]
) -> tuple[list[Message], bool]:
    """The messages that say `turns`, and whether a `cache_control` was left out.

    `origin` tells whose a seal is: only the provider's own thinking goes back to it.
    """
    writer = _Writer(origin)
    for turn in turns:
        writer.turn(turn)
    writer.flush()
    return writer.messages, writer.uncached


class _Writer:
    """Writes the turns in their order.

    All that the assistant says in a row is one message, and the answers to its calls follow that
    at once: this is what providers insist on. So what a tool gave beside text comes after them, as
    something that the user says.
    """

    def __init__(self, origin: Callable[[str], Origin]) -> None:
        self.messages: list[Message] = []
        self.uncached = False
        self._origin = origin
        self._said: list[Piece] = []
        self._given: list[Message] = []

    def turn(self, turn: Turn) -> None:
        if turn.role is Role.ASSISTANT:
            self._flush_given()
            self._said += turn.pieces
            return
        self._flush_said()
        if turn.role is Role.USER:
            self._user(turn.pieces)
            return
        self._flush_given()
        self.messages.append({"role": "system", "content": self._joined(turn.pieces)})

    def flush(self) -> None:
        """Write what is held back."""
        self._flush_said()
        self._flush_given()

    def _flush_given(self) -> None:
        if self._given:
            self.messages.append({"role": "user", "content": self._given})
            self._given = []

    def _flush_said(self) -> None:
        if self._said:
            pieces, self._said = self._said, []
            self._assistant(pieces)

    def _assistant(self, pieces: Sequence[Piece]) -> None:
        calls: list[Message] = []
        thinking, refusal = "", ""
        for piece in pieces:
            if isinstance(piece, ToolUse):
                calls.append(self._call(piece))
            elif isinstance(piece, Refusal):
                refusal += piece.text
            elif isinstance(piece, Thinking) and self._was_said_in_chat(piece):
                thinking += piece.text
        text = self._joined(pieces)
        if not (text or calls or thinking or refusal):
            return
        message: Message = {"role": "assistant", "content": text}
        if not text and (calls or refusal):
            message["content"] = None
        if thinking:
            message["reasoning_content"] = thinking
        if refusal:
            message["refusal"] = refusal
        if calls:
            message["tool_calls"] = calls
        self.messages.append(message)

    def _was_said_in_chat(self, thinking: Thinking) -> bool:
        """Whether it is the provider's own and came without a seal, as it is told in chat.

        What is sealed came by another of its APIs: chat has no place for the seal, and the text
        alone, perhaps of a summary, is nothing that the model has said.
        """
        seal = thinking.seal
        return seal.startswith(OWN_PREFIX) and self._origin(seal) is Origin.OWN

    def _call(self, use: ToolUse) -> Message:
        self._saw(use.cache)
        function = {"name": use.name, "arguments": use.arguments or "{}"}
        return {"id": fit(use.id, Api.CHAT), "type": "function", "function": function}

    def _user(self, pieces: Sequence[Piece]) -> None:
        rest: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, ToolResult):
                self._tool(piece)
            else:
                rest.append(piece)
        if rest or not pieces:
            given, self._given = self._given, []
            self.messages.append({"role": "user", "content": self._content(rest, given)})

    def _tool(self, result: ToolResult) -> None:
        self._saw(result.cache)
        id = fit(result.id, Api.CHAT)
        text = self._joined(result.content)
        media = [part for piece in result.content if (part := self._medium(piece)) is not None]
        if media:
            self._given += [_text_part(f"What the tool call {id} gave:"), *media]
            text = text or _SEE_BELOW
        # There is no other way to say that a call failed.
        if result.failed and not text.startswith(_FAILED):
            text = (_FAILED + text).rstrip()
        self.messages.append({"role": "tool", "tool_call_id": id, "content": text})

    def _content(self, pieces: Sequence[Piece], before: list[Message]) -> str | list[Message]:
        """What stands in `content`: text where there is nothing else."""
        if not before and all(isinstance(piece, Text) for piece in pieces):
            return self._joined(pieces)
        said = (self._text(p) if isinstance(p, Text) else self._medium(p) for p in pieces)
        return before + [part for part in said if part is not None]

    def _text(self, text: Text) -> Message:
        self._saw(text.cache)
        return _text_part(text.text)

    def _medium(self, piece: Piece) -> Message | None:
        """The part for what is no text."""
        if isinstance(piece, Image):
            self._saw(piece.cache)
            return _image_part(piece)
        if isinstance(piece, File):
            self._saw(piece.cache)
            return _file_part(piece)
        return None

    def _joined(self, pieces: Sequence[Piece]) -> str:
        texts = []
        for piece in pieces:
            if isinstance(piece, Text):
                self._saw(piece.cache)
                texts.append(piece.text)
        return texts[0] if len(texts) == 1 else _BETWEEN.join(texts)

    def _saw(self, cache: object) -> None:
        if cache is not None:
            self.uncached = True


def _text_part(text: str) -> Message:
    return {"type": "text", "text": text}


def _image_part(image: Image) -> Message:
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    inner = {"url": url} if image.detail is None else {"url": url, "detail": image.detail}
    return {"type": "image_url", "image_url": inner}


def _file_part(file: File) -> Message:
    """A PDF as such; a plain text, which is no file to most providers, under its name."""
    if file.text is not None:
        return _text_part(file.text if file.name is None else f"{file.name}:\n{file.text}")
    data = f"data:{file.media_type};base64,{file.data}"
    return {"type": "file", "file": {"filename": file.name or _FILE_NAME, "file_data": data}}
