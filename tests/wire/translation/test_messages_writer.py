from typing import Any

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tokenhub.types import Usage
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.translation.messages_stream import MessagesTeller
from tokenhub.wire.translation.messages_writer import MessagesWriter
from tokenhub.wire.translation.reply import Setting, Stop
from tokenhub.wire.translation.seals import own_seal

SETTING = Setting("r1", 0, "asked-for", 12)
TYPED: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def writer() -> MessagesWriter:
    begun = MessagesWriter(SETTING)
    begun.begin("gpt-5", None)
    begun.take()
    return begun


def events(writer: MessagesWriter) -> list[dict[str, Any]]:
    """The events that the writer has written, as the SDK takes them."""
    values = []
    for event in writer.take():
        name, data = data_of(event)
        value = orjson.loads(data)
        assert name == value["type"].encode()
        if name != b"error":
            TYPED.validate_json(data, strict=True)
        values.append(value)
    return values


def shown(writer: MessagesWriter) -> list[Any]:
    """The same in short: blocks begin as their type, end as their index."""
    short: list[Any] = []
    for event in events(writer):
        match event["type"]:
            case "content_block_start":
                short.append(event["content_block"]["type"])
            case "content_block_delta":
                value = {key: part for key, part in event["delta"].items() if key != "type"}
                short.append((event["index"], *value.values()))
            case "content_block_stop":
                short.append(event["index"])
            case kind:
                short.append(kind)
    return short


def test_the_message_starts_before_any_content() -> None:
    begun = MessagesWriter(SETTING)

    begun.begin("gpt-5", None)

    assert events(begun) == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_r1",
                "type": "message",
                "role": "assistant",
                "model": "gpt-5",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "stop_details": None,
                "usage": {
                    "input_tokens": 12,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "cache_creation": {
                        "ephemeral_5m_input_tokens": 0,
                        "ephemeral_1h_input_tokens": 0,
                    },
                    "output_tokens": 0,
                },
            },
        }
    ]


def test_the_start_tells_the_usage_that_is_known() -> None:
    begun = MessagesWriter(SETTING)

    begun.begin("", Usage(30, cached_input_tokens=10))

    message = events(begun)[0]["message"]
    assert message["model"] == "asked-for"
    assert message["usage"]["input_tokens"] == 20
    assert message["usage"]["cache_read_input_tokens"] == 10


def test_text_goes_out_at_once() -> None:
    out = writer()
    out.text("Hel")

    assert out.take() == [
        b"event: content_block_start\n"
        b'data: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n',
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"Hel"}}\n\n',
    ]

    out.text("")
    out.text('l"o')

    assert shown(out) == [(0, 'l"o')]


def test_the_end_closes_the_block_and_tells_reason_and_usage() -> None:
    out = writer()
    out.text("Hello")
    out.stop(Stop.SEQUENCE, "END")
    out.usage(Usage(20, 5, 3, 2, output_tokens=9, reasoning_tokens=4))
    out.end()

    assert events(out)[2:] == [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": None},
            "usage": {
                "input_tokens": 10,
                "cache_creation_input_tokens": 5,
                "cache_read_input_tokens": 5,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 4},
            },
        },
        {"type": "message_stop"},
    ]


def test_without_a_report_the_tokens_are_estimated() -> None:
    out = writer()
    out.text("Hello")
    out.thinking("now")
    out.end()

    assert events(out)[-2]["usage"]["output_tokens"] == 2


def test_an_empty_answer_has_no_blocks() -> None:
    out = writer()
    out.stop(Stop.END, None)
    out.end()

    assert shown(out) == ["message_delta", "message_stop"]


def test_thinking_ends_with_its_seal() -> None:
    out = writer()
    out.thinking("h")
    out.thinking("m")
    out.seal("s")
    out.text("a")

    assert shown(out) == ["thinking", (0, "h"), (0, "m"), (0, "s"), 0, "text", (1, "a")]


def test_thinking_without_a_seal_gets_one_of_ours() -> None:
    out = writer()
    out.thinking("h")
    out.thinking("")
    out.thinking("m")
    out.text("a")

    assert shown(out)[3:] == [(0, own_seal("hm")), 0, "text", (1, "a")]


def test_thinking_at_the_very_end_is_sealed_too() -> None:
    out = writer()
    out.thinking("hm")
    out.stop(Stop.LENGTH, None)

    assert shown(out)[2:] == [(0, own_seal("hm")), 0]


