"""Reading a file that holds secrets, if it is kept as such a file must be."""

import os
import stat
from pathlib import Path
from typing import Final

from tokenhub.errors import TokenHubError

MAX_BYTES: Final = 1 << 20


class UnsafeFile(TokenHubError):
    """A file of secrets that others may read, or may have put there; says how to mend it."""


def read_private(path: Path) -> bytes | None:
    """Return the content of `path`, None where there is no such file.

    Raises `UnsafeFile` unless it is a regular file (no symlink) of this user, that nobody else may
    read, outside every git work tree, and at most 1 MiB long.
    """
    try:
        # Non-blocking: opening a named pipe would wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise UnsafeFile(f"{path} is a symlink: put the file itself there") from None
        raise UnsafeFile(f"{path} cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor))
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnsafeFile(f"{path} is larger than {MAX_BYTES} bytes")
    return content


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile(f"{path} is not a regular file")
    if status.st_uid != os.getuid():
        raise UnsafeFile(f"{path} belongs to another user: run 'chown {os.getuid()} {path}'")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o177:
        raise UnsafeFile(f"{path} has mode {mode:04o}, expected 0600: run 'chmod 600 {path}'")
    tree = _work_tree(path)
    if tree is not None:
        raise UnsafeFile(
            f"{path} lies in the git work tree {tree}, where it may be committed: move it out"
        )


def _work_tree(path: Path) -> Path | None:
    folders = path.resolve().parents
    return next((folder for folder in folders if os.path.lexists(folder / ".git")), None)
