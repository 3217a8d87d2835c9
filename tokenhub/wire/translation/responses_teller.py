"""Streams of responses, read.

Source: OpenAI API reference, "Responses streaming". Beside what OpenAI sends it takes what other
servers do: reasoning as itself (`reasoning_text`) in place of a summary, and items of which only
the end is told.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tokenhub.errors import NotOfProtocol
from tokenhub.wire.translation.reply import StreamTeller, StreamWriter
from tokenhub.wire.translation.responses_answer import (
    BETWEEN_SUMMARIES,
    call_of,
    parts_of,
    stop_of,
    text_of,
    thought_of,
)
from tokenhub.wire.usage import responses_usage

_Value = Mapping[str, Any]


class ResponsesTeller(StreamTeller):
    """Reads the events of a response."""

    def __init__(self, writer: StreamWriter) -> None:
        super().__init__(writer)
        self._begun = False
        self._told: set[object] = set()
        """The items of which something was told, by their `output_index`."""
        self._calls: dict[object, int] = {}
        """The numbers of the calls that are open, likewise."""
        self._called = 0
        self._refused = False
        self._thought: tuple[object, object] | None = None
        """Which part of which reasoning was told last."""
        self._raw: object = None
        """The item whose reasoning is told as itself."""

    def event(self, value: dict[str, Any]) -> None:
        """Tell what an event says; raises NotOfProtocol, also for one that ends in failure."""
        kind = value.get("type")
        tell = _TELL.get(kind) if type(kind) is str else None
        if tell is None:
            return
        if not self._begun:
            self._begin(value)
        tell(self, value)

    def end(self) -> None:
        """Tell that the stream is whole; raises NotOfProtocol where it never began."""
        if not self._begun:
            raise NotOfProtocol("a stream that ends before it has begun")
        self.writer.end()

    def _begin(self, value: _Value) -> None:
        self._begun = True
        response = value.get("response")
        self.writer.begin(text_of(response, "model") if type(response) is dict else "", None)

    def _started(self, value: _Value) -> None:
        """The response begins, which was told before."""

    def _item(self, value: _Value) -> None:
        item = value.get("item")
        if type(item) is dict and item.get("type") == "function_call":
            self._call(item, value.get("output_index"))

    def _call(self, item: _Value, place: object) -> int:
        number = self._calls[_key(place)] = self._called
        self._called += 1
        self.writer.tool(number, *call_of(item, number))
        return number

    def _text(self, value: _Value) -> None:
        self._told.add(_key(value.get("output_index")))
        self.writer.text(text_of(value, "delta"))

    def _refusal(self, value: _Value) -> None:
        self._told.add(_key(value.get("output_index")))
        self._refuse(text_of(value, "delta"))

    def _refuse(self, text: str) -> None:
        if text:
            self._refused = True
            self.writer.refusal(text)

    def _summary(self, value: _Value) -> None:
        place = _key(value.get("output_index"))
        if self._raw is None or self._raw != place:
            self._think(value, place, _key(value.get("summary_index")))

    def _reasoning(self, value: _Value) -> None:
        """Reasoning itself: it is told in place of a summary, where that has not begun."""
        place = _key(value.get("output_index"))
        if place not in self._told or self._raw == place:
            self._raw = place
            self._think(value, place, _key(value.get("content_index")))

    def _think(self, value: _Value, place: object, part: object) -> None:
        delta = text_of(value, "delta")
        if not delta:
            return
        last, self._thought = self._thought, (place, part)
        if last is not None and last != self._thought and last[0] == place:
            delta = BETWEEN_SUMMARIES + delta
        self._told.add(place)
        self.writer.thinking(delta)

    def _arguments(self, value: _Value) -> None:
        place = _key(value.get("output_index"))
        number = self._calls.get(place)
        if number is None:
            raise NotOfProtocol("arguments of a call that has not begun")
        delta = text_of(value, "delta")
        if delta:
            self._told.add(place)
            self.writer.arguments(number, delta)

    def _item_done(self, value: _Value) -> None:
        item = value.get("item")
        if type(item) is not dict:
            return
        place = _key(value.get("output_index"))
        done = _DONE.get(text_of(item, "type"))
        if done is not None:
            done(self, item, place)

    def _message_done(self, item: _Value, place: object) -> None:
        for part in parts_of(item, "content") if place not in self._told else ():
            self.writer.text(text_of(part, "text"))
            self._refuse(text_of(part, "refusal"))

    def _reasoning_done(self, item: _Value, place: object) -> None:
        if place not in self._told:
            self.writer.thinking(thought_of(item))
        if seal := text_of(item, "encrypted_content"):
            self.writer.seal(seal)

    def _call_done(self, item: _Value, place: object) -> None:
        number = self._calls.get(place)
        if number is None:
            number = self._call(item, place)
        if place not in self._told:
            self.writer.arguments(number, text_of(item, "arguments"))
        self.writer.tool_end(number)
        del self._calls[place]

    def _last(self, value: _Value) -> None:
        """The response is whole: with it come its usage and why it ended."""
        response = value.get("response")
        if type(response) is not dict:
            raise NotOfProtocol("a response that is not an object")
        report = response.get("usage")
        if type(report) is dict:
            self.writer.usage(responses_usage(report))
        status = "incomplete" if value["type"] == "response.incomplete" else "completed"
        whole = {**response, "status": status}
        self.writer.stop(stop_of(whole, called=self._called > 0, refused=self._refused), None)

    def _failed(self, value: _Value) -> None:
        raise NotOfProtocol("the response failed")


def _key(index: object) -> object:
    """`index` as a key, whatever it is."""
    return index if type(index) is int else None


_TELL: Final[Mapping[str, Callable[[ResponsesTeller, _Value], None]]] = {
    "response.created": ResponsesTeller._started,
    "response.in_progress": ResponsesTeller._started,
    "response.output_item.added": ResponsesTeller._item,
    "response.output_text.delta": ResponsesTeller._text,
    "response.refusal.delta": ResponsesTeller._refusal,
    "response.reasoning_summary_text.delta": ResponsesTeller._summary,
    "response.reasoning_text.delta": ResponsesTeller._reasoning,
    "response.function_call_arguments.delta": ResponsesTeller._arguments,
    "response.output_item.done": ResponsesTeller._item_done,
    "response.completed": ResponsesTeller._last,
    "response.incomplete": ResponsesTeller._last,
    "response.failed": ResponsesTeller._failed,
    "error": ResponsesTeller._failed,
}
_DONE: Final[Mapping[str, Callable[[ResponsesTeller, _Value, object], None]]] = {
    "message": ResponsesTeller._message_done,
    "reasoning": ResponsesTeller._reasoning_done,
    "function_call": ResponsesTeller._call_done,
}
