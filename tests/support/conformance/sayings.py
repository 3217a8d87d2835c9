"""What an answer says, read by the official SDKs from the bytes that came over the wire."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anthropic
import httpx2
import openai
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.support.conformance.tokens import Tokens, chat_tokens, message_tokens, response_tokens


@dataclass
class Saying:
    """An answer as a program gets it.

    `calls` are ids, names and arguments; `seals` stand in the items of the ids `sealed_in` where
    the protocol has such. Parts of a summary are told apart by a blank line.
    """

    model: str = ""
    text: str = ""
    refusal: str = ""
    thinking: str = ""
    seals: list[str] = field(default_factory=list)
    sealed_in: list[str] = field(default_factory=list, compare=False)
    redacted: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    stop: str | None = None
    sequence: str | None = None
    tokens: Tokens | None = None
    error: "Complaint | None" = None


@dataclass(frozen=True)
class Complaint:
    """An error as the SDK raises it: its class, the HTTP status (None midway), kind, words."""

    raised: str
    status: int | None
    kind: str | None
    message: str
    param: str | None = None


@dataclass(frozen=True)
class Wire:
    """Bytes that came: an answer, or all events of a stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    stream: bool


def saying(api: str, wire: Wire, *, strict: bool) -> Saying:
    """What `wire` says in `api`; `strict`ly every object has all that its type wants."""
    said = Saying()
    if strict and wire.stream and wire.status == 200:
        _check_events(api, wire.body)
    try:
        with _sdk(api, wire) as client:
            read = (_STREAMS if wire.stream else _WHOLE)[api]
            read(client, said, strict)
    except openai.APIError as error:
        words = (error.body or {}).get("message") if isinstance(error.body, dict) else None
        said.error = _complaint(error, error.code or error.type, words, error.param)
    except anthropic.APIError as error:
        inner = error.body.get("error") if isinstance(error.body, dict) else None
        said.error = _complaint(
            error, *((inner["type"], inner["message"]) if inner else (None, None))
        )
    return said


def _complaint(
    error: Any, kind: str | None, words: str | None, param: str | None = None
) -> Complaint:
    status = getattr(error, "status_code", None)
    return Complaint(type(error).__name__, status, kind, words or error.message, param)


