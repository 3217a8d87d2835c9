"""Writes a messages stream: blocks one after the other, whatever order their parts come in.

Source: Anthropic API reference, "Streaming messages": each block has a start, deltas and a stop,
and no other block has an event between them.
"""

from collections import deque
from typing import Any, Final

import orjson

from tokenhub.types import Api, Usage
from tokenhub.wire.errors import error_event
from tokenhub.wire.translation.messages_answer import stop_fields, usage_of
from tokenhub.wire.translation.reply import Setting, Stop, StreamWriter
from tokenhub.wire.translation.tool_ids import fit

_dumps: Final = orjson.dumps
_CHARS_PER_TOKEN: Final = 4

_MESSAGE_START: Final = b'event: message_start\ndata: {"type":"message_start","message":%b}\n\n'
_START: Final = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
)
_DELTA: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}\n\n'
)
_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_DELTA: Final = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":%b,"usage":%b}\n\n'
)
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_TEXT: Final = b'{"type":"text_delta","text":%b}'
_THINKING: Final = b'{"type":"thinking_delta","thinking":%b}'
_SIGNATURE: Final = b'{"type":"signature_delta","signature":%b}'
_INPUT: Final = b'{"type":"input_json_delta","partial_json":%b}'


class _Block:
    """A block of which not everything is written: what waits, and what it must be known by.

    `texts` is kept of thinking (until its seal is known) and of calls (to see their end).
    """

    __slots__ = ("done", "head", "kind", "looked_at", "texts", "waiting")

    def __init__(self, kind: str, head: bytes) -> None:
        self.kind = kind
        self.head: bytes | None = head
        self.waiting: list[bytes] = []
        self.texts: list[str] = []
        self.looked_at = 0
        self.done = False

    def is_complete(self) -> bool:
        """Whether nothing can follow: it is said, or the arguments so far are an object."""
        if self.done or self.kind != "tool_use" or len(self.texts) == self.looked_at:
            return self.done
        self.looked_at = len(self.texts)
        if self.texts[-1].rstrip().endswith("}"):
            try:
                orjson.loads("".join(self.texts))
            except orjson.JSONDecodeError:
                return False
            self.done = True
        return self.done


