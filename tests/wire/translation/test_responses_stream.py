from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tokenhub.types import Usage
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.translation.responses_answer import read, write
from tokenhub.wire.translation.responses_stream import ResponsesWriter
from tokenhub.wire.translation.seals import own_seal

PATCH = {"type": "custom", "name": "patch"}
SPAWN = {"type": "function", "name": "spawn"}
AGENTS = {"type": "namespace", "name": "agents", "description": "d", "tools": [SPAWN]}
_event: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_LAST = ("response.completed", "response.incomplete", "response.failed")

Tell = Callable[[ResponsesWriter], None]


def writer(**asked: Any) -> ResponsesWriter:
    begun = ResponsesWriter(Setting("r1", 1_700_000_000, "asked-for", 10, asked))
    begun.begin("m", None)
    return begun


def taken(writer: ResponsesWriter) -> list[dict[str, Any]]:
    """The data of the events, checked: names, numbers, and that OpenAI's SDK takes each."""
    values: list[dict[str, Any]] = []
    for event in EventSplitter().feed(b"".join(writer.take())):
        name, data = data_of(event)
        assert data is not None
        value = orjson.loads(data)
        assert name == value["type"].encode()
        assert value["sequence_number"] == len(values)
        _event.validate_python(value)
        values.append(value)
    return values


def ended(tell: Tell, **asked: Any) -> list[dict[str, Any]]:
    begun = writer(**asked)
    tell(begun)
    begun.end()
    return taken(begun)


