"""The SDKs for Node, each with every kind of provider behind the hub."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nodejs
from tests.e2e.scene import ANSWER, ENDS, FINDING, assert_put_together, assert_streamed, sent
from tests.support.stage import Stage
from tokenhub.simulator import Failure, Profile

SDKS = {
    "openai chat": ("openai_chat.mjs",),
    "openai responses": ("openai_responses.mjs",),
    "anthropic messages": ("anthropic_messages.mjs",),
}
AI_SDK = {
    "ai openai responses": ("ai_sdk.mjs", "openai-responses"),
    "ai openai chat": ("ai_sdk.mjs", "openai-chat"),
    "ai openai-compatible": ("ai_sdk.mjs", "compatible"),
    "ai anthropic": ("ai_sdk.mjs", "anthropic"),
}
ALL = SDKS | AI_SDK
CALL = {"name": "get_weather", "given": {"city": "Paris"}}

Talk = Callable[..., dict[str, Any]]
Play = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def talk(hub: Stage, home: Path, folder: Path) -> Talk:
    """Plays one step of a program's session and returns what the program printed."""

    def step(program: str, name: str, **more: str) -> dict[str, Any]:
        script, *rest = ALL[program]
        environ = {"HUB_URL": hub.url, "HUB_KEY": hub.key, **more}
        command = [nodejs.node(), "--no-warnings", str(nodejs.FOLDER / script), name, *rest]
        return nodejs.lines(nodejs.run(command, home=home, environ=environ, folder=folder))[-1]

    return step


@pytest.fixture
def session(talk: Talk, model: str) -> Play:
    """The same with the model of each kind of provider in turn."""
    return lambda program, name: talk(program, name, MODEL=model)


@pytest.mark.parametrize("program", ALL)
def test_a_question_is_answered(program: str, session: Play) -> None:
    said = session(program, "question")
    assert said["text"] == ANSWER
    assert said["finish"] in ENDS
    assert said["input"] > 5
    assert said["output"] > 5


@pytest.mark.parametrize("program", ALL)
def test_a_stream_brings_the_answer_in_pieces(program: str, session: Play) -> None:
    assert_streamed(session(program, "stream"))


@pytest.mark.parametrize("program", SDKS)
def test_the_helper_for_streams_puts_the_answer_together(program: str, session: Play) -> None:
    assert_put_together(session(program, "helper_stream"))


@pytest.mark.parametrize("step", ["tool", "tool_stream"])
@pytest.mark.parametrize("program", ALL)
def test_a_tool_call_is_answered(
    program: str, step: str, session: Play, hub: Stage, kind: str, arguments: Any
) -> None:
    arguments(CALL["given"])
    said = session(program, step)
    assert said.get("calls") == [CALL], said
    assert said["text"] == ANSWER
    *asked, answered = sent(hub, kind)
    assert asked
    assert FINDING not in str(asked)
    assert FINDING in str(answered)


@pytest.mark.parametrize("program", ALL)
def test_structured_output_is_parsed(program: str, session: Play, arguments: Any) -> None:
    arguments({"name": "Mill", "floors": 7})
    assert session(program, "typed") == {"parsed": {"name": "Mill", "floors": 7}}


@pytest.mark.parametrize("kind", ["openai"], indirect=True)
@pytest.mark.parametrize("program", ALL)
def test_an_unknown_model_is_not_found(program: str, session: Play) -> None:
    error = session(program, "unknown")["error"]
    assert error["kind"] in {"NotFoundError", "APICallError"}
    assert error["status"] == 404
    assert "'no-such-model'" in error["message"]


@pytest.mark.parametrize("program", SDKS)
def test_a_wrong_field_is_named(program: str, session: Play) -> None:
    error = session(program, "wrong")["error"]
    assert error["kind"] == "BadRequestError"
    assert error["status"] == 400
    assert "temperature" in error["message"]
    assert error["id"]


@pytest.mark.parametrize("program", ALL)
def test_a_providers_outage_is_an_error_of_the_server(
    program: str, session: Play, hub: Stage, kind: str
) -> None:
    hub.fail(kind, Failure.answer(500))
    error = session(program, "failing")["error"]
    assert error["kind"] in {"InternalServerError", "APICallError"}
    assert error["status"] == 502


@pytest.mark.parametrize("failure", [Failure.error_event(6), Failure.cut(6)], ids=["error", "cut"])
@pytest.mark.parametrize("program", ALL)
def test_a_stream_that_breaks_off_is_no_answer(
    program: str, failure: Failure, session: Play, hub: Stage, kind: str
) -> None:
    hub.play(kind, Profile(answer=ANSWER, failure=failure))
    said = session(program, "broken")
    assert "error" in said or said["ended"] == "response.failed", said


def test_anthropics_sdk_counts_tokens_and_lists_models(session: Play, model: str) -> None:
    said = session("anthropic messages", "count")
    assert said["input"] > 3
    assert model in said["names"]


@pytest.mark.parametrize("program", ALL)
def test_a_call_that_fails_once_is_tried_again(
    program: str, session: Play, hub: Stage, kind: str
) -> None:
    hub.fail(kind, Failure.answer(429, retry_after="1"), times=1)
    assert session(program, "retried") == {"text": ANSWER}


@pytest.mark.parametrize("pair", [("gpt-5", "claude-sonnet-4-5"), ("claude-sonnet-4-5", "gpt-5")])
@pytest.mark.parametrize("program", [name for name in ALL if name != "openai chat"])
def test_models_that_think_take_turns_in_a_conversation(
    program: str, pair: tuple[str, str], talk: Talk, hub: Stage, arguments: Any
) -> None:
    arguments(CALL["given"])
    first, other = pair
    said = talk(program, "thinking", MODEL=first, OTHER=other)
    assert said.get("answers") == [ANSWER] * 4, said
    assert said["thoughts"] > 0 or "chat" in program
    assert all(call.status == 200 for one in hub.simulators.values() for call in one.calls)