@contextmanager
def _sdk(api: str, wire: Wire) -> Iterator[Any]:
    """A client of the SDK that gets `wire` whatever it asks."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        kept = ("content-type", "request-id", "x-request-id", "x-should-retry")
        headers = {name: wire.headers[name] for name in kept if name in wire.headers}
        return httpx2.Response(wire.status, headers=headers, content=wire.body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        if api == "messages":
            yield anthropic.Anthropic(api_key="k", http_client=http, max_retries=0)
        else:
            yield openai.OpenAI(api_key="k", http_client=http, max_retries=0)


_ASKED: Final[Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
_EVENTS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "chat": TypeAdapter(ChatCompletionChunk),
    "responses": TypeAdapter(ResponseStreamEvent),
    "messages": TypeAdapter(RawMessageStreamEvent),
}


def _check_events(api: str, body: bytes) -> None:
    """Judge each event by the SDK's type for it; errors and pings are none of the union's."""
    for line in body.splitlines():
        value = None if line[:7] in (b"", b"data: [") or line[:6] != b"data: " else line[6:]
        if value is None or b'"type":"ping"' in value.replace(b" ", b""):
            continue
        if api == "responses" or not json.loads(value).get("error"):
            _EVENTS[api].validate_json(value)


# Chat completions


def _chat(client: Any, said: Saying, strict: bool) -> None:
    answer = client.chat.completions.with_raw_response.create(**_ASKED)
    if strict:
        ChatCompletion.model_validate_json(answer.http_response.content)
    _chat_says(said, answer.parse())


def _chat_stream(client: Any, said: Saying, _: bool) -> None:
    with client.chat.completions.stream(**_ASKED) as stream:
        for event in stream:
            if event.type == "chunk":
                for choice in event.chunk.choices:
                    said.sequence = getattr(choice, "stop_reason", None) or said.sequence
                _chat_says(said, stream.current_completion_snapshot)


def _chat_says(said: Saying, answer: Any) -> None:
    said.model = answer.model
    if answer.usage is not None:
        said.tokens = chat_tokens(answer.usage)
    if not answer.choices:
        return
    choice = answer.choices[0]
    message = choice.message
    said.text, said.refusal = message.content or "", message.refusal or ""
    said.thinking = getattr(message, "reasoning_content", None) or ""
    said.thinking = said.thinking or getattr(message, "reasoning", None) or ""
    said.stop = choice.finish_reason
    said.sequence = getattr(choice, "stop_reason", None) or said.sequence
    said.calls = [
        (call.id, call.function.name, _json(call.function.arguments))
        for call in message.tool_calls or []
    ]


def _json(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


# Responses


def _response(client: Any, said: Saying, strict: bool) -> None:
    answer = client.responses.with_raw_response.create(model="m", input="hi")
    if strict:
        Response.model_validate_json(answer.http_response.content)
    _response_says(said, answer.parse())


def _response_stream(client: Any, said: Saying, _: bool) -> None:
    numbers, items = [], []
    with client.responses.stream(model="m", input="hi") as stream:
        for event in stream:
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                said.text += event.delta
            elif event.type == "response.output_item.done":
                items.append(event.item)
            elif event.type == "error":
                said.error = Complaint("error", None, event.code, event.message)
            elif event.type in _LAST:
                told, said.text = said.text, ""
                _response_says(said, event.response)
                said.text = told if event.type == "response.failed" else said.text
                assert event.type == f"response.{event.response.status}"
                assert [i.id for i in items] == [i.id for i in event.response.output]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


_LAST: Final = ("response.completed", "response.incomplete", "response.failed")


def _response_says(said: Saying, answer: Any) -> None:
    said.model, said.stop = answer.model, answer.status
    if answer.incomplete_details is not None:
        said.stop = answer.incomplete_details.reason
    if answer.usage is not None:
        said.tokens = response_tokens(answer.usage)
    if answer.error is not None:
        said.error = Complaint("failed", None, answer.error.code, answer.error.message)
    for item in answer.output:
        if item.type == "message":
            said.text += "".join(p.text for p in item.content if p.type == "output_text")
            said.refusal += "".join(p.refusal for p in item.content if p.type == "refusal")
        elif item.type == "reasoning":
            said.thinking += "\n\n".join(part.text for part in item.summary)
            if item.encrypted_content:
                said.seals.append(item.encrypted_content)
                said.sealed_in.append(item.id)
        else:
            said.calls.append((item.call_id, item.name, _json(item.arguments)))


# Messages


def _message(client: Any, said: Saying, strict: bool) -> None:
    answer = client.messages.with_raw_response.create(max_tokens=9, **_ASKED)
    if strict:
        Message.model_validate_json(answer.http_response.content)
    _message_says(said, answer.parse())


def _message_stream(client: Any, said: Saying, _: bool) -> None:
    opened: list[int] = []
    closed: list[int] = []
    with client.messages.stream(max_tokens=9, **_ASKED) as stream:
        for event in stream:
            if event.type in ("text", "thinking", "signature", "input_json", "citation"):
                continue
            if event.type == "content_block_start":
                assert len(opened) == len(closed)
                opened.append(event.index)
            elif event.type == "content_block_stop":
                closed.append(event.index)
            _message_says(said, stream.current_message_snapshot)
    assert opened == closed == list(range(len(opened)))


def _message_says(said: Saying, answer: Any) -> None:
    said.model, said.stop = answer.model, answer.stop_reason
    said.sequence = answer.stop_sequence
    said.refusal = (answer.stop_details and answer.stop_details.explanation) or ""
    said.tokens = message_tokens(answer.usage)
    blocks = answer.content
    said.text = "".join(block.text for block in blocks if block.type == "text")
    said.thinking = "".join(block.thinking for block in blocks if block.type == "thinking")
    said.seals = [block.signature for block in blocks if block.type == "thinking"]
    said.redacted = [block.data for block in blocks if block.type == "redacted_thinking"]
    said.calls = [(b.id, b.name, b.input) for b in blocks if b.type == "tool_use"]


_Read = Callable[[Any, Saying, bool], None]
_WHOLE: Final[Mapping[str, _Read]] = {
    "chat": _chat,
    "responses": _response,
    "messages": _message,
}
_STREAMS: Final[Mapping[str, _Read]] = {
    "chat": _chat_stream,
    "responses": _response_stream,
    "messages": _message_stream,
}
