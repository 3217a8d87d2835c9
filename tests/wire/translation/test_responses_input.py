from typing import Any

import orjson
import pytest

from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire.body import parse
from tokenhub.wire.thinking import hash_of, seals_in
from tokenhub.wire.translation.conversation import (
    Conversation,
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
from tokenhub.wire.translation.responses_input import read_input

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
USE = ToolUse("c1", "f", "{}")
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "42"}
HELLO = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}


def read(*items: Any, **more: Any) -> Conversation:
    conversation = Conversation()
    read_input({"input": list(items), **more}, conversation)
    return conversation


def pieces(*items: Any) -> list[Any]:
    return [piece for turn in read(*items).turns for piece in turn.pieces]


def user(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}


def test_a_text_is_a_turn_of_the_user_after_the_instructions() -> None:
    conversation = Conversation()
    read_input({"instructions": "Be brief.", "input": "Hi"}, conversation)
    assert conversation.turns == [
        Turn(Role.SYSTEM, [Text("Be brief.")], "instructions"),
        Turn(Role.USER, [Text("Hi")], "input"),
    ]


def test_messages_in_the_easy_and_the_full_form() -> None:
    turns = read(
        {"role": "developer", "content": "d"},
        {"role": "system", "content": "s"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "u"}]},
        {"id": "msg_1", "status": "completed", **HELLO},
    ).turns
    assert turns == [
        Turn(Role.SYSTEM, [Text("d")], "input.0"),
        Turn(Role.SYSTEM, [Text("s")], "input.1"),
        Turn(Role.USER, [Text("u")], "input.2"),
        Turn(Role.ASSISTANT, [Text("hi")], "input.3"),
    ]


def test_an_empty_text_is_nothing() -> None:
    assert pieces({"role": "user", "content": ""}, user({"type": "input_text", "text": ""})) == []


