"""One instance on a home directory."""

import fcntl
import json
import os
from pathlib import Path
from typing import Final

from tokenhub.errors import StartError

NAME: Final = "lock"


class InstanceLock:
    """A lock on `<home>/lock` that the kernel releases when the process ends, however it ends.

    The file says who holds it: `{"pid": 7, "address": "http://127.0.0.1:8080"}`, the address null
    until that instance listens. It stays when a process is killed: only `acquire` tells whether
    the home is free.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: int | None = None

    def acquire(self) -> None:
        """Make the home private and take the lock.

        Raises StartError at once, naming the other instance when one runs on this home.
        """
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._home.stat().st_mode & 0o077:
                self._home.chmod(0o700)
            file = os.open(self._home / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(f"cannot use the home {self._home}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            who = _holder(self._home)
            raise StartError(f"TokenHub already runs on {self._home}{who}") from error
        self._file = file
        self._write(None)

    def announce(self, address: str) -> None:
        """Leave the address that this instance listens on for others to read."""
        self._write(address)

    def release(self) -> None:
        """Give the home free."""
        if self._file is not None:
            os.truncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _write(self, address: str | None) -> None:
        if self._file is None:
            raise RuntimeError("the lock is not held")
        text = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.truncate(self._file, 0)
        os.pwrite(self._file, text, 0)


def _holder(home: Path) -> str:
    """Who holds the lock, in words that follow others; nothing where it has not said so yet."""
    try:
        found = json.loads((home / NAME).read_bytes())
        return f": PID {int(found['pid'])}, {found['address'] or 'still starting'}"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
