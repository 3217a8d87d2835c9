"""A hub as a program of its own: `python -m tokenhub --headless` in a child process."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.support.cast import environment

PATIENCE_S = 20.0
ROOT = Path(__file__).parents[2]


class HubProcess:
    """`with` or `async with HubProcess(home) as hub`: a child at `hub.url` that is ready to serve.

    At the end it gets SIGTERM; `exit_code` and `stderr` tell how it went. `environ` adds to the
    settings of `cast.environment`, and nothing else of the tests' own environment gets in.
    """

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.url = ""
        self.exit_code: int | None = None
        self._environ = environment(environ)
        self._process: subprocess.Popen[bytes] | None = None
        # Readable as long as this object is there, also when the child has ended.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self._stderr.close)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._running().pid

    @property
    def stderr(self) -> str:
        """All that the child wrote to stderr so far."""
        return os.pread(self._stderr.fileno(), 1 << 24, 0).decode(errors="replace")

    def start(self) -> None:
        """Start the child and wait until it answers `/healthz`."""
        passed = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tokenhub", "--headless"],
            cwd=ROOT,
            env={**passed, "TOKENHUB_HOME": str(self.home), **self._environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout_s: float = PATIENCE_S) -> int:
        """End the child with SIGTERM and return its exit code; kill it after `timeout_s`."""
        if self.exit_code is None:
            process = self._running()
            process.send_signal(signal.SIGTERM)
            try:
                self.exit_code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End the child with SIGKILL, as a power cut would."""
        process = self._running()
        process.kill()
        self.exit_code = process.wait(PATIENCE_S)

    def signal(self, number: int) -> None:
        """Send a signal to the child."""
        self._running().send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait until the child has ended by itself and return its exit code."""
        if self.exit_code is None:
            self.exit_code = self._running().wait(timeout_s)
        return self.exit_code

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the hub was not started")
        return self._process

    def _wait_until_ready(self) -> None:
        due = time.monotonic() + PATIENCE_S
        while time.monotonic() < due:
            if self._running().poll() is not None:
                raise RuntimeError(f"the hub ended at its start:\n{self.stderr}")
            self.url = self._announced()
            if self.url and (not self.url.startswith("http:") or _healthy(self.url)):
                return
            time.sleep(0.02)
        raise RuntimeError(f"the hub did not answer within {PATIENCE_S} s:\n{self.stderr}")

    def _announced(self) -> str:
        """The address in the lock file, read without touching the lock; empty until it is there."""
        try:
            found = json.loads((self.home / "lock").read_bytes())
        except (OSError, ValueError):
            return ""
        return str(found["address"] or "") if found["pid"] == self.pid else ""


def _healthy(url: str) -> bool:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    finally:
        connection.close()
