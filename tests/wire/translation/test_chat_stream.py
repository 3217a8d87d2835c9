from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.listener import Listener, Told
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.translation.chat_stream import ChatTeller
from tokenhub.wire.translation.reply import Stop


def told(*events: dict[str, Any]) -> Told:
    listener = Listener()
    teller = ChatTeller(listener)
    for event in events:
        teller.event(event)
    teller.end()
    return listener.told


def chunk(delta: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "created": 1, "model": "m", "choices": [choice], **more}


def call(index: Any, arguments: Any = "", id: Any = None, name: Any = None) -> dict[str, Any]:
    part = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return chunk({"tool_calls": [part]})


def test_a_plain_stream_is_told_as_it_comes() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    events = (
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "a"}),
        chunk({"content": "b"}),
        chunk({}, "stop"),
        {"id": "x", "choices": [], "usage": usage},
    )
    assert told(*events) == [
        ("begin", "m", None),
        ("text", "a"),
        ("text", "b"),
        ("usage", Usage(3, output_tokens=2)),
        ("stop", Stop.END, None),
        ("end",),
    ]


def test_thinking_is_told_by_each_of_its_names() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "c"}]}]
    events = (
        chunk({"reasoning_content": "a", "reasoning": "a"}),
        chunk({"reasoning": "b", "content": None}),
        chunk({"content": [*parts, {"type": "text", "text": "d"}]}),
    )
    assert told(*events)[1:5] == [
        ("thinking", "a"),
        ("thinking", "b"),
        ("thinking", "c"),
        ("text", "d"),
    ]


def test_calls_keep_their_numbers_and_end_at_the_end() -> None:
    events = (
        call(0, "", "c0", "f"),
        call(0, '{"a"'),
        call(1, "", "c1", "g"),
        call(0, ":1}"),
        call(1, "{}"),
        chunk({}, "tool_calls"),
    )
    assert told(*events)[1:] == [
        ("tool", 0, "c0", "f"),
        ("arguments", 0, '{"a"'),
        ("tool", 1, "c1", "g"),
        ("arguments", 0, ":1}"),
        ("arguments", 1, "{}"),
        ("tool_end", 0),
        ("tool_end", 1),
        ("stop", Stop.TOOLS, None),
        ("end",),
    ]


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_all_have_one_number_are_told_apart_by_id(index: int | None) -> None:
    events = (call(index, "{}", "c0", "f"), call(index, "[]", "c1", "f"), call(index, "1"))
    assert told(*events)[1:6] == [
        ("tool", 0, "c0", "f"),
        ("arguments", 0, "{}"),
        ("tool", 1, "c1", "f"),
        ("arguments", 1, "[]"),
        ("arguments", 1, "1"),
    ]


def test_an_id_or_name_that_is_repeated_begins_no_call() -> None:
    events = (
        call(0, "", "c0", "f"),
        call(0, "a", "c0", "f"),
        call(0, "b", "c9"),
        call(0, "c", "", "f"),
    )
    assert [one[0] for one in told(*events)[1:5]] == ["tool", "arguments", "arguments", "arguments"]


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    events = (call(0, {"a": 1}, "", "f"), call(1, "{}", None, "f"))
    first, arguments, second = told(*events)[1:4]
    assert arguments == ("arguments", 0, '{"a":1}')
    assert first[2].startswith("call_")
    assert first[2] != second[2]
    assert told(*events)[1] == first


def test_a_call_of_a_tool_that_was_insisted_on_stops_for_it() -> None:
    assert told(call(0, "{}", "c", "f"), chunk({}, "stop"))[-2] == ("stop", Stop.TOOLS, None)


def test_a_refusal_stops_as_one() -> None:
    assert told(chunk({"refusal": "no"}), chunk({}, "stop"))[1:3] == [
        ("refusal", "no"),
        ("stop", Stop.REFUSED, None),
    ]


def test_the_stop_sequence_that_was_met_is_told() -> None:
    last = chunk({"content": ""}, "stop")
    last["choices"][0]["stop_reason"] = "END"
    assert told(last)[1] == ("stop", Stop.SEQUENCE, "END")


def test_a_reason_with_every_chunk_cuts_nothing_off() -> None:
    assert told(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, "length"))[1:] == [
        ("text", "a"),
        ("text", "b"),
        ("stop", Stop.LENGTH, None),
        ("end",),
    ]


def test_usage_may_come_beside_a_choice_or_without_any() -> None:
    report = {"prompt_tokens": 1}
    events: tuple[dict[str, Any], ...] = (
        {"choices": [], "prompt_filter_results": []},
        {"choices": None, "usage": None},
        {"choices": [{"delta": {}}], "usage": report},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}, {"delta": None}]},
    )
    assert told(*events)[:2] == [("begin", "", None), ("usage", Usage(1))]
    assert len(told(*events)) == 4


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"message": "no"}},
        {"choices": "a"},
        {"choices": [1]},
        {"model": 1},
        chunk({"content": 1}),
        chunk({"content": [1]}),
        chunk({"tool_calls": 1}),
        chunk({"tool_calls": [1]}),
        chunk({"tool_calls": [{"index": 0, "function": None}]}),
        call(0, "{}", "c", None),
        call(0, "{}", "c", 1),
    ],
)
def test_what_is_no_chunk_is_not_of_the_protocol(event: dict[str, Any]) -> None:
    with pytest.raises(NotOfProtocol):
        told(event)


names = (
    "content",
    "tool_calls",
    "function",
    "name",
    "id",
    "index",
    "arguments",
    "thinking",
    "text",
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.lists(st.builds(chunk, anything, anything, usage=anything), max_size=4))
def test_whatever_comes_is_told_or_not_of_the_protocol(events: list[dict[str, Any]]) -> None:
    with suppress(NotOfProtocol):
        told(*events)
