"""Starts the programs that run on Node, each with a home of its own and no way to the outside."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "node"
INSTALLED = FOLDER / "node_modules"
PATIENCE_S = 50.0
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: a program that wants more than loopback fails at once."""


def node() -> str:
    """The Node that npm installed for these tests, else the machine's; skips without any."""
    if not INSTALLED.is_dir():
        pytest.skip("Node programs are not installed: `make e2e` does it where there is npm")
    own = next(INSTALLED.glob("node-*/bin/node"), None)
    found = str(own) if own else shutil.which("node")
    if found is None:
        pytest.skip("there is no Node on this machine")
    return found


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """What a program sees: nothing of the tests' own environment but where programs are."""
    path = os.pathsep.join([str(Path(node()).parent), os.environ["PATH"]])
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    aside = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **proxies, **aside, **extra}


def run(
    command: Sequence[str], *, home: Path, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program in `folder` until it ends; it is killed after 50 s."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(home, environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def program(name: str) -> str:
    """The path of an installed program."""
    node()
    return str(INSTALLED / ".bin" / name)


def lines(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The JSON objects that a program printed, one a line; other lines are passed over."""
    found = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert found, f"exit code {ended.returncode}: {ended.stdout}{ended.stderr}"
    return found
