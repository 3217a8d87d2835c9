"""Streams of chat completions, read and written.

Source: OpenAI API reference, "The chat completion chunk object"; see `chat_answer` for what other
providers add.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.errors import error_event
from tokenhub.wire.translation.chat_answer import (
    answer_id,
    arguments_of,
    calls_of,
    content_of,
    finish_reason,
    made_up_id,
    stop_of,
    text_of,
    usage_of,
    wants_functions,
)
from tokenhub.wire.translation.reply import Setting, Stop, StreamTeller, StreamWriter
from tokenhub.wire.translation.tool_ids import fit
from tokenhub.wire.usage import openai_usage

_DONE: Final = b"data: [DONE]\n\n"


class ChatTeller(StreamTeller):
    """Reads the chunks of a provider.

    Why the model stopped is told at the end: some providers say it with every chunk.
    """

    def __init__(self, writer: StreamWriter) -> None:
        super().__init__(writer)
        self._begun = False
        self._refused = False
        self._last: Mapping[str, Any] = {}
        self._calls: list[str] = []
        self._current: dict[int, int] = {}

    def event(self, value: dict[str, Any]) -> None:
        """Tell what a chunk says; raises NotOfProtocol."""
        if not self._begun:
            self._begun = True
            self.writer.begin(text_of(value, "model"), None)
        if value.get("error"):
            raise NotOfProtocol("an event that is an error")
        choices = value.get("choices") or ()
        if type(choices) not in (list, tuple):
            raise NotOfProtocol("choices that are not a list")
        for choice in choices:
            if type(choice) is not dict:
                raise NotOfProtocol("a choice that is not an object")
            if not choice.get("index"):
                self._choice(choice, value)
        report = value.get("usage")
        if type(report) is dict:
            self.writer.usage(openai_usage(report))

    def _choice(self, choice: Mapping[str, Any], value: Mapping[str, Any]) -> None:
        if choice.get("finish_reason") is not None:
            self._last = choice
        delta = choice.get("delta")
        if type(delta) is not dict:
            return
        if thinking := text_of(delta, "reasoning_content") or text_of(delta, "reasoning"):
            self.writer.thinking(thinking)
        if delta.get("content"):
            for thought, text in content_of(delta):
                (self.writer.thinking if thought else self.writer.text)(text)
        if refusal := text_of(delta, "refusal"):
            self._refused = True
            self.writer.refusal(refusal)
        for call in calls_of(delta):
            self._call(call, value)

    def _call(self, call: Mapping[str, Any], value: Mapping[str, Any]) -> None:
        """Tell of a part of a call.

        A call begins with a new index or, since some providers number all of them 0, with a name
        and an id that differs from the one before.
        """
        function = call.get("function")
        if type(function) is not dict:
            function = {}
        name, id = text_of(function, "name"), text_of(call, "id")
        index = call.get("index")
        key = index if type(index) is int else 0
        number = self._current.get(key)
        if number is None or (name and id and id != self._calls[number]):
            number = self._current[key] = self._begin(name, id, value)
        if arguments := arguments_of(function):
            self.writer.arguments(number, arguments)

    def _begin(self, name: str, id: str, value: Mapping[str, Any]) -> int:
        if not name:
            raise NotOfProtocol("a tool call without a function's name")
        number = len(self._calls)
        id = id or made_up_id(value, number)
        self._calls.append(id)
        self.writer.tool(number, id, name)
        return number

    def end(self) -> None:
        """Tell that the calls are complete, why the model stopped, and the end."""
        for number in range(len(self._calls)):
            self.writer.tool_end(number)
        self.writer.stop(*stop_of(self._last, calls=bool(self._calls), refused=self._refused))
        self.writer.end()


class ChatWriter(StreamWriter):
    """Writes the chunks for a client, each as soon as it is told."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._usage: Usage | None = None
        self._refused = False
        self._stopped = False
        self._bare: set[int] = set()
        self._functions = wants_functions(setting)
        self._head = b""
        self._choice = b""
        self._close = b',"usage":null}\n\n' if setting.include_usage else b"}\n\n"
        self._tail = b',"logprobs":null,"finish_reason":null}]' + self._close

    def begin(self, model: str, usage: Usage | None) -> None:
        """The chunk with the role."""
        head = {
            "id": answer_id(self.setting),
            "object": "chat.completion.chunk",
            "created": self.setting.created_s,
            "model": model or self.setting.model,
        }
        self._usage = usage
        self._head = b"data: %b," % orjson.dumps(head)[:-1]
        self._choice = self._head + b'"choices":[{"index":0,"delta":'
        self._put(b'{"role":"assistant","content":"","refusal":null}')

    def _put(self, delta: bytes) -> None:
        self.out.append(self._choice + delta + self._tail)

    def text(self, text: str) -> None:
        """More `content`."""
        self._put(b'{"content":' + orjson.dumps(text) + b"}")

    def thinking(self, text: str) -> None:
        """More `reasoning_content`, as DeepSeek and vLLM have it."""
        self._put(b'{"reasoning_content":' + orjson.dumps(text) + b"}")

    def seal(self, seal: str, *, redacted: bool = False) -> None:
        """Nothing: there is no place for it."""

    def refusal(self, text: str) -> None:
        """More `refusal`."""
        self._refused = True
        self._put(b'{"refusal":' + orjson.dumps(text) + b"}")

    def tool(self, index: int, id: str, name: str) -> None:
        """The call's id and name; of the deprecated form there is only one."""
        function = {"name": name, "arguments": ""}
        self._bare.add(index)
        if not self._functions:
            call = {"index": index, "id": fit(id, Api.CHAT), "type": "function"}
            self._put(orjson.dumps({"tool_calls": [call | {"function": function}]}))
        elif index == 0:
            self._put(orjson.dumps({"function_call": function}))

    def arguments(self, index: int, text: str) -> None:
        """More of the call's arguments."""
        if not text:
            return
        self._bare.discard(index)
        dumped = orjson.dumps(text)
        if not self._functions:
            head = b'{"tool_calls":[{"index":%d,"function":{"arguments":' % index
            self._put(head + dumped + b"}}]}")
        elif index == 0:
            self._put(b'{"function_call":{"arguments":' + dumped + b"}}")

    def tool_end(self, index: int) -> None:
        """The arguments of a call that has none: an empty text could not be parsed."""
        if index in self._bare:
            self.arguments(index, "{}")

    def stop(self, stop: Stop, sequence: str | None) -> None:
        """The chunk with the `finish_reason`."""
        self._stopped = True
        reason = finish_reason(stop, self.setting, refused=self._refused).encode()
        end = b'{},"logprobs":null,"finish_reason":"%b"}]' % reason
        self.out.append(self._choice + end + self._close)

    def usage(self, usage: Usage) -> None:
        """Kept for the end."""
        self._usage = usage

    def end(self) -> None:
        """The chunk with the usage, where it is asked for, and `[DONE]`."""
        if not self._stopped:
            self.stop(Stop.END, None)
        if self.setting.include_usage and self._usage is not None:
            usage = orjson.dumps(usage_of(self._usage))
            self.out.append(self._head + b'"choices":[],"usage":%b}\n\n' % usage)
        self.out.append(_DONE)

    def failed(self, code: str, message: str, status: int) -> None:
        """The error as data, on which the SDKs raise."""
        request_id = self.setting.request_id
        self.out.append(error_event(Api.CHAT, code, message, request_id, status=status))
