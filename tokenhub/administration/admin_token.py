"""The token that opens the admin API."""

import asyncio
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from tokenhub.administration.changes import Author, Changes
from tokenhub.errors import RequestError, StartError, StorageError

FILE_NAME = ".admin-token"
VARIABLE = "TOKENHUB_ADMIN_TOKEN"

_MAX_TOKEN_CHARS = 1024


class AdminToken:
    """Holds the admin token: generated on the first start, or given by the environment."""

    def __init__(self, path: Path, token: str, *, from_variable: bool) -> None:
        self._path = path
        self._digest = _digest(token)
        self._from_variable = from_variable

    @classmethod
    def load(cls, home: Path, variable: str | None) -> "AdminToken":
        """Return the token of `variable`, else of the file in `home`, which is made if missing.

        Raises `StartError` where the file can neither be read nor made.
        """
        path = home / FILE_NAME
        if variable:
            return cls(path, variable, from_variable=True)
        try:
            return cls(path, _read(path) or _create(path), from_variable=False)
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(f"the admin token file {path} cannot be used: {error}") from None

    def matches(self, token: str | None) -> bool:
        """Tell in constant time whether `token` is the admin token."""
        return token is not None and hmac.compare_digest(_digest(token), self._digest)

    async def rotate(self, changes: Changes, author: Author) -> str:
        """Replace the token at once and return the new one; 409 while the variable holds it."""
        if self._from_variable:
            raise RequestError(
                409,
                "admin_token_from_variable",
                f"the admin token comes from {VARIABLE}: change it there and restart",
            )
        return await changes.alone(self._rotate(changes, author))

    async def _rotate(self, changes: Changes, author: Author) -> str:
        token = secrets.token_hex(32)
        new = self._path.with_name(FILE_NAME + ".new")
        try:
            await changes.apply(
                author.entry("admin-token.rotate", "admin-token"), lambda _: _write(new, token)
            )
            await asyncio.to_thread(new.replace, self._path)
        except OSError as error:
            raise StorageError(
                f"the admin token file cannot be written: {error.strerror}"
            ) from None
        self._digest = _digest(token)
        return token


def _digest(token: str) -> bytes:
    # surrogateescape: a header may hold any bytes, and whatever it holds is only compared.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _read(path: Path) -> str | None:
    """Return the token in the file, None without a file; others may not read it from now on."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with open(descriptor, encoding="ascii") as file:
        os.fchmod(descriptor, 0o600)
        token = file.read(_MAX_TOKEN_CHARS).strip()
    if not token.isprintable() or not token:
        raise StartError(f"the admin token file {path} holds no token: delete it to get a new one")
    return token


def _create(path: Path) -> str:
    token = secrets.token_hex(32)
    _write(path, token)
    return token


def _write(path: Path, token: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
