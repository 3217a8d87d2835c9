"""The simulated model: what it says to which prompt."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.simulator import Profile
from tokenhub.simulator.model.brain import think
from tokenhub.simulator.model.prompt import Prompt, Tool
from tokenhub.simulator.model.reply import Finish
from tokenhub.simulator.model.tokens import count_text, pieces

ASK = Prompt(text="Hello", turns=1, input_tokens=3, max_tokens=1000)
TOOLS = tuple(Tool(name, {"type": "object"}) for name in ("read", "read_file", "write"))


def prompt(**changes: Any) -> Prompt:
    fields = {name: getattr(ASK, name) for name in ASK.__dataclass_fields__}
    return Prompt(**(fields | changes))


@given(st.text())
def test_pieces_join_to_their_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.integers(1, 40), st.booleans(), st.booleans())
def test_no_reply_has_more_tokens_than_allowed(limit: int, thinks: bool, calls: bool) -> None:
    asked = prompt(
        max_tokens=limit,
        reasoning_words=10 if thinks else 0,
        tools=TOOLS if calls else (),
        choice="any" if calls else "auto",
        preamble=True,
    )
    reply = think(asked, Profile(), "m", 0)
    assert reply.output_tokens <= limit


def test_a_seed_a_model_and_a_prompt_decide_the_reply() -> None:
    first = think(ASK, Profile(), "m", 0)
    assert think(ASK, Profile(), "m", 0) == first
    assert think(ASK, Profile(), "m", 1) != first
    assert think(ASK, Profile(), "n", 0) != first
    assert think(prompt(text="Bye"), Profile(), "m", 0) != first


def test_a_profile_fixes_the_length() -> None:
    assert think(ASK, Profile(output_tokens=200), "m", 0).output_tokens == 200
    cut = think(prompt(max_tokens=50), Profile(output_tokens=200), "m", 0)
    assert (cut.output_tokens, cut.finish) == (50, Finish.LENGTH)


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("read_file, then write", ["read_file", "write"]),
        ("write and write", ["write", "write"]),
        ("please reader, rewrite", []),
        ("re-read", []),
        ("nothing", []),
    ],
)
def test_the_tools_that_are_named_are_called(text: str, called: list[str]) -> None:
    reply = think(prompt(text=text, tools=TOOLS), Profile(), "m", 0)
    assert [call.name for call in reply.calls] == called
    assert (reply.finish is Finish.TOOLS) == bool(called)


def test_an_unknown_tool_that_must_be_called_is_not() -> None:
    reply = think(prompt(tools=TOOLS, choice="any", only_tool="fly"), Profile(), "m", 0)
    assert reply.calls == ()


def test_the_earliest_stop_sequence_ends_the_reply() -> None:
    asked = prompt(stops=("d", "b", ""))
    reply = think(asked, Profile(answer="a b c d"), "m", 0)
    assert (reply.text, reply.stop_sequence) == ("a ", "b")
    assert reply.finish is Finish.STOP_SEQUENCE


def test_an_empty_schema_takes_any_object() -> None:
    assert isinstance(json.loads(think(prompt(schema={}), Profile(), "m", 0).text), dict)


def test_tokens_count_bytes() -> None:
    assert count_text("") == 0
    assert count_text("12345") == 2
    assert count_text("東京") == 2
