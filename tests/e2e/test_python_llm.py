"""The command `llm` with its plugin for Anthropic, with every kind of provider behind the hub."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import python_program
from tests.e2e.scene import ANSWER, MODELS, sent
from tests.support.stage import Stage
from tokenhub.simulator import Failure, Profile

WAYS = ("chat", "responses", "anthropic")
FINDING = "18 degrees and rain"
FUNCTION = f"""
def get_weather(city: str) -> str:
    "The weather in a city"
    return "{FINDING}"
"""

Llm = Callable[..., subprocess.CompletedProcess[str]]


def start(stage: Stage, user: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"LLM_USER_PATH": str(user), "ANTHROPIC_BASE_URL": stage.url}
    return python_program.run("llm", "llm", *arguments, home=user, environ=environ, folder=user)


@pytest.fixture(scope="module")
def user(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of settings: the hub's models by each of OpenAI's APIs, and as Anthropic's."""
    folder = tmp_path_factory.mktemp("llm")
    able = {"supports_schema": True, "supports_tools": True, "api_key_name": "hub"}
    place = {"api_base": f"{stage.url}/v1", **able}
    models = [
        {"model_id": f"{way}/{name}", "model_name": name, "responses": way == "responses", **place}
        for name in MODELS.values()
        for way in ("chat", "responses")
    ]
    (folder / "extra-openai-models.yaml").write_text(json.dumps(models))
    (folder / "keys.json").write_text(json.dumps({"hub": stage.key, "anthropic": stage.key}))
    listed = start(stage, folder, "anthropic", "refresh")
    assert f"{MODELS['openai']}" in listed.stdout, listed.stderr
    return folder


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def llm(hub: Stage, user: Path, model: str, way: str) -> Llm:
    """Runs the command with the model of each provider, by each way there is."""
    return lambda *arguments: start(hub, user, "prompt", "-m", f"{way}/{model}", *arguments)


def test_a_question_is_answered(llm: Llm) -> None:
    ended = llm("--no-stream", "--system", "Be brief.", "What does a router do?")
    assert (ended.returncode, ended.stdout) == (0, f"{ANSWER}\n"), ended.stderr


def test_a_conversation_goes_on_in_streams(llm: Llm, hub: Stage, kind: str) -> None:
    llm("What does a router do?")
    ended = llm("--continue", "And at night?")
    assert (ended.returncode, ended.stdout) == (0, f"{ANSWER}\n"), ended.stderr
    assert ANSWER in str(sent(hub, kind)[1])


def test_a_tool_call_is_answered(llm: Llm, hub: Stage, kind: str, arguments: Any) -> None:
    arguments({"city": "Paris"})
    ended = llm("--functions", FUNCTION, "--td", "Please call get_weather for Paris.")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith(f"{ANSWER}\n")
    assert "get_weather({'city': 'Paris'})" in ended.stderr
    assert FINDING in str(sent(hub, kind)[1])


def test_structured_output_keeps_to_the_schema(llm: Llm, arguments: Any) -> None:
    arguments({"name": "Mill", "floors": 7})
    ended = llm("--schema", "name, floors int", "A tower.")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"name": "Mill", "floors": 7}


def test_a_providers_outage_is_said(llm: Llm, hub: Stage, kind: str) -> None:
    hub.fail(kind, Failure.answer(500))
    ended = llm("What does a router do?")
    assert ended.returncode == 1
    assert "Error code: 50" in ended.stderr


def test_a_stream_that_breaks_off_is_an_error(llm: Llm, hub: Stage, kind: str, way: str) -> None:
    hub.play(kind, Profile(answer=ANSWER, failure=Failure.cut(8)))
    ended = llm("What does a router do?")
    assert ended.stdout != f"{ANSWER}\n"
    if way != "responses":  # llm passes over `response.failed` and its error
        assert ended.returncode == 1
        assert "Error" in ended.stderr
