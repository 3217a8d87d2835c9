"""Starts the programs that run on Node."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import child

FOLDER = Path(__file__).parent / "node"
INSTALLED = FOLDER / "node_modules"


def node() -> str:
    """The Node that npm installed for these tests, else the machine's; skips without any."""
    if not INSTALLED.is_dir():
        pytest.skip("Node programs are not installed: `make e2e` does it where there is npm")
    own = next(INSTALLED.glob("node-*/bin/node"), None)
    found = str(own) if own else shutil.which("node")
    if found is None:
        pytest.skip("there is no Node on this machine")
    return found


def run(
    command: Sequence[str], *, home: Path, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program that may start Node itself, in `folder`, until it ends."""
    path = os.pathsep.join([str(Path(node()).parent), os.environ["PATH"]])
    return child.run(command, home=home, environ={"PATH": path, **environ}, folder=folder)


def program(name: str) -> str:
    """The path of an installed program."""
    node()
    return str(INSTALLED / ".bin" / name)


def lines(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The JSON objects that a program printed, one a line; other lines are passed over."""
    found = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert found, f"exit code {ended.returncode}: {ended.stdout}{ended.stderr}"
    return found
