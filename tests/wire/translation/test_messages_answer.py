from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.samples import nested
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.messages_answer import read, usage_of, write
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.translation.seals import own_seal
from tokenhub.wire.usage import anthropic_usage

SETTING = Setting("r1", 0, "asked-for", 12)
ANSWER: Mapping[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 4},
}


def written(reply: Reply) -> Any:
    """The answer as JSON, after the SDK has taken it."""
    body = write(reply, SETTING)
    Message.model_validate_json(body, strict=True)
    return orjson.loads(body)


def test_an_answer_is_read() -> None:
    assert read(ANSWER) == Reply(
        model="claude-opus-4-5",
        pieces=[Text("Hi")],
        stop=Stop.END,
        usage=Usage(7, cached_input_tokens=4, output_tokens=2),
    )


def test_every_block_is_read_and_those_of_other_tools_are_not() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "t", "name": "f"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    ]

    assert read({"content": content}).pieces == [
        Thinking("hm", "s"),
        Thinking("", "d", redacted=True),
        ToolUse("t", "f", '{"a":1}'),
        ToolUse("t", "f", "{}"),
    ]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", Stop.END),
        ("max_tokens", Stop.LENGTH),
        ("tool_use", Stop.TOOLS),
        ("refusal", Stop.REFUSED),
        ("pause_turn", Stop.PAUSED),
        ("model_context_window_exceeded", Stop.CONTEXT),
        ("something new", Stop.END),
        (None, Stop.END),
        (["end_turn"], Stop.END),
    ],
)
def test_every_stop_reason_is_read(reason: Any, stop: Stop) -> None:
    assert read({**ANSWER, "stop_reason": reason}).stop is stop


def test_the_stop_sequence_is_read() -> None:
    reply = read({**ANSWER, "stop_reason": "stop_sequence", "stop_sequence": "END"})

    assert (reply.stop, reply.sequence) == (Stop.SEQUENCE, "END")


def test_the_explanation_of_a_refusal_is_its_words() -> None:
    details = {"type": "refusal", "category": None, "explanation": "Not this."}

    reply = read({**ANSWER, "content": [], "stop_reason": "refusal", "stop_details": details})

    assert reply.pieces == [Refusal("Not this.")]
    assert read({**ANSWER, "stop_details": {"explanation": None}}).pieces == [Text("Hi")]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"content": "Hi"},
        {"content": ["Hi"]},
        {"content": [{"type": "text", "text": 1}]},
        {"content": [], "model": 1},
        {"content": [{"type": "tool_use", "input": nested(900)}]},
    ],
)
def test_what_is_no_answer_is_not_of_the_protocol(answer: Any) -> None:
    with pytest.raises(NotOfProtocol):
        read(answer)


def test_an_answer_is_written_as_the_sdk_wants_it() -> None:
    assert written(Reply("gpt-5", [Text("Hi"), Text("")], usage=Usage(3, output_tokens=2))) == {
        "id": "msg_r1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-5",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 2,
        },
    }


def test_an_empty_answer_has_no_blocks_and_the_name_that_was_asked_for() -> None:
    body = written(Reply())

    assert body["content"] == []
    assert body["model"] == "asked-for"


def test_calls_and_thinking_are_written() -> None:
    body = written(
        Reply(
            pieces=[
                Thinking("hm", "s"),
                Thinking("", "d", redacted=True),
                Thinking("unsealed"),
                ToolUse("call_1", "f", '{"a":1}'),
                ToolUse("", "g", '{"cut'),
            ],
            stop=Stop.TOOLS,
        )
    )

    assert body["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "thinking", "thinking": "unsealed", "signature": own_seal("unsealed")},
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_r1_4", "name": "g", "input": {"arguments": '{"cut'}},
    ]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(stop=Stop.END), "end_turn"),
        (Reply(stop=Stop.LENGTH), "max_tokens"),
        (Reply(stop=Stop.LENGTH, pieces=[ToolUse("t", "f", "{")]), "max_tokens"),
        (Reply(stop=Stop.SEQUENCE), "stop_sequence"),
        (Reply(stop=Stop.REFUSED), "refusal"),
        (Reply(stop=Stop.PAUSED), "pause_turn"),
        (Reply(stop=Stop.CONTEXT), "model_context_window_exceeded"),
        (Reply(stop=Stop.TOOLS), "end_turn"),
        (Reply(stop=Stop.TOOLS, pieces=[ToolUse("t", "f", "{}")]), "tool_use"),
        (Reply(stop=Stop.END, pieces=[ToolUse("t", "f", "{}")]), "tool_use"),
        (Reply(stop=Stop.END, pieces=[Refusal("No.")]), "refusal"),
    ],
)
def test_every_stop_is_written_as_the_content_bears_it_out(reply: Reply, reason: str) -> None:
    body = written(reply)

    assert body["stop_reason"] == reason
    assert (body["stop_details"] is not None) == (reason == "refusal")


def test_a_refusal_is_text() -> None:
    assert written(Reply(pieces=[Refusal("No.")]))["content"] == [{"type": "text", "text": "No."}]


def test_the_stop_sequence_is_written() -> None:
    assert written(Reply(stop=Stop.SEQUENCE, sequence="END"))["stop_sequence"] == "END"
    assert written(Reply(stop=Stop.END, sequence="END"))["stop_sequence"] is None


def test_without_a_report_the_tokens_are_estimated() -> None:
    said = Text("Some words in an answer.")
    usage = written(Reply(pieces=[said]))["usage"]
    more = written(Reply(pieces=[said, ToolUse("t", "f", '{"place":"Lissabon"}')]))["usage"]

    assert usage["input_tokens"] == 12
    assert 2 < usage["output_tokens"] < more["output_tokens"]


COUNT = st.integers(0, 10**6)


@given(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
def test_each_token_is_reported_once(
    new: int, read_: int, brief: int, long: int, thought: int, said: int
) -> None:
    usage = Usage(new + read_ + brief + long, read_, brief, long, said + thought, thought)

    assert anthropic_usage(usage_of(usage)) == usage
