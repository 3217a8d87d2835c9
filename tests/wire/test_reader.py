import json
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import responses
from tests.wire.test_stream import block_delta, block_start, data, delta, named
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api
from tokenhub.wire.sse import EventSplitter
from tokenhub.wire.stream import StreamReader, reader_for

APIS = (Api.CHAT, Api.COMPLETIONS, Api.MESSAGES, Api.RESPONSES)
STREAMS = {
    Api.CHAT: (
        delta({"role": "assistant"}),
        delta({"content": "Hi"}),
        delta({}, "stop"),
        data({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
        b"data: [DONE]\n\n",
    ),
    Api.MESSAGES: (
        named({"type": "message_start", "message": {"usage": {"input_tokens": 3}}}),
        block_start(type="thinking", thinking="", signature=""),
        block_delta(type="thinking_delta", thinking="hm"),
        block_delta(type="signature_delta", signature="Eq"),
        named({"type": "content_block_stop", "index": 0}),
        block_delta(type="text_delta", text="Hi"),
        named({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        named({"type": "message_stop"}),
    ),
    Api.RESPONSES: (
        responses.lifecycle("created", 0),
        responses.event("output_item.added", 1, item=responses.REASONING),
        responses.event(
            "output_item.done", 2, item={**responses.REASONING, "encrypted_content": "gA"}
        ),
        responses.event("output_item.added", 3, item=responses.MESSAGE),
        responses.delta("Hi", number=4),
        responses.lifecycle("completed", 5, usage=responses.USAGE),
    ),
}


def facts(reader: StreamReader) -> dict[str, Any]:
    names = ("usage", "finished", "output_tokens_seen", "seals", "value", "error")
    return {name: getattr(reader, name) for name in names}


def read(api: Api, chunks: list[bytes]) -> tuple[list[Any], dict[str, Any]]:
    reader, splitter = reader_for(api), EventSplitter()
    parts = [reader.read(event) for chunk in chunks for event in splitter.feed(chunk)]
    return parts, facts(reader)


@given(st.sampled_from([*STREAMS]), st.lists(st.integers(0, 2000), max_size=12))
def test_a_stream_says_the_same_however_it_was_split(api: Api, cuts: list[int]) -> None:
    whole = b"".join(STREAMS[api])
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    chunks = [whole[begin:end] for begin, end in pairwise(places)]
    assert read(api, chunks) == read(api, [whole])


_KINDS = st.sampled_from(
    [
        *(f"response.{kind}" for kind in ("created", "in_progress", "completed", "failed")),
        *(f"response.output_item.{kind}" for kind in ("added", "done")),
        *("response.output_text.delta", "response.content_part.added", "error", ".delta"),
        *("message_start", "message_delta", "content_block_start", "content_block_delta"),
        *("content_block_stop", "message_stop", "ping"),
    ]
)
_NAMES = st.sampled_from(
    [
        *("type", "response", "item", "part", "delta", "sequence_number", "usage", "error", "code"),
        *("message", "content_block", "content", "text", "signature", "data", "choices", "index"),
        *("encrypted_content", "id", "output", "input_tokens", "input_tokens_details"),
    ]
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | _KINDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_EVENTS = st.dictionaries(_NAMES, _ANYTHING, max_size=5).flatmap(
    lambda fields: _KINDS.map(lambda kind: {**fields, "type": kind})
)


@given(st.sampled_from(APIS), st.lists(_EVENTS | _ANYTHING, max_size=6), st.booleans())
def test_garbage_is_refused_and_never_breaks_a_reader(
    api: Api, values: list[Any], with_name: bool
) -> None:
    reader = reader_for(api)
    for value in values:
        body = b"data: %b\n\n" % orjson.dumps(value)
        try:
            reader.read(b"event: error\n" + body if with_name else body)
        except NotOfProtocol:
            break
    after, own = reader.after_error("r1"), reader.error_event("c", "m", "r1")
    for event in EventSplitter().feed(after + own):
        assert b"data: {" in event
    assert all(isinstance(seal, str) and seal for seal in reader.seals)


@given(st.sampled_from(APIS), st.binary(max_size=60))
def test_bytes_of_any_kind_are_refused_or_read(api: Api, garbage: bytes) -> None:
    reader = reader_for(api)
    for event in EventSplitter().feed(b"data: " + garbage + b"\n\n"):
        try:
            reader.read(event)
        except NotOfProtocol:
            return


def test_the_data_of_the_last_event_is_kept_for_whoever_translates_it() -> None:
    reader = reader_for(Api.CHAT)
    kept: list[Any] = [reader.value]
    for event in (b": a comment\n\n", b"event: error\ndata: {}\n\n", b"data: [DONE]\n\n"):
        for one in (data({"choices": [{"delta": {}}]}), event):
            reader.read(one)
            kept.append(reader.value)
    assert kept == [None, *[{"choices": [{"delta": {}}]}, None] * 3]


@pytest.mark.parametrize("api", [Api.CHAT, Api.COMPLETIONS, Api.MESSAGES])
def test_our_own_error_is_the_protocols_error_event(api: Api) -> None:
    reader = reader_for(api)
    event = reader.error_event("draining", "the hub stops", "r1", status=503)
    reader.read(event)
    assert json.loads(reader.error)["error"]["message"] == "the hub stops"
    assert reader.after_error("r1") == b""
