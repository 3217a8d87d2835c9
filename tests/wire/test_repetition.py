import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api
from tokenhub.wire.repetition import Repetition
from tokenhub.wire.stream import Part, reader_for


def chat(delta: Any, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    value = {"id": "chatcmpl-1", "model": "m", "choices": [choice], **more}
    return b"data: %b\n\n" % json.dumps(value).encode()


def message(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}).encode()
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def text(words: str) -> bytes:
    return chat({"content": words})


def learned(words: str) -> Repetition:
    repetition = Repetition()
    repetition.learn(text(words), words)
    return repetition


def test_an_event_that_differs_in_its_text_alone_is_a_repetition() -> None:
    assert learned("Hello").text_of(text(" world")) == b" world"


def test_escapes_stay_as_they_are() -> None:
    assert learned("Hello").text_of(text("a\nb\\c")) == b"a\\nb\\\\c"


@pytest.mark.parametrize(
    "other",
    [
        text(""),
        text('a "quoted" word'),
        text('ends in a quote"'),
        text("ends in a backslash\\"),
        chat({"content": "more", "refusal": "no"}),
        chat({"reasoning_content": "hm"}),
        chat({"content": "last"}, "stop"),
        chat({"content": "last"}, usage={"prompt_tokens": 1}),
        b"data: [DONE]\n\n",
        b": comment\n\n",
    ],
)
def test_any_other_event_is_none(other: bytes) -> None:
    assert learned("Hello").text_of(other) == b""


def test_an_overlap_of_what_is_before_and_after_is_none() -> None:
    repetition = Repetition()
    repetition.learn(b'data: {"a":"xx"}\n\n', "xx")
    assert repetition.text_of(b'data: {"a":"}\n\n') == b""


@pytest.mark.parametrize("words", ["a", "m", "chatcmpl-1", "not in it"])
def test_a_text_that_is_not_found_once_teaches_nothing(words: str) -> None:
    repetition = Repetition()
    repetition.learn(text("m"), words)
    assert repetition.text_of(text("more")) == b""


def test_a_stream_without_repetitions_is_no_longer_learned() -> None:
    repetition = Repetition()
    for number in range(100):
        event = chat({"content": f"word {number}"}, obfuscation=str(number))
        assert repetition.text_of(event) == b""
        repetition.learn(event, f"word {number}")
    repetition.learn(text("Hello"), "Hello")
    assert repetition.text_of(text("Hello")) == b""


WORDS = st.text(max_size=12) | st.sampled_from(['"', "\\", 'a"', "\\\\", "\n", "é", "content"])
CHAT = st.one_of(
    WORDS.map(text),
    WORDS.map(lambda words: chat({"reasoning_content": words})),
    WORDS.map(lambda words: chat({"role": "assistant", "content": words})),
    WORDS.map(lambda words: chat({"content": words}, "stop")),
    WORDS.map(lambda words: chat({"tool_calls": [{"index": 0, "id": words}]})),
    st.just(b'data: {"choices": [], "usage": {"prompt_tokens": 3}}\n\n'),
    st.just(b'data: {"error": {"message": "no"}}\n\n'),
    st.just(b"data: [DONE]\n\n"),
)
DELTA = st.one_of(
    WORDS.map(lambda words: {"type": "text_delta", "text": words}),
    WORDS.map(lambda words: {"type": "thinking_delta", "thinking": words}),
    WORDS.map(lambda words: {"type": "signature_delta", "signature": words}),
    WORDS.map(lambda words: {"type": "input_json_delta", "partial_json": words}),
)
MESSAGES = st.one_of(
    DELTA.map(lambda delta: message("content_block_delta", index=0, delta=delta)),
    st.just(message("content_block_stop", index=0)),
    st.just(message("message_stop")),
)


@given(st.lists(CHAT, max_size=30))
def test_skimming_a_chat_says_what_reading_it_says(events: list[bytes]) -> None:
    assert said(Api.CHAT, events, skims=True) == said(Api.CHAT, events, skims=False)


@given(st.lists(MESSAGES, max_size=30))
def test_skimming_messages_says_what_reading_them_says(events: list[bytes]) -> None:
    assert said(Api.MESSAGES, events, skims=True) == said(Api.MESSAGES, events, skims=False)


def said(api: Api, events: list[bytes], *, skims: bool) -> Any:
    reader = reader_for(api)
    reader.skims = skims
    parts: list[Part | None] = []
    for event in events:
        try:
            parts.append(reader.read(event))
        except NotOfProtocol:
            parts.append(None)
    seen = reader.output_tokens_seen
    assert seen >= 0
    return parts, reader.usage, reader.finished, reader.error, reader.seals
