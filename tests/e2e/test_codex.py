"""Codex CLI, with every kind of provider behind the hub."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nodejs
from tests.e2e.scene import ANSWER, MODELS, NOTE, pictures, sent
from tests.support.stage import Stage
from tokenhub.simulator import Failure, Profile

SETTINGS = """\
model_provider = "hub"
[model_providers.hub]
name = "hub"
base_url = "{url}/v1"
env_key = "HUB_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
"""

Codex = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def model(kind: str) -> str:
    """The model of that provider: one that reasons, since Codex asks each for what it thought."""
    return {**MODELS, "openai": "gpt-5"}[kind]


@pytest.fixture
def codex(hub: Stage, model: str, home: Path, folder: Path) -> Codex:
    """Asks Codex one thing, or goes on with the last session, and returns the events it printed."""
    settings = home / ".codex" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(SETTINGS.format(url=hub.url))
    # The sandbox needs rights that a container often lacks.
    flags = ["--skip-git-repo-check", "--json", "--dangerously-bypass-approvals-and-sandbox"]

    def ask(prompt: str, *more: str, model: str = model) -> list[dict[str, Any]]:
        command = [nodejs.program("codex"), "exec", *flags, "-m", model, *more, prompt]
        environ = {"HUB_KEY": hub.key}
        return nodejs.lines(nodejs.run(command, home=home, environ=environ, folder=folder))

    return ask


def items(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The finished items of a kind."""
    done = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item for item in done if item["type"] == kind]


def test_a_question_is_answered(codex: Codex) -> None:
    events = codex("What does a router do?")
    assert [item["text"] for item in items(events, "agent_message")] == [ANSWER]
    assert events[-1]["type"] == "turn.completed"
    assert events[-1]["usage"]["output_tokens"] > 5


def test_a_tool_call_is_answered_by_a_command(
    codex: Codex, hub: Stage, kind: str, arguments: Any
) -> None:
    arguments({"cmd": "cat notes.txt"})
    events = codex("Please use exec_command.")
    [command] = items(events, "command_execution")
    assert NOTE in command["aggregated_output"]
    assert items(events, "agent_message")[-1]["text"] == ANSWER
    asked, answered = sent(hub, kind)
    assert NOTE not in str(asked)
    assert NOTE in str(answered)


def test_a_picture_that_it_views_is_shown_to_the_model(
    codex: Codex, hub: Stage, kind: str, folder: Path, arguments: Any
) -> None:
    arguments({"path": str(folder / "dot.png")})
    assert items(codex("Please use view_image."), "agent_message")[-1]["text"] == ANSWER
    assert pictures(sent(hub, kind)[-1]) == 1


def test_a_session_goes_on_with_other_models_and_their_reasoning(
    codex: Codex, hub: Stage, arguments: Any
) -> None:
    arguments({"cmd": "cat notes.txt"})
    codex("Please use exec_command.")
    for other in ("gpt-5", "claude-haiku-4-5", "gpt-5", "claude-sonnet-4-5"):
        events = codex("Please use exec_command again.", "resume", "--last", model=other)
        assert events[-1]["type"] == "turn.completed", events[-1]
        assert items(events, "agent_message")[-1]["text"] == ANSWER
    assert all(call.status == 200 for one in hub.simulators.values() for call in one.calls)


@pytest.mark.parametrize("kind", ["openai"], indirect=True)
def test_an_unknown_model_is_said_so(codex: Codex) -> None:
    last = codex("What does a router do?", model="no-such-model")[-1]
    assert last["type"] == "turn.failed"
    assert "no-such-model" in last["error"]["message"]


def test_an_outage_is_an_error(codex: Codex, hub: Stage, kind: str) -> None:
    hub.fail(kind, Failure.answer(500))
    last = codex("What does a router do?")[-1]
    assert last["type"] == "turn.failed"
    assert "502" in last["error"]["message"]


def test_a_stream_that_breaks_off_is_an_error(codex: Codex, hub: Stage, kind: str) -> None:
    hub.play(kind, Profile(answer=ANSWER, failure=Failure.error_event(8)))
    events = codex("What does a router do?")
    assert events[-1]["type"] == "turn.failed", events