def test_the_items_of_an_answer_become_one_turn_and_so_do_the_results() -> None:
    reasoning = {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    other = CALL | {"call_id": "c2"}
    turns = read(reasoning, HELLO, CALL, other, RESULT, RESULT | {"call_id": "c2"}, HELLO).turns
    assert turns == [
        Turn(
            Role.ASSISTANT,
            [Thinking("", "sealed"), Text("hi"), USE, ToolUse("c2", "f", "{}")],
            "input.0",
        ),
        Turn(
            Role.USER,
            [ToolResult("c1", [Text("42")]), ToolResult("c2", [Text("42")])],
            "input.4",
        ),
        Turn(Role.ASSISTANT, [Text("hi")], "input.6"),
    ]


def test_after_a_text_without_a_call_a_new_answer_begins() -> None:
    assert [turn.where for turn in read(HELLO, HELLO, CALL).turns] == ["input.0", "input.1"]


def test_a_text_behind_a_call_stays_with_it_so_that_the_result_can_follow_the_call() -> None:
    assert [turn.where for turn in read(CALL, HELLO, RESULT).turns] == ["input.0", "input.2"]


def test_a_message_of_the_user_stands_between_two_turns_of_results() -> None:
    turns = read(CALL, RESULT, {"role": "user", "content": "wait"}, RESULT).turns
    assert [turn.where for turn in turns] == ["input.0", "input.1", "input.2", "input.3"]


@pytest.mark.parametrize(
    ("item", "thinking"),
    [
        (
            {"summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "s"},
            Thinking("a", "s"),
        ),
        (
            {"summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": "s"},
            Thinking("a\n\nb", "s"),
        ),
        (
            {"summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]},
            Thinking("raw"),
        ),
        (
            {"summary": [{"text": "a"}], "encrypted_content": None, "content": None},
            Thinking("a"),
        ),
        ({"encrypted_content": "redacted:s"}, Thinking("", "s", redacted=True)),
    ],
)
def test_reasoning_keeps_its_text_and_seal(item: Any, thinking: Thinking) -> None:
    assert pieces({"type": "reasoning", **item}) == [thinking]


def test_a_seal_is_the_one_by_which_its_maker_is_remembered() -> None:
    sealed = ["plain", "redacted:dark"]
    items = [{"type": "reasoning", "summary": [], "encrypted_content": seal} for seal in sealed]
    body = orjson.dumps({"input": items})
    known = [seal.hash for seal in seals_in(Api.RESPONSES, parse(body))]
    assert known == [hash_of(piece.seal) for piece in pieces(*items)]


def test_reasoning_that_says_nothing_is_nothing() -> None:
    assert read({"type": "reasoning", "summary": []}).turns == []


def test_a_refusal_stays_one() -> None:
    item = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert pieces(item) == [Refusal("No.")]


def test_a_call_is_known_by_the_joined_name_of_its_namespace() -> None:
    assert pieces(CALL | {"namespace": "agents"}) == [ToolUse("c1", "agents__f", "{}")]


def test_a_custom_call_and_its_output_are_those_of_its_function() -> None:
    call = {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": '*** "x"'}
    output = {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}
    assert pieces(call, output) == [
        ToolUse("c", "patch", '{"input":"*** \\"x\\""}'),
        ToolResult("c", [Text("done")]),
    ]


def test_an_output_may_be_a_list_with_images_and_files() -> None:
    output = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "https://x.test/a.png"},
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": "data:application/pdf;base64,QQ==",
        },
    ]
    assert pieces(RESULT | {"output": output}) == [
        ToolResult(
            "c1",
            [
                Text("see"),
                Image("https://x.test/a.png"),
                File(None, "application/pdf", "QQ==", name="a.pdf"),
            ],
        )
    ]


def test_images_by_address_and_as_data_keep_their_detail() -> None:
    assert pieces(
        user(
            {"type": "input_image", "image_url": "http://x.test/a.png", "detail": "low"},
            {"type": "input_image", "image_url": "data:image/png;base64,QQ=="},
        )
    ) == [Image("http://x.test/a.png", detail="low"), Image(None, "image/png", "QQ==")]


def test_a_file_by_address_needs_a_protocol_that_has_such() -> None:
    conversation = read(user({"type": "input_file", "file_url": "https://x.test/a.pdf"}))
    assert conversation.turns[0].pieces == [File("https://x.test/a.pdf")]
    assert conversation.uses == {"file_url": "input.0.content.0.file_url"}


def test_a_file_of_text_is_text() -> None:
    file = {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,SGk="}
    assert pieces(user(file)) == [File(text="Hi", name="a.txt")]


def test_a_file_of_another_type_needs_a_protocol_that_takes_it() -> None:
    file = {"type": "input_file", "filename": "a.doc", "file_data": "data:application/x;base64,QQ"}
    assert read(user(file)).uses == {"file_type": "input.0.content.0.file_data"}


@pytest.mark.parametrize("kind", ["input_image", "input_file"])
def test_what_is_named_by_a_file_id_is_known_to_one_provider_only(kind: str) -> None:
    conversation = read(user({"type": kind, "file_id": "file-1"}))
    assert conversation.uses == {"file_id": "input.0.content.0.file_id"}
    assert conversation.turns[0].pieces == []


def test_a_part_of_an_unknown_type_is_named() -> None:
    conversation = read({"role": "user", "content": "x"}, user({"type": "input_audio"}))
    assert conversation.uses == {"unknown_content": "input.1.content.0"}


@pytest.mark.parametrize(
    ("item", "where"),
    [
        ({"type": "web_search_call", "id": "ws_1"}, "input.0 (web_search_call)"),
        ({"type": "local_shell_call"}, "input.0 (local_shell_call)"),
        ({"type": "from the future"}, "input.0.type"),
    ],
)
def test_an_item_that_only_its_own_provider_knows_is_named(item: Any, where: str) -> None:
    assert read(item).uses == {"server_item": where}


@pytest.mark.parametrize("item", [{"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}])
def test_a_reference_to_an_item_is_named(item: Any) -> None:
    assert read(item).uses == {"item_reference": "input.0 (item_reference)"}


def test_an_item_that_offers_tools_says_nothing() -> None:
    assert read({"type": "additional_tools", "role": "developer", "tools": []}).turns == []


@pytest.mark.parametrize(
    ("value", "param"),
    [
        (None, "input"),
        ("", "input"),
        ([], "input"),
        ({}, "input"),
        (7, "input"),
        (["x"], "input.0"),
        ([{"type": 1}], "input.0.type"),
        ([{"role": "critic", "content": "x"}], "input.0.role"),
        ([{"type": "message", "content": "x"}], "input.0.role"),
        ([{"role": "user"}], "input.0.content"),
        ([user(1)], "input.0.content.0"),
        ([user({})], "input.0.content.0.type"),
        ([user({"type": "input_text"})], "input.0.content.0.text"),
        ([user({"type": "input_image"})], "input.0.content.0.file_id"),
        ([user({"type": "input_image", "image_url": {}})], "input.0.content.0.image_url"),
        ([user({"type": "input_image", "image_url": "a.png"})], "input.0.content.0.image_url"),
        ([user({"type": "input_file", "file_data": "QQ=="})], "input.0.content.0.file_data"),
        (
            [user({"type": "input_file", "file_data": "data:text/plain;base64,/w=="})],
            "input.0.content.0.file_data",
        ),
        ([{"type": "reasoning", "summary": 1}], "input.0.summary"),
        ([{"type": "reasoning", "summary": [1]}], "input.0.summary.0"),
        ([{"type": "reasoning", "summary": [{}]}], "input.0.summary.0.text"),
        ([{"type": "reasoning", "encrypted_content": 1}], "input.0.encrypted_content"),
        ([CALL | {"arguments": {}}], "input.0.arguments"),
        ([CALL | {"call_id": None}], "input.0.call_id"),
        ([CALL | {"namespace": 1}], "input.0.namespace"),
        ([RESULT | {"output": {}}], "input.0.output"),
        ([RESULT | {"call_id": 1}], "input.0.call_id"),
    ],
)
def test_a_wrong_shape_is_named(value: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_input({"input": value}, Conversation())
    assert caught.value.param == param
