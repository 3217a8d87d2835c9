from typing import Any

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.messages_told import SETTING, TYPED, events, writer
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.translation.messages_stream import MessagesTeller
from tokenhub.wire.translation.messages_writer import MessagesWriter
from tokenhub.wire.translation.reply import Stop

WORDS = st.text(max_size=3)
CALLS = st.sampled_from(["", "{}", '{"a":{"b":"}"}}', '{"c":[1,2]}'])
STEP = st.one_of(
    st.tuples(st.just("text"), WORDS),
    st.tuples(st.just("thinking"), WORDS),
    st.tuples(st.just("seal"), st.just("s")),
    st.tuples(st.just("redacted"), st.just("d")),
    st.tuples(st.just("tool"), CALLS),
    st.tuples(st.just("more"), st.integers(0, 9)),
)


def play(out: MessagesWriter, steps: list[tuple[str, Any]]) -> list[str]:
    """Tell `steps`; `tool` begins a call with arguments, which `more` and the end tell in parts."""
    calls: list[str] = []
    waiting: list[tuple[int, str]] = []
    for step, value in steps:
        match step:
            case "tool":
                out.tool(len(calls), f"c{len(calls)}", "f")
                waiting += [(len(calls), value[:3]), (len(calls), value[3:])]
                calls.append(value)
            case "more":
                part = next((part for part in waiting if part[0] == value), None)
                if part is not None:
                    waiting.remove(part)
                    out.arguments(*part)
            case "redacted":
                out.seal(value, redacted=True)
            case _:
                getattr(out, step)(value)
    for part in waiting:
        out.arguments(*part)
    return calls


@given(st.lists(STEP, max_size=12))
def test_blocks_are_contiguous_with_one_start_and_one_stop_whatever_is_told(
    steps: list[tuple[str, Any]],
) -> None:
    out = writer()
    calls = play(out, steps)
    out.stop(Stop.END, None)
    out.end()
    written = events(out)

    open_, count = False, 0
    inputs: list[str] = []
    for event in written[:-2]:
        assert event["index"] == count
        if event["type"] == "content_block_start":
            assert not open_
            open_ = True
            if event["content_block"]["type"] == "tool_use":
                inputs.append("")
        elif event["type"] == "content_block_delta":
            assert open_
            inputs[-1:] = [text + event["delta"].get("partial_json", "") for text in inputs[-1:]]
        else:
            assert open_
            open_, count = False, count + 1
    assert not open_
    assert [event["type"] for event in written[-2:]] == ["message_delta", "message_stop"]
    assert inputs == calls


BLOCK: st.SearchStrategy[tuple[str, list[str]]] = st.one_of(
    st.tuples(st.just("text"), st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=3)),
    st.tuples(st.just("thinking"), st.lists(st.text(min_size=1, max_size=3), max_size=3)),
    st.tuples(st.just("redacted_thinking"), st.just([])),
    st.tuples(st.just("tool_use"), st.sampled_from([["{}"], ['{"a"', ":1}"], ["", '{"b":{}}']])),
)


def anthropics(blocks: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """A stream of Anthropic's with these blocks."""
    heads: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "redacted_thinking": {"data": "d"},
        "tool_use": {"id": "t", "name": "f", "input": {}},
    }
    fields = {
        "text": ("text_delta", "text"),
        "thinking": ("thinking_delta", "thinking"),
        "tool_use": ("input_json_delta", "partial_json"),
    }
    usage = {"input_tokens": 3, "output_tokens": 1}
    stream: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"model": "m", "usage": usage}}
    ]
    for index, (kind, parts) in enumerate(blocks):
        block = {"type": kind, **heads[kind]}
        stream.append({"type": "content_block_start", "index": index, "content_block": block})
        deltas = [{"type": fields[kind][0], fields[kind][1]: part} for part in parts]
        if kind == "thinking":
            deltas.append({"type": "signature_delta", "signature": f"s{index}"})
        stream += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        stream.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "max_tokens", "stop_sequence": None}
    return [*stream, {"type": "message_delta", "delta": end, "usage": {"output_tokens": 7}}]


def accumulated(stream: bytes) -> Any:
    """The message that the SDK makes of a stream."""
    message: Any = None
    buffers: dict[int, bytes] = {}
    for event in EventSplitter().feed(stream):
        value = TYPED.validate_json(data_of(event)[1])
        message = accumulate_event(event=value, current_snapshot=message, json_bufs=buffers)
    return message


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.lists(BLOCK, max_size=5))
def test_a_stream_that_is_told_to_its_own_protocol_says_the_same(
    blocks: list[tuple[str, list[str]]],
) -> None:
    out = MessagesWriter(SETTING)
    teller = MessagesTeller(out)
    for event in anthropics(blocks):
        teller.event(event)
    teller.end()
    message = accumulated(b"".join(out.take()))

    # Text of two blocks in a row is one block's: nothing tells them apart.
    merged: list[tuple[str, str]] = []
    for kind, parts in blocks:
        text = "".join(parts)
        if kind == "text" and merged and merged[-1][0] == "text":
            merged[-1] = (kind, merged[-1][1] + text)
        else:
            merged.append((kind, text))
    assert [block.type for block in message.content] == [kind for kind, _ in merged]
    for block, (kind, text) in zip(message.content, merged, strict=True):
        if kind == "tool_use":
            assert block.input == orjson.loads(text)
        elif kind != "redacted_thinking":
            assert getattr(block, kind) == text
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 7


@given(st.lists(BLOCK, max_size=4))
def test_the_same_stream_is_always_the_same_bytes(blocks: list[tuple[str, list[str]]]) -> None:
    def written() -> bytes:
        out = MessagesWriter(SETTING)
        teller = MessagesTeller(out)
        for event in anthropics(blocks):
            teller.event(event)
        teller.end()
        return b"".join(out.take())

    assert written() == written()
