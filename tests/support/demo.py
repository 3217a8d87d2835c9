"""`tokenhub demo` as a program of its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

PATIENCE_S = 30.0
ROOT = Path(__file__).parents[2]


class Demo:
    """`with Demo() as demo`: it prints to `lines`; `url` and `key` are the ones it printed."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tokenhub", "demo", *arguments],
            cwd=ROOT,
            env={name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # what a buffer had read ahead would be lost to `communicate`
        )
        self.lines: list[str] = []
        self.stderr = ""

    def __enter__(self) -> Self:
        self.url = self._printed(r"base URL +(http://[\w.:]+)/v1\b")
        self.key = self._printed(r"client key +(tokenhub_[0-9a-f]{64})$")
        self.home = self._printed(r"administer +TOKENHUB_HOME=(\S+) tokenhubctl status$")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end and return the exit code; all it printed is in `lines` and `stderr`."""
        if self._process.stdout is not None and not self._process.stdout.closed:
            try:
                rest, errors = self._process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                rest, errors = self._process.communicate()
            self.lines += rest.decode().splitlines()
            self.stderr = errors.decode()
        return self._process.returncode

    def _printed(self, pattern: str) -> str:
        """The group of the next line, which must match `pattern`."""
        line = self._process.stdout.readline().decode() if self._process.stdout else ""
        self.lines.append(line)
        match = re.match(pattern, line)
        if match is None:
            self.stop()
            raise AssertionError(f"{line!r} does not match {pattern!r}; stderr: {self.stderr}")
        return match[1]
