"""Streams of responses, written; `responses_teller` reads them.

Source: OpenAI API reference, "Responses streaming", and the order in which OpenAI sends the events.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from tokenhub.types import Usage
from tokenhub.wire.failed_response import own_error
from tokenhub.wire.translation.reply import Setting, Stop, StreamWriter
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
from tokenhub.wire.translation.responses_teller import ResponsesTeller
from tokenhub.wire.translation.responses_tools import OwnTool, own_tools

__all__ = ["ResponsesTeller", "ResponsesWriter"]

_Json = dict[str, Any]
_dumps: Final = orjson.dumps
_EVENT: Final = b'event: response.%b\ndata: {"type":"response.%b","sequence_number":%d,%b}\n\n'
_HEAD: Final = b'event: response.%b\ndata: {"type":"response.%b",%b,"sequence_number":'
"""How an event of text begins, up to its number."""
_DELTA: Final = b'%b%d,"delta":%b}\n\n'


class _Kind:
    """What differs between parts of text, of refusal and of a reasoning's summary."""

    __slots__ = ("added", "delta", "done", "extra", "field", "finished", "index", "make", "prefix")

    def __init__(self, name: bytes, field: bytes, make: Callable[[str], _Json]) -> None:
        is_summary = make is _summary_part
        part = b"reasoning_summary_part" if is_summary else b"content_part"
        self.delta = name + b".delta"
        self.done = name + b".done"
        self.added = part + b".added"
        self.finished = part + b".done"
        self.field = field
        self.make = make
        self.index = b"summary_index" if is_summary else b"content_index"
        self.prefix = "rs" if is_summary else "msg"
        self.extra = b',"logprobs":[]' if make is text_part else b""


def _summary_part(text: str) -> _Json:
    return {"type": "summary_text", "text": text}


_TEXT: Final = _Kind(b"output_text", b"text", text_part)
_REFUSAL: Final = _Kind(b"refusal", b"refusal", refusal_part)
_SUMMARY: Final = _Kind(b"reasoning_summary_text", b"text", _summary_part)


class _Part:
    """A part that is open: what was said in it, and how the events of its text begin."""

    __slots__ = ("head", "kind", "place", "said")

    def __init__(self, kind: _Kind, place: bytes) -> None:
        self.kind = kind
        self.place = place
        self.head = _HEAD % (kind.delta, kind.delta, place + kind.extra)
        self.said: list[str] = []


class _Call:
    """A call that is open; `place` is what makes its item's id its own."""

    __slots__ = ("arguments", "head", "id", "index", "is_custom", "name", "own", "place", "where")

    def __init__(self, index: int, place: str, id: str, name: str, own: OwnTool | None) -> None:
        self.index = index
        self.place = place
        self.id = id or f"call_{place}"
        self.name = name
        self.own = own
        self.is_custom = own is not None and own.custom
        self.arguments: list[str] = []
        self.where = b'"item_id":%b,"output_index":%d' % (_dumps(self.item("", "")["id"]), index)
        kind = b"function_call_arguments.delta"
        self.head = _HEAD % (kind, kind, self.where)

    def item(self, status: str, arguments: str) -> _Json:
        return call_item(self.place, status, (self.id, self.name, arguments), self.own)


