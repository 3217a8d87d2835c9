"""One hub with its simulated providers for all of these programs, and each program's own home."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.scene import ANSWER, DOT, MODELS, NOTE
from tests.support.stage import Stage
from tokenhub.simulator import Profile
from tokenhub.simulator.model import brain

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is tested here drives other people's programs."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A hub process and the three simulators behind it, for the whole run."""
    with Stage() as stage:
        yield stage


@pytest.fixture
def hub(stage: Stage) -> Stage:
    """The hub (`hub.url` has no `/v1`), its providers well, saying `ANSWER`, with no calls yet."""
    stage.reset()
    for kind in stage.simulators:
        stage.play(kind, Profile(answer=ANSWER))
    return stage


@pytest.fixture(params=list(MODELS))
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of provider in turn."""
    return str(request.param)


@pytest.fixture
def model(kind: str) -> str:
    """The model of that provider."""
    return MODELS[kind]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new home folder, so that a program finds no settings and leaves none."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a program works; in it are the files `notes.txt` and `dot.png`."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "notes.txt").write_text(f"{NOTE}\n")
    (folder / "dot.png").write_bytes(DOT)
    return folder


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Chooses what the simulated models call tools with, instead of anything the schema allows."""

    def choose(given: dict[str, Any]) -> None:
        monkeypatch.setattr(brain, "instance", lambda _schema, _rng: given)

    return choose
