from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tokenhub.wire.translation.messages_input import turns_of
from tokenhub.wire.translation.messages_output import Prompt, prompt_of

CACHE = {"type": "ephemeral"}


def turn(role: Role, *pieces: Piece | str) -> Turn:
    said = [Text(piece) if isinstance(piece, str) else piece for piece in pieces]
    return Turn(role, said, "messages.7")


def user(*pieces: Piece | str) -> Turn:
    return turn(Role.USER, *pieces)


def assistant(*pieces: Piece | str) -> Turn:
    return turn(Role.ASSISTANT, *pieces)


def system(*pieces: Piece | str) -> Turn:
    return turn(Role.SYSTEM, *pieces)


def origin(seal: str) -> Origin:
    return Origin.OWN if seal.startswith("own") else Origin.UNKNOWN


def prompt(*turns: Turn, system_turns: bool = False) -> Prompt:
    return prompt_of(turns, origin, system_turns=system_turns)


def messages(*turns: Turn, system_turns: bool = False) -> Any:
    """The messages as they are in JSON."""
    return orjson.loads(orjson.dumps(prompt(*turns, system_turns=system_turns).messages))


def block(piece: Piece, *, role: Role = Role.USER) -> Any:
    """The block for `piece`; a text beside it keeps it a block."""
    content = messages(turn(role, piece, "."), user("."))[0]["content"]
    return content[0]


def test_a_single_text_is_text_and_several_are_blocks() -> None:
    assert messages(user("a"), assistant("b", "c"), user("d")) == [
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}],
        },
        {"role": "user", "content": "d"},
    ]


def test_turns_of_one_side_are_one_message() -> None:
    assert [message["role"] for message in messages(user("a"), user("b"), assistant("c"))] == [
        "user",
        "assistant",
    ]


def test_empty_text_is_left_out_and_so_are_turns_of_nothing_else() -> None:
    assert messages(user("a"), assistant("", " \n"), user("b")) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        },
    ]


def test_the_end_of_a_last_word_of_the_assistant_is_no_white_space() -> None:
    assert messages(user("a"), assistant("b \n"))[-1]["content"] == "b"
    call = assistant("b ", ToolUse("t", "f", ""))
    assert messages(user("a"), call)[-1]["content"][0]["text"] == "b "


@pytest.mark.parametrize(
    ("piece", "written"),
    [
        (Text("a", CACHE), {"type": "text", "text": "a", "cache_control": CACHE}),
        (
            Image(media_type="image/png", data="iVBO", detail="low"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"},
            },
        ),
        (
            Image(url="https://x/y", cache=CACHE),
            {
                "type": "image",
                "source": {"type": "url", "url": "https://x/y"},
                "cache_control": CACHE,
            },
        ),
        (
            File(media_type="application/pdf", data="JVBE", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                "title": "a.pdf",
            },
        ),
        (
            File(text="long"),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "long"},
            },
        ),
        (
            File(url="https://x/y.pdf"),
            {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        ),
        (ToolResult("t", []), {"type": "tool_result", "tool_use_id": "t"}),
        (
            ToolResult("t", [Text("gone")], failed=True, cache=CACHE),
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": "gone",
                "is_error": True,
                "cache_control": CACHE,
            },
        ),
        (
            ToolResult("t", [Text("a"), Image(url="https://x/y")]),
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
                ],
            },
        ),
    ],
)
def test_a_piece_of_the_user_is_written(piece: Piece, written: Any) -> None:
    assert block(piece) == written


@pytest.mark.parametrize(
    ("piece", "written"),
    [
        (Refusal("No."), {"type": "text", "text": "No."}),
        (
            Thinking("hm", "own1"),
            {"type": "thinking", "thinking": "hm", "signature": "own1"},
        ),
        (Thinking("", "own1", redacted=True), {"type": "redacted_thinking", "data": "own1"}),
        (
            ToolUse("t", "f", '{"a": 1.0}', CACHE),
            {
                "type": "tool_use",
                "id": "t",
                "name": "f",
                "input": {"a": 1.0},
                "cache_control": CACHE,
            },
        ),
    ],
)
def test_a_piece_of_the_assistant_is_written(piece: Piece, written: Any) -> None:
    assert block(piece, role=Role.ASSISTANT) == written


@pytest.mark.parametrize(
    ("arguments", "input"),
    [
        ("", {}),
        (" ", {}),
        ('{"a": ', {"arguments": '{"a": '}),
        ("[1]", {"arguments": [1]}),
    ],
)
def test_arguments_that_are_no_object_become_one(arguments: str, input: Any) -> None:
    assert block(ToolUse("t", "f", arguments), role=Role.ASSISTANT)["input"] == input


def test_the_bytes_of_arguments_are_kept() -> None:
    written = prompt(user("a"), assistant(ToolUse("t", "f", '{"n": 1e2, "m": 1.50}'))).messages

    assert b'{"n": 1e2, "m": 1.50}' in orjson.dumps(written)


@pytest.mark.parametrize("seal", ["", "foreign"])
def test_thinking_that_is_not_the_models_own_is_left_out(seal: str) -> None:
    assert messages(user("a"), assistant(Thinking("hm", seal), "b"))[1]["content"] == "b"


