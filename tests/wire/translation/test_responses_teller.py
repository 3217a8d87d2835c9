from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.listener import Listener, Told
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.translation.reply import Stop
from tokenhub.wire.translation.responses_stream import ResponsesTeller


class Terse(Listener):
    """Leaves out what is empty, and hears of no failure."""

    def text(self, text: str) -> None:
        if text:
            super().text(text)

    def thinking(self, text: str) -> None:
        if text:
            super().thinking(text)

    def failed(self, code: str, message: str, status: int) -> None:
        raise AssertionError


def told(*events: Any) -> Told:
    """What is told of the events between a beginning and an end."""
    listener = Terse()
    teller = ResponsesTeller(listener)
    for value in [event("created", response={"model": "gpt"}), *events]:
        teller.event(value)
    teller.end()
    assert listener.told[0] == ("begin", "gpt", None)
    assert listener.told[-1] == ("end",)
    return listener.told[1:-1]


def event(kind: str, place: int | None = None, **fields: Any) -> dict[str, Any]:
    where = {} if place is None else {"output_index": place}
    return {"type": f"response.{kind}", **where, **fields}


def completed(**fields: Any) -> dict[str, Any]:
    return event("completed", response={"status": "completed", "output": [], **fields})


def call(place: int, id: str, **more: Any) -> dict[str, Any]:
    item = {"type": "function_call", "call_id": id, "name": "f", "arguments": ""}
    return {"output_index": place, "item": item | more}


def test_a_text_is_told_as_it_comes() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    assert told(
        event("in_progress", response={}),
        event("output_item.added", 0, item={"type": "message", "content": []}),
        event("content_part.added", 0, part={"type": "output_text", "text": ""}),
        event("output_text.delta", 0, delta="Hel"),
        event("output_text.delta", 0, delta="lo"),
        event("output_text.done", 0, text="Hello"),
        event("output_item.done", 0, item=item),
        completed(usage={"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}),
    ) == [
        ("text", "Hel"),
        ("text", "lo"),
        ("usage", Usage(5, output_tokens=2)),
        ("stop", Stop.END, None),
    ]


def test_reasoning_is_told_with_its_seal_and_the_parts_of_its_summary_apart() -> None:
    item = {"type": "reasoning", "summary": [{"text": "ab"}], "encrypted_content": "s"}
    assert told(
        event("reasoning_summary_text.delta", 0, summary_index=0, delta="a"),
        event("reasoning_summary_text.delta", 0, summary_index=0, delta="b"),
        event("reasoning_summary_text.delta", 0, summary_index=1, delta=""),
        event("reasoning_summary_text.delta", 0, summary_index=1, delta="c"),
        event("output_item.done", 0, item=item),
        event("reasoning_summary_text.delta", 1, summary_index=0, delta="d"),
        event("output_item.done", 1, item={"type": "reasoning", "summary": [{"text": "d"}]}),
    ) == [
        ("thinking", "a"),
        ("thinking", "b"),
        ("thinking", "\n\nc"),
        ("seal", "s"),
        ("thinking", "d"),
    ]


def test_reasoning_itself_is_told_in_place_of_its_summary() -> None:
    raw = event("reasoning_text.delta", 0, content_index=0, delta="raw")
    summary = event("reasoning_summary_text.delta", 0, summary_index=0, delta="sum")
    assert told(raw, summary, raw) == [("thinking", "raw"), ("thinking", "raw")]
    assert told(summary, raw, summary) == [("thinking", "sum"), ("thinking", "sum")]


def test_reasoning_without_events_of_its_own_is_told_at_its_end() -> None:
    item = {"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}]}
    assert told(event("output_item.done", 0, item=item)) == [("thinking", "a\n\nb")]
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "s"}
    assert told(event("output_item.done", 0, item=sealed)) == [("seal", "s")]


def test_calls_keep_their_numbers_however_they_interleave() -> None:
    assert told(
        event("output_item.added", **call(3, "c0")),
        event("output_item.added", **call(4, "c1")),
        event("function_call_arguments.delta", 4, delta="[1]"),
        event("function_call_arguments.delta", 3, delta="[0"),
        event("function_call_arguments.delta", 3, delta=""),
        event("function_call_arguments.delta", 3, delta="]"),
        event("function_call_arguments.done", 3, arguments="[0]"),
        event("output_item.done", **call(4, "c1", arguments="[1]")),
        event("output_item.done", **call(3, "c0", arguments="[0]")),
        completed(),
    ) == [
        ("tool", 0, "c0", "f"),
        ("tool", 1, "c1", "f"),
        ("arguments", 1, "[1]"),
        ("arguments", 0, "[0"),
        ("arguments", 0, "]"),
        ("tool_end", 1),
        ("tool_end", 0),
        ("stop", Stop.TOOLS, None),
    ]


def test_a_call_of_which_only_the_end_comes_is_told_whole() -> None:
    assert told(event("output_item.done", **call(0, "c0", arguments="{}"))) == [
        ("tool", 0, "c0", "f"),
        ("arguments", 0, "{}"),
        ("tool_end", 0),
    ]


def test_a_message_of_which_only_the_end_comes_is_told_whole() -> None:
    parts = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}]
    item = {"type": "message", "content": parts}
    assert told(event("output_item.done", 0, item=item), completed()) == [
        ("text", "a"),
        ("refusal", "b"),
        ("stop", Stop.REFUSED, None),
    ]