def test_a_seal_alone_is_thinking_that_is_not_shown() -> None:
    out = writer()
    out.thinking("hm")
    out.seal("s")
    out.seal("s2")

    assert shown(out)[4:] == ["thinking", (1, "s2"), 1]


def test_redacted_thinking_is_a_block_of_its_own() -> None:
    out = writer()
    out.thinking("hm")
    out.seal("d", redacted=True)
    out.text("a")

    assert shown(out)[2:] == [(0, own_seal("hm")), 0, "redacted_thinking", 1, "text", (2, "a")]


def test_a_call_follows_the_text_and_its_parts_go_out_at_once() -> None:
    out = writer()
    out.text("a")
    out.tool(0, "call_1", "f")
    out.arguments(0, '{"a"')
    out.arguments(0, "")
    out.arguments(0, ":1}")

    assert shown(out)[2:] == [0, "tool_use", (1, '{"a"'), (1, ":1}")]

    out.stop(Stop.TOOLS, None)

    assert shown(out) == [1]


def test_a_call_is_written_with_an_id_that_anthropic_takes() -> None:
    out = writer()
    out.tool(0, "functions.f:0", "f")
    out.tool(0, "functions.f:0", "f")
    out.tool_end(0)
    out.tool(1, "", "g")

    first, second = (
        event["content_block"] for event in events(out) if event["type"] == "content_block_start"
    )
    assert first["id"].startswith("toolu_")
    assert first == {**first, "name": "f", "input": {}}
    assert second["id"] == "toolu_r1_1"


def test_calls_that_come_one_after_the_other_do_not_wait() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.arguments(0, '{"a":1}')
    out.tool(1, "c1", "g")
    out.arguments(1, "{}")

    assert shown(out) == ["tool_use", (0, '{"a":1}'), 0, "tool_use", (1, "{}")]


def test_the_parts_of_calls_that_interleave_wait_for_the_open_one() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.tool(1, "c1", "g")
    out.arguments(0, '{"a":')
    out.arguments(1, '{"b"')
    out.arguments(0, "{}}")
    out.arguments(1, ":2}")
    out.tool(2, "c2", "h")

    assert shown(out) == [
        "tool_use",
        (0, '{"a":'),
        (0, "{}}"),
        0,
        "tool_use",
        (1, '{"b"'),
        (1, ":2}"),
        1,
        "tool_use",
    ]


def test_a_brace_that_is_not_the_last_one_ends_no_call() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.tool(1, "c1", "g")
    out.arguments(0, '{"a":{}')
    out.arguments(1, '{"b":')
    out.arguments(1, "2}")

    assert shown(out) == ["tool_use", (0, '{"a":{}')]

    out.tool_end(0)

    assert shown(out) == [0, "tool_use", (1, '{"b":'), (1, "2}")]


def test_text_waits_for_a_call_that_is_not_complete() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.text("a")
    out.arguments(0, '{"a":1')
    out.text("b")
    out.arguments(0, "}")

    assert shown(out) == ["tool_use", (0, '{"a":1'), (0, "}")]

    out.text("c")

    assert shown(out) == [0, "text", (1, "a"), (1, "b"), (1, "c")]


def test_thinking_that_waits_is_sealed_all_the_same() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.thinking("hm")
    out.end()

    assert shown(out)[:5] == ["tool_use", 0, "thinking", (1, "hm"), (1, own_seal("hm"))]


def test_what_follows_complete_arguments_is_left_out() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.arguments(0, "{}")
    out.tool_end(0)
    out.arguments(0, "{}")
    out.arguments(7, "{}")
    out.tool_end(7)

    assert shown(out) == ["tool_use", (0, "{}"), 0]


def test_a_refusal_is_text_and_the_reason_for_the_end() -> None:
    out = writer()
    out.refusal("No.")
    out.stop(Stop.END, None)
    out.end()

    written = events(out)
    assert written[1]["delta"]["text"] == "No."
    assert written[3]["delta"]["stop_reason"] == "refusal"


def test_calls_end_a_message_whatever_the_provider_calls_it() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.stop(Stop.END, None)
    out.end()

    assert events(out)[-2]["delta"]["stop_reason"] == "tool_use"


def test_an_error_ends_the_stream_and_nothing_follows() -> None:
    out = writer()
    out.text("a")
    out.take()
    out.failed("upstream_failed", "the provider hung up", 529)
    out.failed("upstream_failed", "again", 502)
    out.end()

    assert events(out) == [
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "the provider hung up"},
            "request_id": "r1",
        }
    ]


def test_the_end_comes_once() -> None:
    out = writer()
    out.end()
    out.take()
    out.end()

    assert out.take() == []


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