def last(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The response at the end, which is also what OpenAI's SDK puts together."""
    response: dict[str, Any] = events[-1]["response"]
    Response.model_validate(response)
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events:
        state.handle_event(_event.validate_python(event))
    if events[-1]["type"] == "response.completed":
        assert state._completed_response is not None
        output = [item.to_dict() for item in state._completed_response.output]
        assert [item["id"] for item in output] == [item["id"] for item in response["output"]]
    return response


def said(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_the_events_of_a_text() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.text("Hel")
        writer.text("")
        writer.text("lo")
        writer.usage(Usage(10, 0, 0, 0, 2))
        writer.stop(Stop.END, None)

    events = ended(tell)
    assert said(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["delta"] for event in events[4:6]] == ["Hel", "lo"]
    assert events[6]["text"] == "Hello"
    assert {event["item_id"] for event in events[3:8]} == {"msg_r1_0"}
    response = last(events)
    assert response["usage"]["output_tokens"] == 2
    assert response["output"] == [events[8]["item"]]
    assert response["id"] == events[0]["response"]["id"] == "resp_r1"
    assert events[0]["response"]["status"] == "in_progress"
    assert events[0]["response"]["output"] == []


def test_the_events_of_thinking_and_its_seal() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.thinking("h")
        writer.thinking("m")
        writer.seal("sealed")

    events = ended(tell)
    assert said(events)[2:-1] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert last(events)["output"] == [
        {
            "id": "rs_r1_0",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "sealed",
        }
    ]


def test_thinking_that_is_not_sealed_gets_a_seal_of_ours() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.thinking("hm")
        writer.text("a")

    begun = writer()
    tell(begun)
    begun.end()
    assert last(taken(begun))["output"][0]["encrypted_content"] == own_seal("hm")
    assert begun.setting.seals == [own_seal("hm")]


def test_a_seal_without_words_and_redacted_thinking_are_reasoning_of_their_own() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.seal("silent")
        writer.thinking("hm")
        writer.seal("dark", redacted=True)
        writer.seal("after")

    output = last(ended(tell))["output"]
    sealed = [item["encrypted_content"] for item in output]
    assert sealed == ["silent", own_seal("hm"), "redacted:dark", "after"]
    assert [len(item["summary"]) for item in output] == [0, 1, 0, 0]


def test_new_thinking_after_a_seal_is_a_new_item() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.thinking("a")
        writer.seal("1")
        writer.thinking("b")
        writer.seal("2")

    output = last(ended(tell))["output"]
    assert [item["summary"][0]["text"] for item in output] == ["a", "b"]


def test_a_refusal_is_a_part_of_the_message() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.text("Well, ")
        writer.refusal("no.")
        writer.text("Sorry.")
        writer.stop(Stop.REFUSED, None)

    events = ended(tell)
    refusal = [event for event in events if event["type"].startswith("response.refusal")]
    assert [event.get("delta", event.get("refusal")) for event in refusal] == ["no.", "no."]
    assert [event["content_index"] for event in refusal] == [1, 1]
    response = last(events)
    assert response["status"] == "completed"
    [message] = response["output"]
    parts = [part.get("text", part.get("refusal")) for part in message["content"]]
    assert parts == ["Well, ", "no.", "Sorry."]


def test_the_events_of_a_call() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.tool(0, "c1", "f")
        writer.arguments(0, '{"a"')
        writer.arguments(0, "")
        writer.arguments(0, ":1}")
        writer.tool_end(0)
        writer.arguments(0, "late")
        writer.tool_end(0)
        writer.stop(Stop.TOOLS, None)

    events = ended(tell)
    assert said(events)[2:-1] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    [call] = last(events)["output"]
    assert (call["call_id"], call["name"], call["arguments"]) == ("c1", "f", '{"a":1}')


def test_calls_that_interleave_are_told_apart_by_their_place() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.text("I call.")
        writer.tool(0, "c0", "f")
        writer.tool(1, "c1", "g")
        writer.arguments(1, "[1")
        writer.arguments(0, "[0")
        writer.arguments(1, "]")
        writer.arguments(0, "]")
        writer.text("Called.")
        writer.stop(Stop.TOOLS, None)

    events = ended(tell)
    deltas = [
        (event["output_index"], event["item_id"], event["delta"])
        for event in events
        if event["type"] == "response.function_call_arguments.delta"
    ]
    assert deltas == [
        (2, "fc_r1_2", "[1"),
        (1, "fc_r1_1", "[0"),
        (2, "fc_r1_2", "]"),
        (1, "fc_r1_1", "]"),
    ]
    output = last(events)["output"]
    assert [item["type"] for item in output] == [
        "message",
        "function_call",
        "function_call",
        "message",
    ]
    assert [item["arguments"] for item in output[1:3]] == ["[0]", "[1]"]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    events = ended(lambda writer: writer.tool(0, "", "f"))
    assert said(events)[3] == "function_call_arguments.delta"
    [call] = last(events)["output"]
    assert (call["arguments"], call["call_id"]) == ("{}", "call_r1_0")


def test_a_custom_tool_is_told_back_with_its_plain_input() -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.tool(0, "c1", "patch")
        writer.arguments(0, '{"input":"*** ')
        writer.arguments(0, 'Begin"}')

    events = ended(tell, tools=[PATCH])
    assert said(events)[2:-1] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert events[3]["delta"] == events[4]["input"] == "*** Begin"
    [call] = last(events)["output"]
    assert (call["type"], call["input"]) == ("custom_tool_call", "*** Begin")


def test_a_custom_tool_without_input_is_told_back_without() -> None:
    events = ended(lambda writer: writer.tool(0, "c1", "patch"), tools=[PATCH])
    assert said(events)[3:-1] == ["custom_tool_call_input.done", "output_item.done"]


def test_a_tool_of_a_namespace_is_told_back_by_its_own_name() -> None:
    events = ended(lambda writer: writer.tool(0, "c1", "agents__spawn"), tools=[AGENTS])
    for item in (events[2]["item"], last(events)["output"][0]):
        assert (item["name"], item["namespace"]) == ("spawn", "agents")


@pytest.mark.parametrize(
    ("stop", "kind", "status"),
    [
        (Stop.END, "response.completed", "completed"),
        (Stop.LENGTH, "response.incomplete", "incomplete"),
        (Stop.CONTEXT, "response.incomplete", "incomplete"),
        (Stop.REFUSED, "response.incomplete", "completed"),
    ],
)
def test_the_last_event_says_how_it_ended(stop: Stop, kind: str, status: str) -> None:
    def tell(writer: ResponsesWriter) -> None:
        writer.text("a")
        writer.stop(stop, None)

    events = ended(tell)
    assert events[-1]["type"] == kind
    assert last(events)["output"][0]["status"] == status


def test_an_empty_answer_is_a_whole_response() -> None:
    events = ended(lambda writer: None)
    assert said(events) == ["created", "in_progress", "completed"]
    assert last(events)["output"] == []
    assert last(events)["usage"] is None


def test_usage_that_is_known_at_the_beginning_counts_until_there_is_more() -> None:
    begun = ResponsesWriter(Setting("r1", 0, "m", 10))
    begun.begin("", Usage(7))
    begun.end()
    response = last(taken(begun))
    assert response["usage"]["input_tokens"] == 7
    assert response["model"] == "m"


def test_a_failure_ends_the_stream_with_what_was_complete() -> None:
    begun = writer()
    begun.thinking("hm")
    begun.seal("s")
    begun.text("a")
    begun.failed("provider_failed", "the provider went away", 502)
    events = taken(begun)
    assert events[-1]["type"] == "response.failed"
    response = last(events)
    assert response["status"] == "failed"
    assert response["error"]["code"] == "server_error"
    assert response["error"]["message"] == "the provider went away"
    assert [item["type"] for item in response["output"]] == ["reasoning"]


def test_a_failure_before_the_beginning_still_has_one() -> None:
    begun = ResponsesWriter(Setting("r1", 0, "m", 10))
    begun.failed("rate_limit_exceeded", "later", 429)
    events = taken(begun)
    assert said(events) == ["created", "failed"]
    assert last(events)["error"] == {"code": "rate_limit_exceeded", "message": "later"}


_TEXTS = st.text(min_size=1, max_size=5)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), _TEXTS),
        st.tuples(st.just("refusal"), _TEXTS),
        st.tuples(st.just("thinking"), _TEXTS),
        st.tuples(st.just("seal"), _TEXTS),
        st.tuples(st.just("tool"), st.just("")),
        st.tuples(st.just("arguments"), _TEXTS),
    ),
    max_size=12,
)


