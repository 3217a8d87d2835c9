"""aider, with every kind of provider behind the hub."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import python_program
from tests.e2e.scene import ANSWER, sent
from tests.support.stage import Stage
from tokenhub.simulator import Failure, Profile

BEFORE = 'def greet():\n    return "hi"\n'
AFTER = 'def greet():\n    return "Zürich says hello"\n'
EDIT = f"""I will add a greeting.

hello.py
```python
<<<<<<< SEARCH
{BEFORE}=======
{AFTER}>>>>>>> REPLACE
```
"""
FLAGS = (
    *("--edit-format", "diff", "--yes-always", "--no-git", "--no-pretty", "--no-detect-urls"),
    *("--no-auto-lint", "--no-check-update", "--no-show-release-notes"),
    *("--no-show-model-warnings", "--analytics-disable"),
)

Aider = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    """The protocol that aider speaks."""
    return str(request.param)


@pytest.fixture
def aider(hub: Stage, kind: str, model: str, protocol: str, home: Path, folder: Path) -> Aider:
    """Gives aider one message about `hello.py` in the folder where it works."""
    (folder / "hello.py").write_text(BEFORE)
    # Its LiteLLM takes a name that it knows as OpenAI's for that, whatever stands before it.
    name = f"{kind}/{model}" if (kind, protocol) == ("openai", "anthropic") else model
    environ = {
        "openai": {"OPENAI_API_BASE": f"{hub.url}/v1", "OPENAI_API_KEY": hub.key},
        "anthropic": {"ANTHROPIC_API_BASE": hub.url, "ANTHROPIC_API_KEY": hub.key},
    }[protocol]

    def tell(message: str, *more: str, model: str = name) -> subprocess.CompletedProcess[str]:
        flags = ["--model", f"{protocol}/{model}", *FLAGS, *more, "--message", message]
        command = ("aider", "aider", *flags, "hello.py")
        return python_program.run(*command, home=home, environ=environ, folder=folder)

    return tell


def test_a_file_is_edited(aider: Aider, hub: Stage, kind: str, folder: Path) -> None:
    hub.play(kind, Profile(answer=EDIT))
    ended = aider("Let greet say hello from Zürich.")
    assert "Applied edit to hello.py" in ended.stdout, ended.stdout + ended.stderr
    assert (folder / "hello.py").read_text() == AFTER
    assert 'return "hi"' in str(sent(hub, kind)[0])


def test_a_question_is_answered_and_nothing_edited(aider: Aider, folder: Path) -> None:
    ended = aider(
        "What does a router do?", *("--chat-mode", "ask", "--cache-prompts", "--no-stream")
    )
    assert ANSWER in ended.stdout, ended.stdout + ended.stderr
    assert (folder / "hello.py").read_text() == BEFORE


def test_a_stream_that_breaks_off_is_asked_for_again(
    aider: Aider, hub: Stage, kind: str, folder: Path
) -> None:
    hub.play(kind, Profile(answer=EDIT, failure=Failure.cut(8), fail_next=1))
    ended = aider("Let greet say hello from Zürich.")
    assert (folder / "hello.py").read_text() == AFTER, ended.stdout + ended.stderr
    assert len(sent(hub, kind)) == 2


def test_an_unknown_model_is_said(aider: Aider, folder: Path) -> None:
    ended = aider("Let greet say hello.", model="no-such-model")
    assert "NotFoundError" in ended.stdout
    assert "no-such-model" in ended.stdout.partition("unknown model")[2]
    assert (folder / "hello.py").read_text() == BEFORE