def test_ids_that_anthropic_refuses_are_rewritten_alike_in_call_and_result() -> None:
    written = messages(
        user("a"),
        assistant(ToolUse("functions.f:0", "f", "{}")),
        user(ToolResult("functions.f:0", [])),
    )

    assert written[1]["content"][0]["id"] == written[2]["content"][0]["tool_use_id"]
    assert written[1]["content"][0]["id"] != "functions.f:0"


def test_results_come_before_what_else_the_user_says() -> None:
    written = messages(
        user("a"), assistant(ToolUse("t", "f", "{}")), user("b"), user(ToolResult("t", []))
    )

    assert [piece["type"] for piece in written[2]["content"]] == ["tool_result", "text"]


def test_the_leading_system_turns_are_the_system_prompt() -> None:
    assert prompt(system("a"), user("b")).system == "a"
    assert prompt(system("a"), system("b"), user("c")).system == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert prompt(system(Text("a", CACHE)), user("b")).system == [
        {"type": "text", "text": "a", "cache_control": CACHE}
    ]


def test_where_nobody_else_speaks_the_last_system_turn_is_to_be_answered() -> None:
    written = prompt(system("a"), system("b"))

    assert written.system == "a"
    assert written.messages == [{"role": "user", "content": "b"}]
    assert prompt().messages == []


def test_a_later_system_turn_goes_behind_what_the_user_says_around_it() -> None:
    written = messages(
        user("a"), system("b"), user("c"), assistant("d"), system("e"), user("f"), system_turns=True
    )

    assert [message["role"] for message in written] == [
        *("user", "system", "assistant", "user", "system")
    ]
    assert written[1]["content"] == "b"
    assert written[4]["content"] == "e"


def test_a_system_turn_between_call_and_result_does_not_part_them() -> None:
    call, result = assistant(ToolUse("t", "f", "{}")), user(ToolResult("t", []))

    written = messages(user("a"), call, system("b"), result, system_turns=True)

    assert [message["role"] for message in written] == ["user", "assistant", "user", "system"]


def test_to_a_model_without_system_turns_they_are_said_as_the_users() -> None:
    written = prompt(user("a"), system("b"), assistant("c"), user("d"))

    assert written.messages[0]["content"][1]["text"] == "<system>\nb\n</system>"
    assert written.warnings == ["messages.7: said in a turn of the user, in <system>"]


@pytest.mark.parametrize(
    "turns",
    [
        (user("a"), assistant("b"), system("c")),
        (user("a"), system(Image(url="https://x/y"), "c")),
    ],
)
def test_a_system_turn_where_anthropic_allows_none_is_said_as_the_users(
    turns: tuple[Turn, ...],
) -> None:
    written = messages(*turns, system_turns=True)

    assert written[-1]["role"] == "user"
    assert "<system>" in str(written[-1]["content"])


def test_a_system_turn_with_an_image_is_no_system_prompt() -> None:
    written = prompt(system("c", Image(url="https://x/y")), user("a"))

    assert written.system == []
    assert [piece["type"] for piece in written.messages[0]["content"]] == ["text", "text", "image"]


@pytest.mark.parametrize(
    ("thoughts", "lacks"),
    [
        ((), True),
        ((Thinking("hm", "foreign"),), True),
        ((Thinking("hm", "own1"),), False),
        ((Thinking("", "own1", redacted=True),), False),
    ],
)
def test_a_call_without_its_thinking_is_seen_while_it_is_answered(
    thoughts: tuple[Thinking, ...], lacks: bool
) -> None:
    call, result = assistant(*thoughts, ToolUse("t", "f", "{}")), user(ToolResult("t", []))

    assert prompt(user("a"), call, result).lacks_thinking is lacks
    assert prompt(user("a"), call, result, system("b"), system_turns=True).lacks_thinking is lacks
    assert not prompt(user("a"), call, result, assistant("b"), user("c")).lacks_thinking


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5).filter(
    lambda text: not text.isspace()
)
USER = st.builds(Text, WORDS) | st.builds(
    Image, media_type=st.just("image/png"), data=st.sampled_from(["aa", "bb"])
)
SAID = st.lists(USER, min_size=1, max_size=3).map(lambda pieces: (Role.USER, pieces))
ANSWERED = st.lists(
    st.builds(Text, WORDS)
    | st.builds(Thinking, WORDS, WORDS.map(lambda text: f"own{text}"))
    | st.builds(ToolUse, st.sampled_from(["t1", "t2"]), st.just("f"), st.just('{"a":1}')),
    min_size=1,
    max_size=3,
).map(lambda pieces: (Role.ASSISTANT, pieces))


@given(st.lists(st.tuples(SAID, ANSWERED), min_size=1, max_size=3), SAID)
def test_turns_that_take_turns_are_read_again_as_they_were(pairs: Any, last: Any) -> None:
    said = [side for pair in pairs for side in pair] + [last]
    turns = [Turn(role, pieces, f"messages.{n}") for n, (role, pieces) in enumerate(said)]

    written = orjson.loads(orjson.dumps(prompt(*turns).messages))

    assert turns_of(written, Conversation()) == turns
