import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from tokenhub.types import Usage
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.translation.chat_stream import ChatTeller, ChatWriter
from tokenhub.wire.translation.reply import Setting, Stop


def writer(*, include_usage: bool = False, **asked: Any) -> ChatWriter:
    return ChatWriter(Setting("r1", 1_700_000_000, "asked-for", 10, asked, include_usage))


def values(events: Sequence[bytes]) -> list[Any]:
    """The data of `events`, which are whole ones."""
    assert EventSplitter().feed(b"".join(events)) == list(events)
    data = [data_of(event)[1] for event in events]
    return [json.loads(one) if one != b"[DONE]" else "[DONE]" for one in data]


def deltas(*tell: Callable[[ChatWriter], None], **asked: Any) -> list[Any]:
    out = writer(**asked)
    out.begin("m", None)
    out.take()
    for one in tell:
        one(out)
    return [value["choices"][0]["delta"] for value in values(out.take())]


def accumulated(events: Sequence[bytes]) -> Any:
    """What OpenAI's SDK makes of `events`."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    *chunks, done = values(events)
    assert done == "[DONE]"
    for value in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(value, strict=True))
    return state.current_completion_snapshot


def test_a_plain_stream_is_written_chunk_by_chunk() -> None:
    out = writer()
    out.begin("m", Usage(5))
    out.text('a"\n')
    out.usage(Usage(5, output_tokens=1))
    out.stop(Stop.END, None)
    out.end()
    head = {
        "id": "chatcmpl-r1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
    }

    def choice(delta: Any, finish: str | None = None) -> Any:
        fields = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [fields]}

    assert values(out.take()) == [
        choice({"role": "assistant", "content": "", "refusal": None}),
        choice({"content": 'a"\n'}),
        choice({}, "stop"),
        "[DONE]",
    ]
    assert out.take() == []


def test_usage_is_told_to_who_asks_for_it() -> None:
    out = writer(include_usage=True)
    out.begin("", None)
    out.text("a")
    out.usage(Usage(1))
    out.usage(Usage(5, output_tokens=1))
    out.end()
    *chunks, last, _ = values(out.take())
    assert [chunk["usage"] for chunk in chunks] == [None] * 3
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 6
    assert last["model"] == "asked-for"


def test_usage_that_nobody_knows_is_not_made_up() -> None:
    out = writer(include_usage=True)
    out.begin("m", None)
    out.end()
    assert [value["choices"] != [] for value in values(out.take())[:-1]] == [True, True]


def test_thinking_has_its_field_and_its_seal_no_place() -> None:
    assert deltas(lambda out: out.thinking("a"), lambda out: out.seal("s")) == [
        {"reasoning_content": "a"}
    ]


def test_calls_may_interleave_and_always_have_arguments() -> None:
    def tell(out: ChatWriter) -> None:
        out.tool(0, "toolu_1", "f")
        out.tool(1, "x" * 50, "g")
        out.arguments(1, "")
        out.arguments(0, '{"a"')
        out.arguments(0, ":1}")
        out.tool_end(0)
        out.tool_end(1)

    first, second, *parts = [delta["tool_calls"][0] for delta in deltas(tell)]
    assert first == {
        "index": 0,
        "id": "toolu_1",
        "type": "function",
        "function": {"name": "f", "arguments": ""},
    }
    assert len(second["id"]) <= 40
    assert parts == [
        {"index": 0, "function": {"arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": ":1}"}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_a_client_of_functions_gets_one_call_in_their_form() -> None:
    def tell(out: ChatWriter) -> None:
        out.tool(0, "1", "f")
        out.tool(1, "2", "g")
        out.arguments(0, "{}")
        out.arguments(1, "{}")
        out.stop(Stop.TOOLS, None)

    assert deltas(tell, functions=[{"name": "f"}]) == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]


@pytest.mark.parametrize(
    ("stop", "refused", "finish"),
    [
        (Stop.LENGTH, False, "length"),
        (Stop.REFUSED, False, "content_filter"),
        (Stop.REFUSED, True, "stop"),
        (Stop.SEQUENCE, False, "stop"),
    ],
)
def test_the_reason_to_stop_is_written(stop: Stop, refused: bool, finish: str) -> None:
    out = writer()
    out.begin("m", None)
    if refused:
        out.refusal("no")
    out.stop(stop, None)
    out.end()
    said = accumulated(out.take()).choices[0]
    assert (said.finish_reason, said.message.refusal) == (finish, "no" if refused else None)


def test_a_failure_is_what_the_sdk_raises_on() -> None:
    out = writer()
    out.begin("m", None)
    out.take()
    out.failed("upstream_failed", "it broke", 502)
    assert values(out.take())[0]["error"]["message"] == "it broke"


ACTIONS = st.one_of(
    st.tuples(st.just("text"), st.text(min_size=1, max_size=4)),
    st.tuples(st.just("thinking"), st.text(min_size=1, max_size=4)),
    st.tuples(st.just("tool"), st.just("")),
    st.tuples(st.just("arguments"), st.integers(0, 9), st.sampled_from(('{"a"', ":1}", "é"))),
)


@given(st.lists(ACTIONS, max_size=20), st.booleans())
def test_what_is_told_arrives_whole_and_in_order(actions: list[Any], include_usage: bool) -> None:
    out = writer(include_usage=include_usage)
    out.begin("m", None)
    texts = {"text": "", "thinking": ""}
    calls: list[str] = []
    for name, *what in actions:
        if name == "tool":
            out.tool(len(calls), f"call_{len(calls)}", "f")
            calls.append("")
        elif name == "arguments":
            if calls:
                index = what[0] % len(calls)
                out.arguments(index, what[1])
                calls[index] += what[1]
        else:
            getattr(out, name)(what[0])
            texts[name] += what[0]
    for index in range(len(calls)):
        out.tool_end(index)
    out.stop(Stop.END, None)
    out.usage(Usage(1))
    out.end()
    message = accumulated(out.take()).choices[0].message
    assert (message.content or "") == texts["text"]
    assert (message.model_extra or {}).get("reasoning_content", "") == texts["thinking"]
    said = [(one.id, one.function.arguments) for one in message.tool_calls or ()]
    assert said == [(f"call_{i}", one or "{}") for i, one in enumerate(calls)]


def chunk(delta: Any) -> dict[str, Any]:
    return {"id": "x", "model": "m", "choices": [{"index": 0, "delta": delta}]}


def call(index: int, arguments: str = "", id: Any = None, name: Any = None) -> dict[str, Any]:
    part = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return chunk({"tool_calls": [part]})


@given(
    st.lists(st.text(min_size=1, max_size=5), max_size=5),
    st.lists(st.lists(st.sampled_from(('{"a"', ":1", "}")), max_size=3), max_size=3),
    st.randoms(use_true_random=False),
)
def test_the_calls_of_a_stream_are_the_same_in_any_order_of_their_parts(
    texts: list[str], calls: list[list[str]], random: Any
) -> None:
    events = [chunk({"content": text}) for text in texts]
    pending = [
        [call(number, "", f"call_{number}", "f"), *(call(number, part) for part in parts)]
        for number, parts in enumerate(calls)
    ]
    while pending:
        number = random.randrange(len(pending))
        events.append(pending[number].pop(0))
        if not pending[number]:
            pending.pop(number)
    out = writer()
    teller = ChatTeller(out)
    for event in events:
        teller.event(event)
    if not events:
        teller.event(chunk({}))
    teller.end()
    message = accumulated(out.take()).choices[0].message
    assert (message.content or "") == "".join(texts)
    said = sorted((one.id, one.function.arguments) for one in message.tool_calls or ())
    assert said == [(f"call_{i}", "".join(parts) or "{}") for i, parts in enumerate(calls)]