def test_an_empty_message_is_no_refusal() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": ""}]}
    assert told(event("output_item.done", 0, item=item), completed()) == [("stop", Stop.END, None)]


def test_a_refusal_is_told_and_why_it_stopped() -> None:
    assert told(event("refusal.delta", 0, delta="no"), completed()) == [
        ("refusal", "no"),
        ("stop", Stop.REFUSED, None),
    ]


@pytest.mark.parametrize(
    ("reason", "stop"), [("max_output_tokens", Stop.LENGTH), ("content_filter", Stop.REFUSED)]
)
def test_an_incomplete_response_says_why(reason: str, stop: Stop) -> None:
    response = {"incomplete_details": {"reason": reason}}
    assert told(event("incomplete", response=response)) == [("stop", stop, None)]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "ping"},
        {"type": 7},
        {},
        event("output_text.annotation.added", 0, annotation={}),
        event("output_item.added", 0, item=None),
        event("output_item.added", 0, item={"type": "web_search_call"}),
        event("output_item.done", 0),
        event("output_item.done", 0, item={"type": "web_search_call"}),
        event("output_text.delta", 0, delta=7),
    ],
)
def test_what_says_nothing_to_us_is_passed_over(value: Any) -> None:
    assert told(value) == []


def test_a_stream_may_begin_without_its_first_event() -> None:
    listener = Terse()
    ResponsesTeller(listener).event(event("output_text.delta", 0, delta="a"))
    assert listener.told == [("begin", "", None), ("text", "a")]


@pytest.mark.parametrize(
    "value",
    [
        event("failed", response={"error": {"code": "server_error"}}),
        {"type": "error", "code": "server_error"},
        event("completed", response=None),
        event("function_call_arguments.delta", 0, delta="{}"),
        event("output_item.added", 0, item={"type": "function_call"}),
    ],
)
def test_what_cannot_be_told(value: dict[str, Any]) -> None:
    with pytest.raises(NotOfProtocol):
        told(value)


def test_a_stream_that_never_began_has_no_end() -> None:
    with pytest.raises(NotOfProtocol):
        ResponsesTeller(Terse()).end()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "content", "summary", "text", "name", "call_id", "usage"]),
            inner | st.sampled_from(["message", "reasoning", "function_call"]),
            max_size=4,
        )
    ),
    max_leaves=8,
)
_KINDS = [
    "created",
    "output_item.added",
    "output_item.done",
    "output_text.delta",
    "refusal.delta",
    "reasoning_text.delta",
    "reasoning_summary_text.delta",
    "function_call_arguments.delta",
    "completed",
    "incomplete",
]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from([f"response.{kind}" for kind in _KINDS])},
            optional=dict.fromkeys(("output_index", "item", "delta", "response", "part"), _VALUES),
        ),
        max_size=8,
    )
)
def test_whatever_comes_is_told_or_is_not_of_the_protocol(events: Any) -> None:
    teller = ResponsesTeller(Terse())
    for value in events:
        try:
            teller.event(value)
        except NotOfProtocol:
            return
