"""Starts of `tokenhub --headless` that are meant to fail."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.cast import environment
from tests.support.process import ROOT

PATIENCE_S = 20.0


def refused(
    home: Path, environ: Mapping[str, str] | None = None, *, unprivileged: bool = False
) -> str:
    """Start a hub that must end with code 1 and one line on stderr; return that line.

    `unprivileged` takes from root what lets it write where modes forbid it.
    """
    command = [sys.executable, "-W", "error", "-m", "tokenhub", "--headless"]
    if unprivileged and os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root writes everywhere, and there is no setpriv to prevent it")
        command = [setpriv, "--bounding-set=-all", "--inh-caps=-all", *command]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TOKENHUB_HOME": str(home), **environment(environ)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("tokenhub: ")
    return done.stderr.removeprefix("tokenhub: ").rstrip("\n")
