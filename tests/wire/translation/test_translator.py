"""What is said in one protocol means the same in another, and when it comes back."""

import json
from itertools import groupby, permutations
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.listener import Listener
from tokenhub.types import Api, Usage
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.translation import (
    chat_answer,
    chat_request,
    chat_stream,
    messages_answer,
    messages_request,
    messages_stream,
    responses_answer,
    responses_request,
    responses_stream,
    translator,
)
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import (
    Choice,
    Conversation,
    Format,
    Image,
    Origin,
    Piece,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.effort import effort_word
from tokenhub.wire.translation.fields import TRANSLATED, obstacle
from tokenhub.wire.translation.reply import Reply, Setting, Stop, StreamTeller, StreamWriter

PAIRS = list(permutations(TRANSLATED, 2))
# A model that takes a temperature and a budget of thinking.
AIM = Aim("claude-sonnet-4-20250514", None, lambda seal: Origin.UNKNOWN)
SETTING = Setting("r1", 1_700_000_000, "asked-for", 10, {}, include_usage=True)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


WRITE = {
    Api.CHAT: chat_request.write,
    Api.MESSAGES: messages_request.write,
    Api.RESPONSES: responses_request.write,
}
READ_ANSWER = {
    Api.CHAT: chat_answer.read,
    Api.MESSAGES: messages_answer.read,
    Api.RESPONSES: responses_answer.read,
}
WRITE_ANSWER = {
    Api.CHAT: chat_answer.write,
    Api.MESSAGES: messages_answer.write,
    Api.RESPONSES: responses_answer.write,
}
WRITERS: dict[Api, type[StreamWriter]] = {
    Api.CHAT: chat_stream.ChatWriter,
    Api.MESSAGES: messages_stream.MessagesWriter,
    Api.RESPONSES: responses_stream.ResponsesWriter,
}
TELLERS: dict[Api, type[StreamTeller]] = {
    Api.CHAT: chat_stream.ChatTeller,
    Api.MESSAGES: messages_stream.MessagesTeller,
    Api.RESPONSES: responses_stream.ResponsesTeller,
}


# Requests

words = st.text('abc é漢\n"\\{}', min_size=1, max_size=8).map(lambda text: f"<{text}>")
texts = st.lists(st.builds(Text, words), min_size=1, max_size=3)
images = st.builds(Image, st.just("https://x/y.png")) | st.builds(
    Image,
    st.none(),
    st.sampled_from(("image/png", "image/jpeg")),
    st.sampled_from(("AAAA", "BBBB")),
)
# What orjson reads exactly: it reads here. For wider ones see `test_an_integer_beyond_64_bits_…`.
integers = st.integers(-(2**63), 2**64 - 1)
arguments = st.dictionaries(words, integers | words, max_size=2)
NAMES = ("f", "g")


@st.composite
def turns(draw: st.DrawFn) -> list[Turn]:
    """Perhaps a system prompt, then user and assistant in turn; each call is answered."""
    said = []
    if draw(st.booleans()):
        said.append(Turn(Role.SYSTEM, draw(texts), ""))
    results: list[Piece] = []
    for number in range(draw(st.integers(0, 3))):
        asked = draw(texts if not results else st.just([]) | texts)
        said.append(Turn(Role.USER, [*results, *asked, *draw(st.lists(images, max_size=2))], ""))
        names = draw(st.lists(st.sampled_from(NAMES), max_size=3))
        uses = [
            ToolUse(f"call_{number}_{i}", name, json.dumps(draw(arguments)))
            for i, name in enumerate(names)
        ]
        spoken = draw(texts) if not uses else draw(st.just([]) | texts)
        said.append(Turn(Role.ASSISTANT, [*spoken, *uses], ""))
        results = [ToolResult(use.id, draw(st.just([]) | texts)) for use in uses]
    said.append(Turn(Role.USER, [*results, *draw(texts)], ""))
    return said


tools = [Tool("f", "does f", SCHEMA), Tool("g", None, SCHEMA, strict=True)]
maybe_less = st.none() | st.floats(0, 1)
fields: dict[str, st.SearchStrategy[Any]] = {
    "turns": turns(),
    "max_output_tokens": st.integers(16, 4096),
    "stream": st.booleans(),
    "tools": st.just(tools),
    "choice": st.none() | st.sampled_from(list(Choice)),
    "tool_name": st.just("g"),
    "parallel": st.none() | st.booleans(),
    "format": st.none() | st.just(Format(SCHEMA)),
    "user": st.none() | st.just("user-1"),
}
# Claude models take only one of temperature and top_p.
conversations = st.builds(Conversation, temperature=maybe_less, **fields) | st.builds(
    Conversation, top_p=maybe_less, **fields
)


def meaning(conversation: Conversation) -> Any:
    """What `conversation` says, however it says that."""
    chosen = conversation.choice or Choice.AUTO
    return {
        "turns": [
            (role, *said([piece for turn in run for piece in turn.pieces]))
            for role, run in groupby(conversation.turns, lambda turn: turn.role)
        ],
        "limit": conversation.max_output_tokens,
        "sampling": (_or_1(conversation.temperature), _or_1(conversation.top_p)),
        "stop": list(conversation.stop),
        "stream": conversation.stream,
        "tools": [
            (tool.name, tool.description, tool.parameters, tool.strict is True)
            for tool in conversation.tools
        ],
        "choice": (chosen, conversation.tool_name if chosen is Choice.ONE else None),
        "alone": chosen is not Choice.NONE and conversation.parallel is False,
        "schema": conversation.format.schema if conversation.format else None,
        "user": conversation.user,
    }


def said(pieces: list[Any]) -> list[Any]:
    """The pieces of one side; texts that follow each other are one."""
    held: list[Any] = []
    for is_text, run in groupby(pieces, lambda piece: isinstance(piece, Text)):
        if is_text:
            held.append("\n\n".join(piece.text for piece in run))
            continue
        for piece in run:
            if isinstance(piece, ToolUse):
                held.append((piece.id, piece.name, json.loads(piece.arguments)))
            elif isinstance(piece, ToolResult):
                held.append((piece.id, said(list(piece.content))))
            else:
                held.append((piece.url, piece.media_type, piece.data))
    return held


def _or_1(value: float | None) -> float:
    return 1 if value is None else value


def sent(source: Api, target: Api, conversation: Conversation, body: Any) -> Any:
    """The body of a request of `source` as a provider of `target` gets it."""
    assert obstacle(source, target, body, conversation) is None
    return orjson.loads(translator.write(source, target, conversation, body, AIM).body)


def written(api: Api, conversation: Conversation) -> Any:
    """A client's request, as its protocol has it."""
    return orjson.loads(WRITE[api](conversation, AIM).body)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@given(conversations)
def test_a_conversation_means_the_same_there_and_back(
    one: Api, other: Api, conversation: Conversation
) -> None:
    body = written(one, conversation)
    here = translator.read(one, body)
    assert meaning(here) == meaning(conversation)
    there_body = sent(one, other, here, body)
    there = translator.read(other, there_body)
    assert meaning(there) == meaning(conversation)
    back = translator.read(one, sent(other, one, there, there_body))
    assert meaning(back) == meaning(conversation)


@pytest.mark.parametrize(("one", "other"), [(Api.CHAT, Api.MESSAGES), (Api.MESSAGES, Api.CHAT)])
def test_stop_sequences_go_where_there_are_any(one: Api, other: Api) -> None:
    conversation = Conversation(
        turns=[Turn(Role.USER, [Text("hi")], "")], max_output_tokens=16, stop=["a", "b"]
    )
    body = written(one, conversation)
    there = translator.read(other, sent(one, other, translator.read(one, body), body))
    assert list(there.stop) == ["a", "b"]
    refusal = obstacle(one, Api.RESPONSES, body, conversation)
    assert refusal is not None
    assert refusal.param == ("stop" if one is Api.CHAT else "stop_sequences")


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_an_effort_is_the_same_there_and_back(one: Api, other: Api, effort: str) -> None:
    conversation = Conversation(
        turns=[Turn(Role.USER, [Text("hi")], "")],
        max_output_tokens=64_000,
        reasoning=Reasoning(effort),
    )
    there = translator.read(other, written(other, conversation))
    back = translator.read(one, written(one, there))
    assert back.reasoning is not None
    assert effort_word(back.reasoning) == effort


@pytest.mark.parametrize(
    "images", [[Image("https://x/y.png")], [Image(None, "image/png", "AAAA"), Text("seen")]]
)
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_images_of_a_tool_arrive(one: Api, other: Api, images: list[Any]) -> None:
    conversation = Conversation(
        turns=[
            Turn(Role.USER, [Text("look")], ""),
            Turn(Role.ASSISTANT, [ToolUse("call_1", "f", "{}")], ""),
            Turn(Role.USER, [ToolResult("call_1", images)], ""),
        ],
        max_output_tokens=16,
        tools=tools,
    )
    body = written(one, conversation)
    there = translator.read(other, sent(one, other, translator.read(one, body), body))
    held = [piece for turn in there.turns for piece in turn.pieces]
    held += [inner for piece in held if isinstance(piece, ToolResult) for inner in piece.content]
    arrived = [(p.url, p.media_type, p.data) for p in held if isinstance(p, Image)]
    assert arrived == [(p.url, p.media_type, p.data) for p in images if isinstance(p, Image)]


# Answers


calls = st.lists(st.tuples(st.sampled_from(NAMES), arguments), max_size=3)
usages = st.builds(Usage, st.integers(50, 99), st.integers(0, 50), output_tokens=st.integers(1, 9))


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    made = [
        ToolUse(f"call_{i}", name, json.dumps(given)) for i, (name, given) in enumerate(draw(calls))
    ]
    stop = Stop.TOOLS if made else draw(st.sampled_from((Stop.END, Stop.LENGTH, Stop.REFUSED)))
    spoken = draw(texts) if not made else draw(st.just([]) | texts)
    return Reply(
        "m", [Text("".join(text.text for text in spoken)), *made], stop, None, draw(usages)
    )


def reply_meaning(reply: Reply) -> Any:
    spoken = "".join(piece.text for piece in reply.pieces if isinstance(piece, Text))
    made = [
        (piece.id, piece.name, json.loads(piece.arguments))
        for piece in reply.pieces
        if isinstance(piece, ToolUse)
    ]
    return reply.model, spoken, made, reply.stop, reply.usage


@pytest.mark.parametrize(("one", "other"), PAIRS)
@given(replies())
def test_an_answer_means_the_same_there_and_back(one: Api, other: Api, reply: Reply) -> None:
    here = WRITE_ANSWER[one](reply, SETTING)
    there = translator.answer(one, other, here, orjson.loads(here), SETTING)
    back = translator.answer(other, one, there, orjson.loads(there), SETTING)
    for api, body in ((one, here), (other, there), (one, back)):
        assert reply_meaning(READ_ANSWER[api](orjson.loads(body))) == reply_meaning(reply)


@pytest.mark.parametrize("other", [Api.CHAT, Api.RESPONSES])
def test_an_integer_beyond_64_bits_arrives_exactly(other: Api) -> None:
    body = b"""{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 18446744073709551616}}
    ], "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}}"""
    arrived = translator.answer(Api.MESSAGES, other, body, orjson.loads(body), SETTING)
    assert b"18446744073709551616" in arrived


# Streams


def tell(writer: StreamWriter, reply: Reply, cut: int) -> None:
    """Tell `reply` in parts of `cut` characters; of the calls in turn, as some providers do."""
    writer.begin(reply.model, None)
    uses = [piece for piece in reply.pieces if isinstance(piece, ToolUse)]
    for piece in reply.pieces:
        if isinstance(piece, Text):
            for part in parts(piece.text, cut):
                writer.text(part)
    for index, use in enumerate(uses):
        writer.tool(index, use.id, use.name)
    cuts = [parts(use.arguments, cut) for use in uses]
    for number in range(max(map(len, cuts), default=0)):
        for index, several in enumerate(cuts):
            if number < len(several):
                writer.arguments(index, several[number])
    for index in range(len(uses)):
        writer.tool_end(index)
    writer.stop(reply.stop, None)
    assert reply.usage is not None
    writer.usage(reply.usage)
    writer.end()


def parts(text: str, cut: int) -> list[str]:
    return [text[at : at + cut] for at in range(0, len(text), cut)]


def passed_on(events: list[bytes], spoken: Api, writer: StreamWriter) -> list[bytes]:
    """What `writer` makes of the events of a stream of `spoken`."""
    teller = TELLERS[spoken](writer)
    for event in EventSplitter().feed(b"".join(events)):
        data = data_of(event)[1]
        if data != b"[DONE]":
            teller.event(orjson.loads(data))
    teller.end()
    return writer.take()


def heard(told: list[tuple[Any, ...]]) -> Any:
    """What a listener was told, put together."""
    spoken, ids, given = "", dict[int, Any](), dict[int, str]()
    facts: dict[str, Any] = {}
    for name, *what in told:
        if name == "text":
            spoken += what[0]
        elif name == "tool":
            ids[what[0]] = what[1:]
            given[what[0]] = ""
        elif name == "arguments":
            given[what[0]] += what[1]
        elif what:
            facts[name] = what[0]
    made = [(*ids[index], json.loads(given[index])) for index in sorted(ids)]
    return facts["begin"], spoken, made, facts["stop"], facts["usage"]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@given(replies(), st.integers(1, 4))
def test_a_stream_means_the_same_there_and_back(
    one: Api, other: Api, reply: Reply, cut: int
) -> None:
    first = WRITERS[one](SETTING)
    tell(first, reply, cut)
    there = passed_on(first.take(), one, WRITERS[other](SETTING))
    back = passed_on(there, other, WRITERS[one](SETTING))
    listener = Listener()
    passed_on(back, one, listener)
    assert heard(listener.told) == reply_meaning(reply)