class ResponsesWriter(StreamWriter):
    """Writes the events of a response.

    One message or reasoning is open at a time, and beside it any number of calls, which the client
    tells apart by `output_index`. Of what was said it is kept what the last event repeats.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._frame = Frame(setting)
        self._own = own_tools(setting.asked)
        self._sequence = 0
        self._items: list[bytes] = []
        """The items in their order, b"" for one that is open."""
        self._part: _Part | None = None
        self._parts: list[_Json] = []
        """The complete parts of the message that is open."""
        self._index = -1
        self._calls: dict[int, _Call] = {}
        self._refused = False
        self._stop = Stop.END
        self._usage: Usage | None = None

    def begin(self, model: str, usage: Usage | None) -> None:
        """`response.created` and `.in_progress`."""
        self._usage = usage
        self._frame.model = _dumps(model or self.setting.model)
        started = b'"response":' + self._frame.response(b"in_progress")
        self._event(b"created", started)
        self._event(b"in_progress", started)

    def text(self, text: str) -> None:
        """More of an `output_text` part."""
        self._say(_TEXT, text)

    def thinking(self, text: str) -> None:
        """More of a reasoning's summary."""
        self._say(_SUMMARY, text)

    def refusal(self, text: str) -> None:
        """More of a `refusal` part."""
        self._refused = self._refused or bool(text)
        self._say(_REFUSAL, text)

    def seal(self, seal: str, *, redacted: bool = False) -> None:
        """The end of reasoning with its `encrypted_content`, of an empty one where none is open."""
        part = self._part
        if redacted or part is None or part.kind is not _SUMMARY:
            self._open()
            self._added(self._reasoning())
        self._close_reasoning(seal, redacted=redacted)

    def tool(self, index: int, id: str, name: str) -> None:
        """A `function_call` begins, or a `custom_tool_call`."""
        self._open()
        place = f"{self.setting.request_id}_{self._index}"
        call = self._calls[index] = _Call(self._index, place, id, name, self._own.get(name))
        self._added(call.item("in_progress", ""))

    def arguments(self, index: int, text: str) -> None:
        """More of the arguments; those of a custom tool are told when they are complete."""
        call = self._calls.get(index)
        if call is None or not text:
            return
        call.arguments.append(text)
        if not call.is_custom:
            self._delta(call.head, text)

    def tool_end(self, index: int) -> None:
        """The end of the call."""
        call = self._calls.pop(index, None)
        if call is not None:
            self._close_call(call, "completed")

    def stop(self, stop: Stop, sequence: str | None) -> None:
        """Kept for the end."""
        self._stop = stop

    def usage(self, usage: Usage) -> None:
        """Kept for the end."""
        self._usage = usage

    def end(self) -> None:
        """The end of all that is open, and `response.completed` or `.incomplete`."""
        status = item_status(self._stop)
        self._close(status)
        for call in self._calls.values():
            self._close_call(call, status)
        self._calls.clear()
        kind, incomplete = ending(self._stop, refused_in_words=self._refused)
        response = self._frame.response(kind, self._output(), self._usage, incomplete=incomplete)
        self._event(kind, b'"response":' + response)

    def failed(self, code: str, message: str, status: int) -> None:
        """`response.failed`, after `response.created` where nothing was told yet."""
        error = own_error(code, message, status)
        self._frame.model = self._frame.model or _dumps(self.setting.model)
        if not self._sequence:
            self._event(b"created", b'"response":' + self._frame.response(b"in_progress"))
        response = self._frame.response(b"failed", self._output(), self._usage, error=error)
        self._event(b"failed", b'"response":' + response)

    def _output(self) -> bytes:
        return b",".join(filter(None, self._items))

    def _event(self, kind: bytes, rest: bytes) -> None:
        self.out.append(_EVENT % (kind, kind, self._sequence, rest))
        self._sequence += 1

    def _delta(self, head: bytes, text: str) -> None:
        self.out.append(_DELTA % (head, self._sequence, _dumps(text)))
        self._sequence += 1

    def _say(self, kind: _Kind, text: str) -> None:
        if not text:
            return
        part = self._part
        if part is None or part.kind is not kind:
            part = self._begin_part(kind)
        part.said.append(text)
        self._delta(part.head, text)

    def _begin_part(self, kind: _Kind) -> _Part:
        """Begin a part: in the message that is open if it is one of a message, else in its own."""
        if kind is not _SUMMARY and self._part is not None and self._part.kind is not _SUMMARY:
            self._parts.append(self._close_part(self._part))
        else:
            self._open()
            is_summary = kind is _SUMMARY
            self._added(self._reasoning() if is_summary else self._message("in_progress"))
        place = b'"item_id":%b,"output_index":%d,"%b":%d' % (
            _dumps(self._id(kind.prefix)),
            self._index,
            kind.index,
            len(self._parts),
        )
        part = self._part = _Part(kind, place)
        self._event(kind.added, b'%b,"part":%b' % (place, _dumps(kind.make(""))))
        return part

    def _close_part(self, part: _Part) -> _Json:
        """Complete `part`, which is given as its item has it."""
        kind = part.kind
        text = "".join(part.said)
        whole = kind.make(text)
        self._event(kind.done, b'%b,"%b":%b%b' % (part.place, kind.field, _dumps(text), kind.extra))
        self._event(kind.finished, b'%b,"part":%b' % (part.place, _dumps(whole)))
        self._part = None
        return whole

    def _open(self) -> None:
        """Make room for a new item: the message or the reasoning that is open is complete."""
        self._close()
        self._index = len(self._items)
        self._items.append(b"")
        self._parts = []

    def _close(self, status: str = "completed") -> None:
        part = self._part
        if part is None:
            return
        if part.kind is _SUMMARY:
            self._close_reasoning("")
            return
        self._parts.append(self._close_part(part))
        self._done(self._index, self._message(status))

    def _close_reasoning(self, seal: str, *, redacted: bool = False) -> None:
        text = "" if self._part is None else self._close_part(self._part)["text"]
        seal = seal or self.setting.seal_for(text)
        self._done(self._index, reasoning_item(self._id("rs"), text, seal, redacted=redacted))

    def _close_call(self, call: _Call, status: str) -> None:
        arguments = "".join(call.arguments)
        if call.is_custom:
            item = call.item(status, arguments)
            given = _dumps(item["input"])
            if item["input"]:
                self._event(b"custom_tool_call_input.delta", b'%b,"delta":%b' % (call.where, given))
            self._event(b"custom_tool_call_input.done", b'%b,"input":%b' % (call.where, given))
        else:
            if not arguments:
                arguments = "{}"
                self._delta(call.head, arguments)
            item = call.item(status, arguments)
            self._event(
                b"function_call_arguments.done",
                b'%b,"name":%b,"arguments":%b'
                % (call.where, _dumps(item["name"]), _dumps(arguments)),
            )
        self._done(call.index, item)

    def _added(self, item: _Json) -> None:
        self._event(
            b"output_item.added", b'"output_index":%d,"item":%b' % (self._index, _dumps(item))
        )

    def _done(self, index: int, item: _Json) -> None:
        dumped = self._items[index] = _dumps(item)
        self._event(b"output_item.done", b'"output_index":%d,"item":%b' % (index, dumped))

    def _message(self, status: str) -> _Json:
        return message_item(self._id("msg"), status, self._parts)

    def _reasoning(self) -> _Json:
        """Reasoning that begins."""
        return {"id": self._id("rs"), "type": "reasoning", "summary": []}

    def _id(self, prefix: str) -> str:
        """The id of the item that was made room for last."""
        return f"{prefix}_{self.setting.request_id}_{self._index}"