class MessagesWriter(StreamWriter):
    """Writes a messages stream.

    The first block of `_blocks` is the open one, whose parts go out as they come; those of the
    blocks behind it wait for its end. A block of text or thinking ends where another begins, a
    call where it is said to or where its arguments are complete and something else is told.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._blocks: deque[_Block] = deque()
        self._calls: dict[int, _Block] = {}
        self._index = 0
        self._stop: Stop = Stop.END
        self._sequence: str | None = None
        self._refused = False
        self._usage: Usage | None = None
        self._chars = 0
        self._over = False

    def begin(self, model: str, usage: Usage | None) -> None:
        """The stream begins; without a `usage` the input is told as we estimate it."""
        known = usage or Usage(self.setting.input_tokens, estimated=True)
        message: dict[str, Any] = {
            "id": f"msg_{self.setting.request_id}",
            "type": "message",
            "role": "assistant",
            "model": model or self.setting.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage_of(known),
        }
        self.out.append(_MESSAGE_START % _dumps(message))

    def text(self, text: str) -> None:
        """More text."""
        if text:
            block = self._last("text") or self._open("text", b'{"type":"text","text":""}')
            self._chars += len(text)
            self._add(block, _TEXT, text)

    def thinking(self, text: str) -> None:
        """More thinking."""
        if text:
            block = self._last("thinking") or self._open_thinking()
            block.texts.append(text)
            self._chars += len(text)
            self._add(block, _THINKING, text)

    def seal(self, seal: str, *, redacted: bool = False) -> None:
        """The seal of the thinking before it, or redacted thinking."""
        if redacted:
            head = _dumps({"type": "redacted_thinking", "data": seal})
            self._open("redacted_thinking", head).done = True
        else:
            block = self._last("thinking") or self._open_thinking()
            self._add(block, _SIGNATURE, seal)
            block.done = True
        self._settle()

    def refusal(self, text: str) -> None:
        """More of the model's own words of refusal, as text."""
        self._refused = True
        self.text(text)

    def tool(self, index: int, id: str, name: str) -> None:
        """A call begins."""
        if index in self._calls:
            return
        own = id or f"toolu_{self.setting.request_id}_{index}"
        head = {"type": "tool_use", "id": fit(own, Api.MESSAGES), "name": name, "input": {}}
        self._calls[index] = self._open("tool_use", _dumps(head))

    def arguments(self, index: int, text: str) -> None:
        """More of the arguments of the call `index`; none after they were complete."""
        block = self._calls.get(index)
        if text and block is not None and not block.done:
            block.texts.append(text)
            self._chars += len(text)
            self._add(block, _INPUT, text)

    def tool_end(self, index: int) -> None:
        """The call `index` is complete."""
        if (block := self._calls.get(index)) is not None:
            block.done = True
            self._settle()

    def stop(self, stop: Stop, sequence: str | None) -> None:
        """Why the model stopped: so all that was begun is complete."""
        self._stop, self._sequence = stop, sequence
        self._finish()

    def usage(self, usage: Usage) -> None:
        """The usage as reported now; the last one is told at the end."""
        self._usage = usage

    def end(self) -> None:
        """The stream is whole."""
        if self._over:
            return
        self._over = True
        self._finish()
        stop = stop_fields(
            self._stop, self._sequence, called=bool(self._calls), refused=self._refused
        )
        usage = self._usage or Usage(
            self.setting.input_tokens,
            output_tokens=-(-self._chars // _CHARS_PER_TOKEN),
            estimated=True,
        )
        report = usage_of(usage)
        del report["cache_creation"]
        self.out.append(_MESSAGE_DELTA % (_dumps(stop), _dumps(report)))
        self.out.append(_MESSAGE_STOP)

    def failed(self, code: str, message: str, status: int) -> None:
        """The stream ends in an error."""
        if not self._over:
            self._over = True
            event = error_event(Api.MESSAGES, code, message, self.setting.request_id, status=status)
            self.out.append(event)

    def _last(self, kind: str) -> _Block | None:
        """The block that was begun last, if it is of `kind` and goes on."""
        if not self._blocks:
            return None
        block = self._blocks[-1]
        return block if block.kind == kind and not block.done else None

    def _open_thinking(self) -> _Block:
        return self._open("thinking", b'{"type":"thinking","thinking":"","signature":""}')

    def _open(self, kind: str, head: bytes) -> _Block:
        """Begin a block, which ends one of text or thinking before it."""
        if self._blocks and self._blocks[-1].kind != "tool_use":
            self._close(self._blocks[-1])
        block = _Block(kind, head)
        self._blocks.append(block)
        self._settle()
        return block

    def _close(self, block: _Block) -> None:
        """No more of `block` comes; thinking without a seal gets one of ours."""
        if block.kind == "thinking" and not block.done:
            self._add(block, _SIGNATURE, self.setting.seal_for("".join(block.texts)))
        block.done = True

    def _add(self, block: _Block, delta: bytes, text: str) -> None:
        """Write a part of `block`, or keep it until its turn comes."""
        if block is self._blocks[0]:
            self.out.append(_DELTA % (self._index, delta % _dumps(text)))
            return
        block.waiting.append(delta % _dumps(text))
        self._settle()

    def _finish(self) -> None:
        for block in tuple(self._blocks):
            self._close(block)
        self._settle()

    def _settle(self) -> None:
        """Write what can be written: the first block's parts, and its end if others follow it."""
        blocks = self._blocks
        while blocks:
            first = blocks[0]
            if first.head is not None:
                self.out.append(_START % (self._index, first.head))
                self.out += [_DELTA % (self._index, delta) for delta in first.waiting]
                first.head = None
                first.waiting.clear()
            if not first.done and (len(blocks) == 1 or not first.is_complete()):
                return
            blocks.popleft()
            self.out.append(_STOP % self._index)
            self._index += 1
