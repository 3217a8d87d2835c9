"""opencode, with every kind of provider behind the hub, by each package that can speak to it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import nodejs
from tests.e2e.scene import ANSWER, MODELS, NOTE, pictures, sent
from tests.support.stage import Stage

PACKAGES = ("@ai-sdk/openai-compatible", "@ai-sdk/openai", "@ai-sdk/anthropic")
LIMIT = {"context": 100_000, "output": 4096}
MODALITIES = {"input": ["text", "image"], "output": ["text"]}

Opencode = Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=PACKAGES)
def opencode(
    request: pytest.FixtureRequest, hub: Stage, model: str, home: Path, folder: Path
) -> Opencode:
    """Asks opencode one thing and returns the events it printed."""
    powers = {"limit": LIMIT, "attachment": True, "modalities": MODALITIES}
    models = dict.fromkeys((*MODELS.values(), "no-such-model"), powers)
    options = {"baseURL": f"{hub.url}/v1", "apiKey": "{env:HUB_KEY}"}
    provider = {"npm": request.param, "name": "Hub", "options": options, "models": models}
    settings = {"provider": {"hub": provider}, "autoupdate": False, "share": "disabled"}
    (folder / "opencode.json").write_text(json.dumps(settings))
    environ = {
        "HUB_KEY": hub.key,
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
    }

    def ask(prompt: str, *more: str, model: str = model) -> list[dict[str, Any]]:
        flags = ["--model", f"hub/{model}", "--format", "json", "--title", "A session", *more]
        command = [nodejs.program("opencode"), "run", prompt, *flags]
        return nodejs.lines(nodejs.run(command, home=home, environ=environ, folder=folder))

    return ask


def texts(events: list[dict[str, Any]]) -> list[str]:
    """What the model said, piece by piece of its turns."""
    return [event["part"]["text"] for event in events if event["type"] == "text"]


def test_a_question_is_answered(opencode: Opencode) -> None:
    events = opencode("What does a router do?")
    assert texts(events) == [ANSWER]
    assert events[-1]["type"] == "step_finish"
    assert events[-1]["part"]["reason"] == "stop"
    assert events[-1]["part"]["tokens"]["output"] > 5


def test_a_tool_call_is_answered_by_reading_a_file(
    opencode: Opencode, hub: Stage, kind: str, folder: Path, arguments: Any
) -> None:
    arguments({"filePath": str(folder / "notes.txt")})
    events = opencode("Please read the notes.")
    [call] = [event["part"] for event in events if event["type"] == "tool_use"]
    assert call["tool"] == "read"
    assert NOTE in call["state"]["output"]
    assert texts(events)[-1] == ANSWER
    assert NOTE in str(sent(hub, kind)[-1])


@pytest.mark.parametrize("opencode", PACKAGES[:1], indirect=True)
def test_a_picture_in_the_question_is_shown_to_the_model(
    opencode: Opencode, hub: Stage, kind: str
) -> None:
    assert texts(opencode("What is in this picture?", "--file=dot.png"))[-1] == ANSWER
    assert pictures(sent(hub, kind)[-1]) == 1


@pytest.mark.parametrize("kind", ["openai"], indirect=True)
def test_an_unknown_model_is_said_so(opencode: Opencode) -> None:
    last = opencode("What does a router do?", model="no-such-model")[-1]
    assert last["type"] == "error"
    assert last["error"]["data"]["statusCode"] == 404
    assert "no-such-model" in last["error"]["data"]["message"]
