import json
from typing import Any

import pytest

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.errors import error_event, keep_alive
from tokenhub.wire.stream import Part, StreamReader, reader_for


def data(value: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(value).encode()


def named(value: dict[str, Any]) -> bytes:
    return b"event: %b\n%b" % (value["type"].encode(), data(value))


def delta(fields: Any, finish: str | None = None, **more: Any) -> bytes:
    return data({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}], **more})


def chat() -> StreamReader:
    return reader_for(Api.CHAT)


@pytest.mark.parametrize(
    ("event", "part"),
    [
        (delta({"role": "assistant", "content": "", "refusal": None}), Part.OPENING),
        (delta({"role": "assistant", "content": "H"}), Part.CONTENT),
        (delta({"content": "Hi"}), Part.CONTENT),
        (delta({"content": ""}), Part.OPENING),
        (delta({"reasoning_content": "hm"}), Part.CONTENT),
        (delta({"refusal": "no"}), Part.CONTENT),
        (delta({"audio": {"id": "a", "expires_at": 5}}), Part.CONTENT),
        (delta({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]}), Part.CONTENT),
        (delta({}, "stop"), Part.OTHER),
        (delta({"content": "."}, "stop"), Part.CONTENT),
        (delta(None), Part.OPENING),
        (data({"choices": [], "usage": {"prompt_tokens": 1}}), Part.USAGE),
        (data({"choices": [], "usage": None, "prompt_filter_results": []}), Part.OTHER),
        (data({"choices": [{"delta": {}}], "usage": {"prompt_tokens": 1}}), Part.OPENING),
        (data({"choices": None, "usage": {"prompt_tokens": 1}}), Part.OTHER),
        (data({"object": "chat.completion.chunk"}), Part.OTHER),
        (data({"error": {"message": "boom"}}), Part.ERROR),
        (data({"error": {"code": 502}, "choices": [{"delta": {"content": "x"}}]}), Part.ERROR),
        (b"event: error\ndata: boom\n\n", Part.ERROR),
        (b": OPENROUTER PROCESSING\n\n", Part.OPENING),
        (keep_alive(Api.CHAT), Part.OPENING),
        (error_event(Api.CHAT, "c", "m", "r"), Part.ERROR),
    ],
)
def test_each_event_of_a_chat_is_told_apart(event: bytes, part: Part) -> None:
    assert chat().read(event) is part


def test_any_choice_with_content_makes_an_event_content() -> None:
    event = data({"choices": [{"delta": {}}, {"delta": {"content": "b"}}, {"delta": {}}]})
    assert chat().read(event) is Part.CONTENT


