from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.translation.chat_answer import read, usage_of, write
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.usage import openai_usage

SETTING = Setting("r1", 1_700_000_000, "asked-for", 10)
USAGE = Usage(100, 40, 5, 6, 20, 7)
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def answer(message: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    return {"id": "x", "created": 1, "model": "m", "choices": [choice]}


def written(reply: Reply, **asked: Any) -> ChatCompletion:
    setting = Setting("r1", 1_700_000_000, "asked-for", 10, asked)
    return ChatCompletion.model_validate_json(write(reply, setting), strict=True)


def test_a_plain_answer_is_read() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    value = answer({"role": "assistant", "content": "hi"}) | {"usage": usage}
    assert read(value) == Reply("m", [Text("hi")], Stop.END, None, Usage(3, output_tokens=2))


def test_thinking_comes_first_and_calls_last() -> None:
    message = {"content": "b", "tool_calls": [CALL], "reasoning_content": "a", "refusal": "c"}
    reply = read(answer(message, "tool_calls"))
    call = ToolUse("call_1", "f", '{"a":1}')
    assert reply.pieces == [Thinking("a"), Text("b"), Refusal("c"), call]
    assert reply.stop is Stop.TOOLS


def test_reasoning_and_parts_of_content_are_read_too() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]},
        {"type": "text", "text": "c"},
        {"type": "reference", "reference_ids": [1]},
    ]
    reply = read(answer({"content": content, "reasoning": "a"}))
    assert reply.pieces == [Thinking("a"), Thinking("b"), Text("c")]


def test_arguments_may_come_as_an_object_and_ids_not_at_all() -> None:
    calls = [{"function": {"name": "f", "arguments": {"a": 1}}}, {"function": {"name": "f"}}]
    first, second = read(answer({"tool_calls": calls})).pieces
    assert isinstance(first, ToolUse)
    assert isinstance(second, ToolUse)
    assert (first.arguments, second.arguments) == ('{"a":1}', "")
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert read(answer({"tool_calls": calls})).pieces == [first, second]


@pytest.mark.parametrize(
    ("finish", "message", "stop"),
    [
        ("stop", {}, Stop.END),
        ("length", {}, Stop.LENGTH),
        ("tool_calls", {"tool_calls": [CALL]}, Stop.TOOLS),
        ("stop", {"tool_calls": [CALL]}, Stop.TOOLS),
        ("length", {"tool_calls": [CALL]}, Stop.LENGTH),
        ("tool_calls", {}, Stop.END),
        ("function_call", {"tool_calls": [CALL]}, Stop.TOOLS),
        ("content_filter", {}, Stop.REFUSED),
        ("stop", {"refusal": "no"}, Stop.REFUSED),
        ("eos", {}, Stop.END),
        (None, {}, Stop.END),
        ([], {}, Stop.END),
    ],
)
def test_each_reason_to_stop_is_read(finish: Any, message: Any, stop: Stop) -> None:
    assert read(answer(message, finish)).stop is stop


@pytest.mark.parametrize(
    ("met", "stop", "sequence"),
    [("END", Stop.SEQUENCE, "END"), (151645, Stop.END, None), ("", Stop.END, None)],
)
def test_the_stop_sequence_that_was_met_is_read(met: Any, stop: Stop, sequence: str | None) -> None:
    reply = read(answer({"content": "a"}, "stop", stop_reason=met))
    assert (reply.stop, reply.sequence) == (stop, sequence)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"choices": []},
        {"choices": [1]},
        {"choices": [{}]},
        answer("hi"),
        answer({"content": 1}),
        answer({"content": [1]}),
        answer({"tool_calls": {}}),
        answer({"tool_calls": [1]}),
        answer({"tool_calls": [{}]}),
        answer({"tool_calls": [{"function": {"name": ""}}]}),
        answer({"content": "a"}) | {"model": 1},
    ],
)
def test_what_is_no_answer_is_not_of_the_protocol(value: dict[str, Any]) -> None:
    with pytest.raises(NotOfProtocol):
        read(value)


