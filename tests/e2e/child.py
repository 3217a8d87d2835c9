"""Starts a program with a home of its own and no way to the outside."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_S = 50.0
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: a program that wants more than loopback fails at once."""


def surroundings(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """What a program sees: nothing of the tests' own environment but where programs are."""
    basis = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    aside = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return {**basis, **proxies, **aside, **extra}


def run(
    command: Sequence[str], *, home: Path, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program in `folder` until it ends; it is killed after 50 s."""
    return subprocess.run(
        command,
        cwd=folder,
        env=surroundings(home, environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
