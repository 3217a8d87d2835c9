"""Starts the programs that run on Python, each in an environment of its own."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import pytest

from tests.e2e import child
from tests.support.stage import Stage

SCRIPTS = Path(__file__).parent / "python"
ENVIRONMENTS = Path(__file__).parents[2] / ".venv" / "e2e"
OFFLINE: Final = {"HF_HUB_OFFLINE": "1"}
SESSIONS: Final = {
    "openai chat": ("sdk", "sdk_chat"),
    "openai responses": ("sdk", "sdk_responses"),
    "anthropic messages": ("sdk", "sdk_messages"),
    "langchain chat": ("langchain", "chain_chat"),
    "langchain responses": ("langchain", "chain_responses"),
    "langchain anthropic": ("langchain", "chain_messages"),
    "litellm openai": ("litellm", "lite", "openai"),
    "litellm anthropic": ("litellm", "lite", "anthropic"),
}
"""For each client the environment and the script that plays its session, and what it is told."""


def executable(environment: str, name: str = "python") -> str:
    """The path of a program in one of the environments; skips the test where there is none."""
    place = ENVIRONMENTS / environment
    if not (place / ".done").exists():
        pytest.skip(f"{environment} for Python is not installed: `make e2e` does it")
    return str(place / "bin" / name)


def run(
    environment: str, *command: str, home: Path, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program of one of the environments in `folder` until it ends."""
    program, *more = command
    found = [executable(environment, program), *more]
    return child.run(found, home=home, environ={**OFFLINE, **environ}, folder=folder)


class Program:
    """`with Program("openai chat", stage) as program`: a child that plays one step after another.

    It is kept because most of these take seconds to import what they need.
    """

    def __init__(self, name: str, stage: Stage) -> None:
        environment, script, *told = SESSIONS[name]
        self._command = [executable(environment), "-B", str(SCRIPTS / f"{script}.py"), *told]
        self._settings = {**OFFLINE, "HUB_URL": stage.url, "HUB_KEY": stage.key}
        self._home = tempfile.TemporaryDirectory()
        self._said: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=child.surroundings(Path(self._home.name), self._settings),
            cwd=self._home.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._listener = threading.Thread(target=self._listen, name="stderr")
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._listener.join()
        self._process.communicate()
        self._home.cleanup()

    def play(self, step: str, model: str) -> dict[str, Any]:
        """What came of `step`; fails with what the program said when it ends or takes 50 s."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watch = threading.Timer(child.PATIENCE_S, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(f"{step} {model}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
            watch.join()
        assert line, "the program ended:\n" + "".join(self._said)[-4000:]
        found: dict[str, Any] = json.loads(line)
        return found

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._said.extend(self._process.stderr)