def test_arguments_that_are_too_deep_are_not_of_the_protocol() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(NotOfProtocol):
        read(answer({"tool_calls": [{"function": {"name": "f", "arguments": deep}}]}))


def test_a_plain_answer_is_written_whole() -> None:
    assert orjson.loads(write(Reply("m", [Text("hi")], usage=USAGE), SETTING)) == {
        "id": "chatcmpl-r1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 11},
            "completion_tokens_details": {"reasoning_tokens": 7},
        },
    }


def test_all_that_a_reply_may_hold_is_written() -> None:
    pieces: list[Any] = [
        Thinking("a", "seal"),
        Text("b"),
        Thinking("", "secret", redacted=True),
        Text("c"),
        ToolUse("toolu_1", "f", '{"a":1}'),
        ToolUse("x" * 50, "g", ""),
    ]
    message = written(Reply("", pieces, Stop.TOOLS)).choices[0].message
    assert message.model_extra == {"reasoning_content": "a"}
    assert message.content == "bc"
    one, two = (call.to_dict() for call in message.tool_calls or ())
    assert one == {
        "id": "toolu_1",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a":1}'},
    }
    assert two["function"] == {"name": "g", "arguments": "{}"}
    assert len(str(two["id"])) <= 40


@pytest.mark.parametrize(
    ("pieces", "content"),
    [([], ""), ([ToolUse("1", "f", "{}")], None), ([Refusal("no")], None)],
)
def test_an_answer_without_text_has_none(pieces: list[Any], content: str | None) -> None:
    assert written(Reply("m", pieces)).choices[0].message.content == content


def test_without_a_name_from_the_provider_the_model_is_ours() -> None:
    said = written(Reply())
    assert said.model == "asked-for"
    assert said.usage is None


@pytest.mark.parametrize(
    ("stop", "pieces", "finish"),
    [
        (Stop.END, [], "stop"),
        (Stop.LENGTH, [], "length"),
        (Stop.TOOLS, [], "tool_calls"),
        (Stop.SEQUENCE, [], "stop"),
        (Stop.REFUSED, [], "content_filter"),
        (Stop.REFUSED, [Refusal("no")], "stop"),
        (Stop.PAUSED, [], "stop"),
        (Stop.CONTEXT, [], "length"),
    ],
)
def test_each_reason_to_stop_is_written(stop: Stop, pieces: list[Any], finish: str) -> None:
    assert written(Reply("m", pieces, stop)).choices[0].finish_reason == finish


def test_a_client_of_functions_gets_the_call_in_their_form() -> None:
    reply = Reply("m", [ToolUse("1", "f", "{}")], Stop.TOOLS)
    choice = written(reply, functions=[{"name": "f"}]).choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    assert choice.message.function_call.name == "f"
    assert choice.message.tool_calls is None


def test_usage_that_is_written_is_read_again() -> None:
    assert openai_usage(usage_of(USAGE)) == Usage(100, 40, 11, 0, 20, 7)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("content", "text", "thinking", "function", "name", "arguments", "id")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
message = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("content", "tool_calls", "refusal", "reasoning"), anything)
)


@given(message, anything, anything)
def test_whatever_a_provider_sends_is_read_or_not_of_the_protocol(
    message: Any, finish: Any, met: Any
) -> None:
    with suppress(NotOfProtocol):
        written(read(answer(message, finish, stop_reason=met)))


some_text = st.text(min_size=1)
ids = st.from_regex(r"call_[a-z]{1,9}", fullmatch=True)


@given(
    st.lists(st.builds(Thinking, some_text), max_size=1),
    st.lists(st.builds(Text, some_text), max_size=1),
    st.lists(st.builds(ToolUse, ids, st.just("f"), st.just("{}")), max_size=3),
    st.none() | st.just(Usage(9, 3, 2, 0, 5, 1)),
)
def test_what_is_written_is_read_again(
    thoughts: list[Thinking], texts: list[Text], calls: list[ToolUse], usage: Usage | None
) -> None:
    stop = Stop.TOOLS if calls else Stop.END
    reply = Reply("m", [*thoughts, *texts, *calls], stop, None, usage)
    assert read(orjson.loads(write(reply, SETTING))) == reply