def _play(writer: ResponsesWriter, steps: list[tuple[str, str]], *, letters: bool) -> None:
    """Tell `steps`, with each text in one piece or letter by letter."""
    calls = 0
    for name, text in steps:
        if name == "tool":
            writer.tool(calls, f"c{calls}", f"f{calls}")
            calls += 1
        elif name == "arguments":
            for piece in text if letters else [text]:
                writer.arguments(0, piece)
        elif name == "seal":
            writer.seal(text)
        else:
            for piece in text if letters else [text]:
                getattr(writer, name)(piece)
    writer.stop(Stop.END, None)
    writer.end()


@given(_STEPS)
def test_any_order_and_any_split_gives_whole_items_and_one_result(steps: Any) -> None:
    whole, split = writer(), writer()
    _play(whole, steps, letters=False)
    _play(split, steps, letters=True)
    events = taken(split)
    response = last(events)
    assert response == last(taken(whole))
    added = [e["output_index"] for e in events if e["type"] == "response.output_item.added"]
    done = [e["output_index"] for e in events if e["type"] == "response.output_item.done"]
    assert added == list(range(len(response["output"])))
    assert sorted(done) == added
    assert sum(event["type"] in _LAST for event in events) == 1


@given(_STEPS)
def test_a_stream_and_a_whole_answer_end_in_the_same_response(steps: Any) -> None:
    pieces: list[Any] = []
    told: list[tuple[str, str]] = []
    for name, text in steps:
        if name in ("seal", "arguments"):
            continue
        told.append((name, text))
        if name == "tool":
            count = sum(isinstance(piece, ToolUse) for piece in pieces)
            pieces.append(ToolUse(f"c{count}", f"f{count}", "{}"))
            continue
        kind: Any = {"text": Text, "refusal": Refusal, "thinking": Thinking}[name]
        if pieces and type(pieces[-1]) is kind:
            pieces[-1] = kind(pieces[-1].text + text)
        else:
            pieces.append(kind(text))
    streamed = writer()
    _play(streamed, told, letters=False)
    response = last(taken(streamed))
    answer = orjson.loads(write(Reply("m", pieces), streamed.setting))
    assert response == answer
    assert [type(piece) for piece in read(answer).pieces] == [type(piece) for piece in pieces]
