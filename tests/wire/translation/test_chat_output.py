import json
from typing import Any

import pytest

from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.chat_request import write
from tokenhub.wire.translation.conversation import (
    Conversation,
    File,
    Image,
    Origin,
    Piece,
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


def messages(*said: Turn) -> Any:
    written = write(Conversation(turns=list(said)), Aim("m", None, origin_of))
    return json.loads(written.body)["messages"]


OWN = own_seal("a")


def origin_of(seal: str) -> Origin:
    return Origin.OWN if seal in (OWN, "sealed") else Origin.UNKNOWN


def user(*said: Piece) -> Turn:
    return Turn(Role.USER, said, "messages.0")


def assistant(*said: Piece) -> Turn:
    return Turn(Role.ASSISTANT, said, "messages.0")


def test_a_plain_conversation_is_written_plainly() -> None:
    said = [Turn(Role.SYSTEM, [Text("a"), Text("b")], ""), user(Text("c")), assistant(Text("d"))]
    assert messages(*said) == [
        {"role": "system", "content": "a\n\nb"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
    ]


def test_texts_among_images_stay_apart() -> None:
    image = Image(None, "image/png", "AAAA", "low")
    url = Image("https://x")
    assert messages(user(Text("a"), image, url, Text("b"))) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://x"}},
                {"type": "text", "text": "b"},
            ],
        }
    ]


def test_a_document_of_text_is_text_and_a_pdf_a_file() -> None:
    pdf = File(None, "application/pdf", "BBBB")
    said = user(File(text="t"), File(text="t", name="n"), pdf)
    assert messages(said)[0]["content"] == [
        {"type": "text", "text": "t"},
        {"type": "text", "text": "n:\nt"},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": PDF}},
    ]


def test_all_that_the_assistant_says_in_a_row_is_one_message() -> None:
    said = [
        assistant(Text("a")),
        assistant(ToolUse("1", "f", "")),
        assistant(ToolUse("2", "g", "{}")),
    ]
    assert messages(*said) == [
        {
            "role": "assistant",
            "content": "a",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        }
    ]


def test_only_the_providers_own_thinking_goes_back_to_it() -> None:
    said = assistant(Thinking("a", OWN), Thinking("b", "other"), Thinking("c"), Text("d"))
    assert messages(said) == [{"role": "assistant", "content": "d", "reasoning_content": "a"}]


def test_its_own_thinking_that_it_has_sealed_has_no_place_in_chat() -> None:
    said = assistant(Thinking("a summary", "sealed"), Text("d"))
    assert messages(said) == [{"role": "assistant", "content": "d"}]


def test_a_turn_of_foreign_thinking_alone_is_no_message() -> None:
    assert messages(assistant(Thinking("b", "other")), user(Text("c"))) == [
        {"role": "user", "content": "c"}
    ]


def test_a_refusal_keeps_its_place() -> None:
    assert messages(assistant(Refusal("no"))) == [
        {"role": "assistant", "content": None, "refusal": "no"}
    ]


def test_answers_of_tools_come_before_what_the_user_says() -> None:
    calls = assistant(ToolUse("1", "f", "{}"), ToolUse("2", "f", "{}"))
    said = user(Text("and?"), ToolResult("1", [Text("a"), Text("b")]), ToolResult("2", []))
    assert messages(calls, said)[1:] == [
        {"role": "tool", "tool_call_id": "1", "content": "a\n\nb"},
        {"role": "tool", "tool_call_id": "2", "content": ""},
        {"role": "user", "content": "and?"},
    ]


def test_images_of_tools_follow_all_answers() -> None:
    image = Image("https://x")
    part = {"type": "image_url", "image_url": {"url": "https://x"}}
    said = [user(ToolResult("1", [image])), user(ToolResult("2", [Text("t"), image]))]
    given = [
        {"type": "text", "text": "What the tool call 1 gave:"},
        part,
        {"type": "text", "text": "What the tool call 2 gave:"},
        part,
    ]
    answers = [
        {
            "role": "tool",
            "tool_call_id": "1",
            "content": "The result is in the next message of the user.",
        },
        {"role": "tool", "tool_call_id": "2", "content": "t"},
    ]
    assert messages(*said) == [*answers, {"role": "user", "content": given}]
    text = {"type": "text", "text": "go on"}
    assert messages(*said, user(Text("go on"))) == [
        *answers,
        {"role": "user", "content": [*given, text]},
    ]
    assert messages(*said, assistant(Text("ok")))[2:] == [
        {"role": "user", "content": given},
        {"role": "assistant", "content": "ok"},
    ]


@pytest.mark.parametrize(
    ("text", "content"),
    [("no file", "Error: no file"), ("Error: no file", "Error: no file"), ("", "Error:")],
)
def test_a_failed_call_says_so(text: str, content: str) -> None:
    said = messages(user(ToolResult("1", [Text(text)], failed=True)))
    assert said[0]["content"] == content


def test_an_id_that_is_too_long_becomes_the_same_one_in_call_and_answer() -> None:
    id = "toolu_" + "x" * 50
    call, answer = messages(assistant(ToolUse(id, "f", "{}")), user(ToolResult(id, [])))
    assert call["tool_calls"][0]["id"] == answer["tool_call_id"] != id
    assert len(answer["tool_call_id"]) <= 40
