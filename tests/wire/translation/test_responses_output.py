from dataclasses import replace
from typing import Any

from tokenhub.wire.translation.aim import Aim
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
from tokenhub.wire.translation.responses_input import read_input
from tokenhub.wire.translation.responses_output import input_items, instructions_of
from tokenhub.wire.translation.seals import own_seal

AIM = Aim("gpt", None, lambda seal: Origin.OWN if seal == "own" else Origin.UNKNOWN)
USE = ToolUse("c1", "f", '{"a": 1}')
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}


def items(role: Role, *pieces: Piece) -> list[dict[str, Any]]:
    return input_items([Turn(role, pieces, "here")], AIM)


def output(*content: Any, failed: bool = False) -> Any:
    [item] = items(Role.USER, ToolResult("c1", content, failed))
    return item["output"]


def test_a_single_text_is_plain_text_and_a_system_turn_a_developer_message() -> None:
    turns = [
        Turn(Role.SYSTEM, [Text("s")], ""),
        Turn(Role.USER, [Text("u")], ""),
        Turn(Role.ASSISTANT, [Text("a")], ""),
    ]
    assert input_items(turns, AIM) == [
        {"type": "message", "role": "developer", "content": "s"},
        {"type": "message", "role": "user", "content": "u"},
        {"type": "message", "role": "assistant", "content": "a"},
    ]


def test_only_a_single_text_of_the_system_makes_the_instructions() -> None:
    assert instructions_of([Turn(Role.SYSTEM, [Text("s")], "")]) == "s"
    assert instructions_of([]) is None
    assert instructions_of([Turn(Role.USER, [Text("s")], "")]) is None
    assert instructions_of([Turn(Role.SYSTEM, [Text("s"), Text("t")], "")]) is None
    assert instructions_of([Turn(Role.SYSTEM, [Image("http://x.test")], "")]) is None


def test_a_message_of_several_parts_keeps_their_order() -> None:
    pieces: list[Piece] = [
        Text("see"),
        Image("https://x.test/a.png", detail="low"),
        Image(None, "image/png", "QQ=="),
        File("https://x.test/a.pdf"),
        File(None, "application/pdf", "QQ=="),
        File(text="inside", name="a.txt"),
        File(text="alone"),
    ]
    [message] = items(Role.USER, *pieces)
    assert message["content"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
        {"type": "input_image", "image_url": "data:image/png;base64,QQ==", "detail": "auto"},
        {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        {
            "type": "input_file",
            "filename": "document.pdf",
            "file_data": "data:application/pdf;base64,QQ==",
        },
        {"type": "input_text", "text": "a.txt:\ninside"},
        {"type": "input_text", "text": "alone"},
    ]


def test_what_only_an_answer_can_hold_is_no_part_of_a_question() -> None:
    assert items(Role.USER, Thinking("hm", "own"), Text("a")) == items(Role.USER, Text("a"))


def test_an_image_alone_is_still_a_list() -> None:
    [message] = items(Role.USER, Image("https://x.test/a.png"))
    assert [part["type"] for part in message["content"]] == ["input_image"]


def test_results_and_what_is_said_beside_them_keep_their_order() -> None:
    result = ToolResult("c1", [Text("42")])
    assert [item["type"] for item in items(Role.USER, Text("a"), result, Text("b"))] == [
        "message",
        "function_call_output",
        "message",
    ]


def test_a_result_is_text_where_that_will_do() -> None:
    assert output(Text("42")) == "42"
    assert output() == ""
    assert output(Text("a"), Image("https://x.test/a.png")) == [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"},
    ]


def test_a_failure_is_told_in_words() -> None:
    assert output(Text("no file"), failed=True) == "Error: no file"
    assert output(Text("Error: no file"), failed=True) == "Error: no file"
    assert output(failed=True) == "Error:"
    with_image = output(Image("https://x.test/a.png"), failed=True)
    assert with_image[0] == {"type": "input_text", "text": "Error:"}


def test_ids_that_are_too_long_fit_and_still_belong_together() -> None:
    long = "c" * 100
    [call] = items(Role.ASSISTANT, ToolUse(long, "f", "{}"))
    [result] = items(Role.USER, ToolResult(long, []))
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) <= 64


def test_an_answer_becomes_its_items_in_their_order() -> None:
    pieces: list[Piece] = [Thinking("hm", "own"), Text("a"), Refusal("no"), USE, Text("b")]
    written = items(Role.ASSISTANT, *pieces)
    assert written[0]["encrypted_content"] == "own"
    assert written[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert written[1]["content"] == [
        {"type": "output_text", "text": "a"},
        {"type": "refusal", "refusal": "no"},
    ]
    assert written[2:] == [CALL, {"type": "message", "role": "assistant", "content": "b"}]


def test_a_refusal_alone_is_a_part() -> None:
    [message] = items(Role.ASSISTANT, Refusal("no"))
    assert message["content"] == [{"type": "refusal", "refusal": "no"}]


def test_only_the_providers_own_thinking_goes_back_to_it() -> None:
    first = items(Role.ASSISTANT, Thinking("hm", "own"), Thinking("x", "other"), USE)
    assert first == items(Role.ASSISTANT, Thinking("hm", "own"), USE)
    assert items(Role.ASSISTANT, Thinking("hm", "other"), USE) == [CALL]


def test_sealed_thinking_has_no_id_since_it_is_bound_to_the_one_that_is_lost() -> None:
    [reasoning, _] = items(Role.ASSISTANT, Thinking("hm", "own"), USE)
    assert reasoning == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "own",
    }


def test_thinking_that_nobody_but_us_has_sealed_is_told_in_words() -> None:
    seal = own_seal("hm")
    aim = replace(AIM, origin=lambda one: Origin.OWN if one == seal else Origin.UNKNOWN)
    turn = Turn(Role.ASSISTANT, [Thinking("hm", seal), USE], "")
    summary = [{"type": "summary_text", "text": "hm"}]
    assert input_items([turn], aim) == [{"type": "reasoning", "summary": summary}, CALL]


def test_thinking_without_words_has_no_summary_and_redacted_thinking_says_so() -> None:
    [silent, _] = items(Role.ASSISTANT, Thinking("", "own"), USE)
    [redacted, _] = items(Role.ASSISTANT, Thinking("", "own", redacted=True), USE)
    assert silent["summary"] == []
    assert redacted["encrypted_content"] == "redacted:own"


def test_reasoning_of_which_nothing_came_is_left_out() -> None:
    thinking = Turn(Role.ASSISTANT, [Thinking("hm", "own")], "")
    go_on = Turn(Role.USER, [Text("go on")], "")
    answer = Turn(Role.ASSISTANT, [USE], "")
    types = [item["type"] for item in input_items([thinking, go_on, thinking, answer], AIM)]
    assert types == ["message", "reasoning", "function_call"]


def test_what_is_written_is_read_as_the_same() -> None:
    turns = [
        Turn(Role.USER, [Text("u"), Image("https://x.test/a.png", detail="low")], "input.0"),
        Turn(Role.ASSISTANT, [Thinking("hm", "own"), Text("a"), USE], "input.1"),
        Turn(Role.USER, [ToolResult("c1", [Text("42")])], "input.4"),
    ]
    conversation = Conversation()
    read_input({"input": input_items(turns, AIM)}, conversation)
    assert conversation.turns == turns
