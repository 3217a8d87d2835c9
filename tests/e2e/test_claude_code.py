"""Claude Code, with every kind of provider behind the hub."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nodejs
from tests.e2e.scene import ANSWER, NOTE, pictures, sent
from tests.support.stage import Stage
from tokenhub.simulator import Failure, Profile

Claude = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def claude(hub: Stage, model: str, home: Path, folder: Path) -> Claude:
    """Asks Claude Code one thing and returns what it printed, the last line being the result."""

    def ask(prompt: str, *more: str, model: str = model) -> list[dict[str, Any]]:
        environ = {
            "ANTHROPIC_BASE_URL": hub.url,
            "ANTHROPIC_API_KEY": hub.key,
            "CLAUDE_CODE_MAX_RETRIES": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        # With all its tools, words of its own reminders would name some of them.
        flags = ["--tools", "Read", "--output-format", "json", *more]
        command = [nodejs.program("claude"), "-p", prompt, "--model", model, *flags]
        return nodejs.lines(nodejs.run(command, home=home, environ=environ, folder=folder))

    return ask


def test_a_question_is_answered(claude: Claude) -> None:
    result = claude("What does a router do?")[-1]
    assert result["result"] == ANSWER
    assert not result["is_error"]
    assert result["usage"]["output_tokens"] > 5


def test_a_stream_brings_the_answer_in_pieces(claude: Claude) -> None:
    flags = ("--output-format", "stream-json", "--verbose", "--include-partial-messages")
    printed = claude("What does a router do?", *flags)
    events = [line["event"] for line in printed if line["type"] == "stream_event"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    pieces = [delta["text"] for delta in deltas if delta["type"] == "text_delta"]
    assert "".join(pieces) == ANSWER
    assert len(pieces) > 5
    assert events[-1]["type"] == "message_stop"


def test_a_tool_call_is_answered_by_reading_a_file(
    claude: Claude, hub: Stage, kind: str, folder: Path, arguments: Any
) -> None:
    arguments({"file_path": str(folder / "notes.txt")})
    result = claude("Please use Read for the notes.")[-1]
    assert result["result"] == ANSWER
    assert result["num_turns"] == 2
    *_, asked, answered = sent(hub, kind)
    assert NOTE not in str(asked)
    assert NOTE in str(answered)


def test_a_session_goes_on_with_other_models_and_their_thinking(
    claude: Claude, hub: Stage, folder: Path, arguments: Any
) -> None:
    arguments({"file_path": str(folder / "notes.txt")})
    claude("Please use Read for the notes.")
    for other in ("gpt-5", "claude-haiku-4-5", "gpt-5", "claude-sonnet-4-5"):
        result = claude("Please use Read once more.", "--continue", model=other)[-1]
        assert result["result"] == ANSWER, result
        assert not result["is_error"]
    assert all(call.status == 200 for one in hub.simulators.values() for call in one.calls)


@pytest.mark.parametrize("kind", ["openai"], indirect=True)
@pytest.mark.parametrize("verified", [True, False], ids=["verified", "not verified"])
def test_what_an_openai_model_thinks_is_shown_and_comes_back_to_it(
    claude: Claude, hub: Stage, folder: Path, arguments: Any, verified: bool
) -> None:
    hub.play("openai", Profile(answer=ANSWER, verified=verified))
    arguments({"file_path": str(folder / "notes.txt")})
    flags = ("--output-format", "stream-json", "--verbose")
    for more in ((), ("--continue",)):
        printed = claude("Please use Read for the notes.", *flags, *more, model="gpt-5")
        assert printed[-1]["result"] == ANSWER
        said = [line["message"]["content"] for line in printed if line["type"] == "assistant"]
        blocks = [block for content in said for block in content]
        assert [block["type"] for block in blocks] == ["thinking", "tool_use", "thinking", "text"]
        assert [bool(block["thinking"]) for block in blocks[::2]] == [verified] * 2
    calls = hub.simulators["openai"].calls
    refused = [] if verified else [400]
    assert [call.status for call in calls] == [*refused, 200, 200, 200, 200]
    assert {call.path for call in calls} == {"/v1/responses"}
    sent_back = [
        [item["encrypted_content"] for item in call.json["input"] if item["type"] == "reasoning"]
        for call in calls
    ]
    # Claude Code leaves it out of the first request of a session that goes on, not of the others.
    assert len(sent_back[-1]) == 3
    assert sent_back[-3] == sent_back[-1][:1]


@pytest.mark.parametrize("kind", ["openai"], indirect=True)
def test_an_unknown_model_is_said_so(claude: Claude) -> None:
    result = claude("What does a router do?", model="no-such-model")[-1]
    assert result["is_error"]
    assert result["api_error_status"] == 404
    assert "no-such-model" in result["result"]


def test_an_outage_is_an_error(claude: Claude, hub: Stage, kind: str) -> None:
    hub.fail(kind, Failure.answer(500))
    result = claude("What does a router do?")[-1]
    assert result["is_error"]
    assert result["api_error_status"] == 502


def test_a_picture_that_it_reads_is_shown_to_the_model(
    claude: Claude, hub: Stage, kind: str, folder: Path, arguments: Any
) -> None:
    arguments({"file_path": str(folder / "dot.png")})
    assert claude("Please use Read for the dot.")[-1]["result"] == ANSWER
    assert pictures(sent(hub, kind)[-1]) == 1