def test_the_last_usage_of_a_chat_wins() -> None:
    reader = chat()
    assert reader.usage is None
    reader.read(delta({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": 1}))
    reader.read(
        data({"choices": [{"delta": {}}], "usage": {"prompt_tokens": 5, "completion_tokens": 9}})
    )
    reader.read(delta({"content": "a"}, usage=None))
    assert reader.usage == Usage(5, output_tokens=9)


def test_a_finish_reason_is_noticed() -> None:
    reader = chat()
    reader.read(delta({"content": "a"}))
    assert not reader.finished
    reader.read(delta({}, "length"))
    assert reader.finished


def test_a_stream_of_several_choices_has_finished_with_the_last_one() -> None:
    reader = chat()
    for index in (0, 1):
        reader.read(data({"choices": [{"index": index, "delta": {"content": "a"}}]}))
    finished = []
    for index, finish in ((1, "stop"), (0, "stop"), (1, None)):
        choice = {"index": index, "delta": {}, "finish_reason": finish}
        reader.read(data({"choices": [choice]}))
        finished.append(reader.finished)
    assert finished == [False, True, True]


def test_a_choice_that_begins_after_another_has_finished_is_open() -> None:
    reader = chat()
    finished = []
    for index, finish in ((0, None), (0, "stop"), (1, None), (0, None), (1, "stop"), (1, None)):
        choice = {"index": index, "delta": {"content": "a"}, "finish_reason": finish}
        reader.read(data({"choices": [choice]}))
        finished.append(reader.finished)
    assert finished == [False, True, False, False, True, True]


DONE = b"data: [DONE]\n\n"
STOP = named({"type": "message_stop"})
START = named({"type": "message_start", "message": {"usage": {"input_tokens": 1}}})
USAGE = data({"choices": [], "usage": {"prompt_tokens": 1}})


@pytest.mark.parametrize(
    ("api", "begin", "end"),
    [
        (Api.CHAT, delta({"role": "assistant"}), DONE),
        (Api.COMPLETIONS, data({"choices": [{"text": "a"}]}), DONE),
        (Api.MESSAGES, START, STOP),
        (Api.MESSAGES, named({"type": "content_block_delta", "delta": {"text": "a"}}), STOP),
    ],
)
def test_the_end_of_each_protocol_is_known(api: Api, begin: bytes, end: bytes) -> None:
    reader = reader_for(api)
    reader.read(begin)
    assert reader.read(end) is Part.END


@pytest.mark.parametrize(
    ("api", "events"),
    [
        (Api.CHAT, [DONE]),
        (Api.CHAT, [b": hi\n\n", USAGE, DONE]),
        (Api.COMPLETIONS, [DONE]),
        (Api.MESSAGES, [STOP]),
        (Api.MESSAGES, [named({"type": "ping"}), STOP]),
    ],
)
def test_a_stream_that_is_nothing_but_its_end_is_refused(api: Api, events: list[bytes]) -> None:
    reader = reader_for(api)
    for event in events[:-1]:
        reader.read(event)
    with pytest.raises(NotOfProtocol, match="ends before"):
        reader.read(events[-1])


def test_the_error_of_a_stream_is_kept_for_its_class() -> None:
    reader = chat()
    reader.read(data({"error": {"message": "boom"}}))
    assert json.loads(reader.error) == {"error": {"message": "boom"}}
    reader.read(b"event: error\ndata: plain\n\n")
    assert reader.error == b"plain"


def test_output_that_came_is_estimated() -> None:
    reader = chat()
    assert reader.output_tokens_seen == 0
    for _ in range(100):
        reader.read(delta({"content": " word"}))
    assert 90 <= reader.output_tokens_seen <= 150
    reader.read(delta({"content": "模型" * 50}))
    assert 180 <= reader.output_tokens_seen <= 260


def test_arguments_of_tool_calls_are_output_but_their_ids_are_not() -> None:
    reader = chat()
    call = {
        "index": 0,
        "id": "call_" + "x" * 400,
        "function": {"name": "look", "arguments": "{}" * 50},
    }
    reader.read(delta({"tool_calls": [call]}))
    assert 20 <= reader.output_tokens_seen <= 40


@pytest.mark.parametrize(
    "event", [b"data: <html>\n\n", b"data: [1]\n\n", b'data: "x"\n\n', data({"choices": ["x"]})]
)
def test_data_that_is_not_of_the_chat_protocol_is_refused(event: bytes) -> None:
    with pytest.raises(NotOfProtocol):
        chat().read(event)


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        ({"text": "a", "finish_reason": None}, Part.CONTENT),
        ({"text": "", "finish_reason": None}, Part.OPENING),
        ({"text": "", "finish_reason": "stop"}, Part.OTHER),
    ],
)
def test_each_event_of_a_completion_is_told_apart(choice: dict[str, Any], part: Part) -> None:
    assert reader_for(Api.COMPLETIONS).read(data({"choices": [choice]})) is part


def block_start(**block: Any) -> bytes:
    return named({"type": "content_block_start", "index": 0, "content_block": block})


def block_delta(**fields: Any) -> bytes:
    return named({"type": "content_block_delta", "index": 0, "delta": fields})


@pytest.mark.parametrize(
    ("event", "part"),
    [
        (named({"type": "message_start", "message": {"usage": {"input_tokens": 1}}}), Part.OPENING),
        (named({"type": "message_start"}), Part.OPENING),
        (named({"type": "ping"}), Part.OPENING),
        (block_start(type="text", text=""), Part.OPENING),
        (block_start(type="text", text="a"), Part.CONTENT),
        (block_start(type="thinking", thinking="", signature=""), Part.CONTENT),
        (block_start(type="tool_use", id="t", name="f", input={}), Part.CONTENT),
        (block_delta(type="text_delta", text="a"), Part.CONTENT),
        (block_delta(type="text_delta", text=""), Part.OTHER),
        (block_delta(type="thinking_delta", thinking="hm"), Part.CONTENT),
        (block_delta(type="signature_delta", signature="Eq"), Part.CONTENT),
        (block_delta(type="input_json_delta", partial_json="{"), Part.CONTENT),
        (named({"type": "content_block_stop", "index": 0}), Part.OTHER),
        (named({"type": "message_delta", "delta": {"stop_reason": None}}), Part.OTHER),
        (named({"type": "message_delta"}), Part.OTHER),
        (named({"type": "error", "error": {"type": "overloaded_error"}}), Part.ERROR),
        (data({"type": "error", "error": {"type": "overloaded_error"}}), Part.ERROR),
        (named({"type": "of_a_later_version"}), Part.OTHER),
        (keep_alive(Api.MESSAGES), Part.OPENING),
    ],
)
def test_each_event_of_a_message_is_told_apart(event: bytes, part: Part) -> None:
    assert reader_for(Api.MESSAGES).read(event) is part


def test_the_usage_of_a_message_is_cumulative() -> None:
    reader = reader_for(Api.MESSAGES)
    report = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 1,
    }
    reader.read(named({"type": "message_start", "message": {"usage": report}}))
    assert reader.usage == Usage(140, 100, 10, 20, 1)
    later = {"output_tokens": 25, "input_tokens": None}
    reader.read(named({"type": "message_delta", "delta": {}, "usage": later}))
    assert reader.usage == Usage(140, 100, 10, 20, 25)
    last = {"output_tokens": 40, "input_tokens": 12}
    reader.read(
        named({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last})
    )
    assert reader.usage == Usage(142, 100, 10, 20, 40)
    assert reader.finished


def test_a_signature_is_no_output() -> None:
    reader = reader_for(Api.MESSAGES)
    reader.read(block_delta(type="signature_delta", signature="x" * 4000))
    assert reader.output_tokens_seen == 0


@pytest.mark.parametrize(
    "event",
    [
        b"data: [DONE]\n\n",
        data({"choices": []}),
        data({"type": 5}),
        named({"type": "content_block_delta"}),
        named({"type": "content_block_start"}),
    ],
)
def test_data_that_is_not_of_the_messages_protocol_is_refused(event: bytes) -> None:
    with pytest.raises(NotOfProtocol):
        reader_for(Api.MESSAGES).read(event)
