"""Prompts at a real terminal: a child process on a pseudo-terminal."""

import os
import pty
import select
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 20.0


class Prompted:
    """`tokenhubctl vault unlock`, waiting at its prompt."""

    def __init__(self, home: Path) -> None:
        environ = {"TOKENHUB_HOME": str(home), "TOKENHUB_ADMIN_TOKEN": "0123456789abcdef"}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            argv = [sys.executable, "-m", "tokenhub.ctl", "vault", "unlock"]
            os.execve(sys.executable, argv, environ)  # noqa: S606 - this very interpreter
        self.seen = b""
        self._read_until(b"Vault password: ")

    def type(self, keys: bytes) -> int:
        """Send `keys` and return the exit code."""
        os.write(self._terminal, keys)
        self._read_until(None)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read_until(self, text: bytes | None) -> None:
        """Read until `text` was seen, None for the end."""
        due = time.monotonic() + PATIENCE_S
        while text is None or text not in self.seen:
            ready, _, _ = select.select([self._terminal], [], [], due - time.monotonic())
            if not ready:
                os.kill(self.pid, 9)
                raise AssertionError(f"the command still waits after {self.seen!r}")
            try:
                part = os.read(self._terminal, 4096)
            except OSError:  # the other side has closed
                part = b""
            if not part:
                return
            self.seen += part


@pytest.mark.parametrize(("keys", "code"), [(b"\x03", 130), (b"\x04", 2)])
def test_ctrl_c_and_ctrl_d_end_a_prompt(tmp_path: Path, keys: bytes, code: int) -> None:
    prompted = Prompted(tmp_path)
    assert prompted.type(keys) == code
    assert b"Traceback" not in prompted.seen
