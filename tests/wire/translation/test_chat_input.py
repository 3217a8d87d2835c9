from typing import Any

import pytest

from tokenhub.errors import BadRequest
from tokenhub.wire.translation.chat_request import read
from tokenhub.wire.translation.conversation import (
    File,
    Image,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.seals import own_seal

PNG = "data:image/png;base64,AAAA"
PDF = "data:application/pdf;base64,BBBB"
BAD_TEXT = "data:text/plain;base64,/w=="
CACHE = {"type": "ephemeral"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def turns(*messages: Any) -> list[Turn]:
    return read({"messages": list(messages)}).turns


def pieces(message: Any) -> Any:
    return turns(message)[-1].pieces


def test_each_message_is_a_turn_that_knows_its_place() -> None:
    assert turns(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
    ) == [
        Turn(Role.SYSTEM, [Text("a")], "messages.0"),
        Turn(Role.SYSTEM, [Text("b")], "messages.1"),
        Turn(Role.USER, [Text("c")], "messages.2"),
        Turn(Role.ASSISTANT, [Text("d")], "messages.3"),
    ]


def test_a_user_says_texts_images_and_files() -> None:
    content = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": PDF}},
    ]
    assert pieces({"role": "user", "content": content}) == [
        Text("look"),
        Image("https://x/y.png", detail="low"),
        Image(None, "image/png", "AAAA"),
        File(None, "application/pdf", "BBBB", name="a.pdf"),
        File(None, "application/pdf", "BBBB"),
    ]


def test_a_file_of_text_is_read_as_text() -> None:
    file = {"file_data": "data:text/plain;base64,aGk=", "filename": "a.txt"}
    content = [{"type": "file", "file": file}]
    assert pieces({"role": "user", "content": content}) == [File(text="hi", name="a.txt")]


@pytest.mark.parametrize(("detail", "hints"), [("low", ["image_detail"]), ("auto", []), (None, [])])
def test_the_detail_of_an_image_is_a_hint(detail: str | None, hints: list[str]) -> None:
    part = {"type": "image_url", "image_url": {"url": PNG, "detail": detail}}
    conversation = read({"messages": [{"role": "user", "content": [part]}]})
    assert list(conversation.hints) == hints


def test_an_empty_text_is_nothing() -> None:
    parts = [{"type": "text", "text": ""}]
    assert pieces({"role": "user", "content": ""}) == []
    assert pieces({"role": "user", "content": parts}) == []
    assert pieces({"role": "assistant", "content": "", "tool_calls": [CALL]}) == [
        ToolUse("call_1", "f", "{}")
    ]


def test_an_assistant_thinks_speaks_refuses_and_calls() -> None:
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}],
        "refusal": "c",
        "tool_calls": [CALL],
    }
    assert pieces(message) == [
        Thinking("hm", own_seal("hm")),
        Text("a"),
        Refusal("b"),
        Refusal("c"),
        ToolUse("call_1", "f", "{}"),
    ]


def test_reasoning_goes_by_another_name_too() -> None:
    message = {"role": "assistant", "content": "a", "reasoning": "hm"}
    assert pieces(message)[0] == Thinking("hm", own_seal("hm"))


def test_an_assistant_may_say_nothing() -> None:
    assert pieces({"role": "assistant", "content": None}) == []


def test_what_a_tool_gave_is_the_users() -> None:
    message = {"role": "tool", "tool_call_id": "call_1", "content": "18", "name": "f"}
    conversation = read({"messages": [message]})
    assert conversation.turns == [
        Turn(Role.USER, [ToolResult("call_1", [Text("18")])], "messages.0")
    ]
    assert conversation.missed == []


def test_a_function_message_answers_the_last_call_of_its_name() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "1"}}
    said = turns(call, {"role": "function", "name": "f", "content": "2"}, call)
    use, result, again = (turn.pieces[0] for turn in said)
    assert use == ToolUse("call_messages_0", "f", "1")
    assert result == ToolResult("call_messages_0", [Text("2")])
    assert again == ToolUse("call_messages_2", "f", "1")


def test_cache_control_is_kept_where_clients_put_it() -> None:
    part = {"type": "text", "text": "a", "cache_control": CACHE}
    assert pieces({"role": "user", "content": [part]}) == [Text("a", CACHE)]
    assert pieces({"role": "system", "content": "a", "cache_control": CACHE}) == [Text("a", CACHE)]


def test_a_participants_name_is_missed() -> None:
    said = [{"role": "user", "content": "hi", "name": "Ann"}]
    assert read({"messages": said}).missed == ["messages.0.name"]


@pytest.mark.parametrize(
    ("message", "feature", "where"),
    [
        ({"content": [{"type": "input_audio"}]}, "audio", "messages.0.content.0"),
        ({"content": [{"type": "video_url"}]}, "unknown_content", "messages.0.content.0"),
        (
            {"content": [{"type": "file", "file": {"file_id": "f"}}]},
            "file_id",
            "messages.0.content.0.file.file_id",
        ),
        ({"role": "assistant", "audio": {"id": "a"}}, "audio", "messages.0.audio"),
        (
            {"role": "assistant", "tool_calls": [{"type": "custom", "id": "c"}]},
            "custom_tool",
            "messages.0.tool_calls.0",
        ),
    ],
)
def test_what_others_cannot_say_is_noted_where_it_stands(
    message: dict[str, Any], feature: str, where: str
) -> None:
    conversation = read({"messages": [{"role": "user", "content": None} | message]})
    assert conversation.uses == {feature: where}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ([], "messages.0"),
        ({}, "messages.0.role"),
        ({"role": "robot"}, "messages.0.role"),
        ({"role": []}, "messages.0.role"),
        ({"role": "user"}, "messages.0.content"),
        ({"role": "user", "content": 1}, "messages.0.content"),
        ({"role": "user", "content": ["a"]}, "messages.0.content.0"),
        ({"role": "user", "content": [{}]}, "messages.0.content.0.type"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages.0.content.0.text"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://x"}]},
            "messages.0.content.0.image_url",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "messages.0.content.0.image_url.url",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_data": "x"}}]},
            "messages.0.content.0.file.file_data",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_data": BAD_TEXT}}]},
            "messages.0.content.0.file.file_data",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {}}]},
            "messages.0.content.0.file.file_id",
        ),
        ({"role": "tool", "content": "a"}, "messages.0.tool_call_id"),
        ({"role": "function", "name": "f", "content": "a"}, "messages.0.name"),
        ({"role": "assistant", "tool_calls": {}}, "messages.0.tool_calls"),
        ({"role": "assistant", "tool_calls": [1]}, "messages.0.tool_calls.0"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages.0.tool_calls.0.function"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "1"}}]},
            "messages.0.tool_calls.0.id",
        ),
        ({"role": "assistant", "function_call": {}}, "messages.0.function_call.name"),
        ({"role": "assistant", "refusal": 1}, "messages.0.refusal"),
    ],
)
def test_a_wrong_message_is_refused_by_name(message: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read({"messages": [message]})
    assert caught.value.param == param


@pytest.mark.parametrize("given", [None, [], {}, "hi"])
def test_there_must_be_messages(given: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        read({"messages": given})
    assert caught.value.param == "messages"
