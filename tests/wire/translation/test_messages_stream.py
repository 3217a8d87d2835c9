from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.listener import Listener, Told
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.translation.messages_stream import MessagesTeller
from tokenhub.wire.translation.reply import Stop

Event = dict[str, Any]
START: Event = {
    "type": "message_start",
    "message": {
        "model": "claude-opus-4-5",
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1},
    },
}
BEGUN = ("begin", "claude-opus-4-5", Usage(7, cached_input_tokens=4, output_tokens=1))


def begin(index: int, **block: Any) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **fields: Any) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def stop(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


def said(index: int, text: str) -> Event:
    return delta(index, type="text_delta", text=text)


def given_input(index: int, part: str) -> Event:
    return delta(index, type="input_json_delta", partial_json=part)


def told(*events: Event) -> Told:
    """What is told of `events` behind the stream's begin."""
    listener = Listener()
    teller = MessagesTeller(listener)
    for event in (START, *events):
        teller.event(event)
    assert listener.told[0] == BEGUN
    return listener.told[1:]


def test_text_is_told_as_it_comes() -> None:
    events = (
        begin(0, type="text", text=""),
        {"type": "ping"},
        said(0, "Hel"),
        said(0, ""),
        said(0, "lo"),
        stop(0),
    )

    assert told(*events) == [("text", "Hel"), ("text", "lo")]


def test_what_stands_in_the_start_of_a_block_is_told_too() -> None:
    events = (begin(0, type="text", text="a"), begin(1, type="thinking", thinking="b"))

    assert told(*events) == [("text", "a"), ("thinking", "b")]


def test_thinking_is_sealed_at_its_end() -> None:
    events = (
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="s"),
        stop(0),
        begin(1, type="thinking", thinking="so", signature="s2"),
        stop(1),
        begin(2, type="thinking", thinking="no seal"),
        stop(2),
    )

    assert told(*events) == [
        ("thinking", "hm"),
        ("seal", "s"),
        ("thinking", "so"),
        ("seal", "s2"),
        ("thinking", "no seal"),
    ]


def test_thinking_that_is_not_shown_has_only_a_seal() -> None:
    events = (
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, type="signature_delta", signature="s"),
        stop(0),
        begin(1, type="redacted_thinking", data="d"),
        stop(1),
    )

    assert told(*events) == [("seal", "s"), ("redacted", "d")]


def test_calls_are_numbered_among_themselves() -> None:
    events = (
        begin(0, type="text", text="a"),
        stop(0),
        begin(1, type="tool_use", id="t1", name="f", input={}),
        given_input(1, ""),
        given_input(1, '{"a":'),
        given_input(1, "1}"),
        stop(1),
        begin(2, type="tool_use", id="t2", name="g", input={}),
        stop(2),
        begin(3, type="tool_use", id="t3", name="h", input={"b": 2}),
        stop(3),
    )

    assert told(*events)[1:] == [
        ("tool", 0, "t1", "f"),
        ("arguments", 0, '{"a":'),
        ("arguments", 0, "1}"),
        ("tool_end", 0),
        ("tool", 1, "t2", "g"),
        ("arguments", 1, "{}"),
        ("tool_end", 1),
        ("tool", 2, "t3", "h"),
        ("arguments", 2, '{"b":2}'),
        ("tool_end", 2),
    ]


def test_usage_is_cumulative_and_keeps_what_it_leaves_out() -> None:
    event = {
        "type": "message_delta",
        "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
        "usage": {"output_tokens": 9, "input_tokens": None},
    }

    assert told(event) == [
        ("usage", Usage(7, cached_input_tokens=4, output_tokens=9)),
        ("stop", Stop.SEQUENCE, "END"),
    ]


def test_a_message_delta_may_say_nothing() -> None:
    assert told({"type": "message_delta", "delta": {"stop_reason": None}}) == []
    assert told({"type": "message_delta"}) == []


def test_the_explanation_of_a_refusal_is_its_words() -> None:
    details = {"type": "refusal", "explanation": "Not this."}
    event = {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}

    assert told(event) == [("refusal", "Not this."), ("stop", Stop.REFUSED, None)]


def test_what_others_have_no_word_for_is_passed_over() -> None:
    events = (
        begin(0, type="server_tool_use", id="s", name="web_search", input={}),
        delta(0, type="citations_delta", citation={}),
        stop(0),
        {"type": "something_new"},
        {"type": "message_stop"},
    )

    assert told(*events) == []


def test_the_end_is_told_once_and_after_a_beginning() -> None:
    listener = Listener()

    MessagesTeller(listener).end()

    assert listener.told == [("begin", "", None), ("end",)]


def test_a_stream_may_begin_with_its_content() -> None:
    listener = Listener()

    MessagesTeller(listener).event(said(0, "a"))

    assert listener.told == [("begin", "", None), ("text", "a")]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            {"type": "overloaded_error", "message": "Overloaded\n"},
            ("failed", "overloaded_error", "Overloaded", 529),
        ),
        ({"type": "api_error", "message": "Oh"}, ("failed", "api_error", "Oh", 502)),
        ({}, ("failed", "api_error", "the provider failed", 502)),
    ],
)
def test_an_error_in_the_middle_is_told(error: Any, failure: tuple[Any, ...]) -> None:
    assert told(said(0, "a"), {"type": "error", "error": error})[1:] == [failure]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 1},
        {"type": "message_start"},
        {"type": "message_start", "message": {"model": 1}},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": "a"},
        delta(0, type="text_delta", text=1),
        given_input(0, "{}"),
        delta([0], type="input_json_delta", partial_json="{}"),  # type: ignore[arg-type]
        begin("0", type="tool_use", id="t", name="f"),  # type: ignore[arg-type]
        {"type": "content_block_stop"},
        {"type": "error", "error": "Oh"},
    ],
)
def test_what_is_no_event_is_not_of_the_protocol(event: Event) -> None:
    with pytest.raises(NotOfProtocol):
        told(event)


NAMES = st.sampled_from(
    (
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "error", "text", "tool_use", "thinking", "text_delta", "a"),
        *("input_json_delta", "signature_delta", "refusal"),
    )
)
VALUE = st.none() | st.integers(0, 2) | NAMES | st.lists(st.integers(0, 1), max_size=1)
PART = VALUE | st.dictionaries(
    st.sampled_from(("type", "text", "id", "name", "input", "partial_json", "model", "usage")),
    VALUE,
    max_size=4,
)
EVENT = st.dictionaries(
    st.sampled_from(("type", "index", "delta", "content_block", "message", "usage", "error")),
    PART,
    max_size=5,
)


@given(st.lists(EVENT, max_size=5))
def test_whatever_comes_only_not_of_protocol_is_raised(events: list[Event]) -> None:
    teller = MessagesTeller(Listener())
    try:
        for event in events:
            teller.event(event)
    except NotOfProtocol:
        return
    teller.end()
