"""The trail of what administrators changed, chained so that later edits of it show.

Each row's MAC is HMAC-SHA256, under a key that only this home has, over the MAC of the row before
it and the row itself. How many rows there are and the last MAC also stand in a file of their own,
so that rows cut off the end show too.
"""

import hashlib
import hmac
import json
import logging
import os
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenhub.errors import StartError
from tokenhub.storage import audit as rows

REMOVED: Final = "[removed]"

_KEY_BYTES: Final = 32
_NO_ROW: Final = (0, bytes(32))
_SECRET_NAMES: Final = re.compile(
    r"(?:.*_)?(?:key|apikey|password|passphrase|token|secret|secrets|authorization|cookie"
    r"|key_hash|ciphertext)"
)
_SECRET_TEXT: Final = re.compile(
    r"(?<=://)[^/?#\s@]*(?=@)|(?<=bearer )\S+|tokenhub_[0-9a-f]{32,}|\bsk-[\w-]{8,}", re.IGNORECASE
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One administrator's change: what (`provider.patch`), to what, by whom, from what to what.

    `before` and `after` are JSON values, None where there was or is nothing; secrets in them are
    removed when the row is written.
    """

    action: str
    resource: str
    actor: str
    request_id: str | None
    before: object
    after: object


class AuditTrail:
    """Writes the chained rows and, after their commit, the head.

    Give `publish_head` to the database as its `on_commit`.
    """

    def __init__(self, key_path: Path, head_path: Path) -> None:
        """Read the key at `key_path`, or make one; raises StartError when neither is possible."""
        self._key = _load_key(key_path)
        self._head_path = head_path
        # A head that a crash has left behind its rows is brought up to date by the first commit.
        self._head_is_old = True

    def append(self, connection: sqlite3.Connection, entry: AuditEntry, now_ms: int) -> None:
        """Add a row inside the caller's transaction, so that both commit or neither."""
        number, previous = rows.last(connection) or _NO_ROW
        before, after = _text(entry.before), _text(entry.after)
        values = (number + 1, now_ms, entry.action, entry.resource, entry.actor, entry.request_id)
        message = previous + _canonical([*values, before, after]).encode()
        mac = hmac.digest(self._key, message, hashlib.sha256)
        rows.append(connection, rows.AuditRow(*values, before=before, after=after, mac=mac))
        self._head_is_old = True

    def publish_head(self, connection: sqlite3.Connection) -> None:
        """Write number and MAC of the last committed row to the head file, if they are new.

        What cannot be written now is logged, and written after the next commit.
        """
        if not self._head_is_old:
            return
        number, mac = rows.last(connection) or _NO_ROW
        text = _canonical({"count": number, "mac": mac.hex()})
        try:
            _replace(self._head_path, text.encode())
        except OSError as error:
            logger.error("the head of the audit trail cannot be written: %s", error.strerror)
            return
        self._head_is_old = False


def redacted(value: object) -> object:
    """Return a JSON value without secrets: by the name they stand under, and by how they look."""
    if isinstance(value, Mapping):
        return {name: _redacted_member(str(name), member) for name, member in value.items()}
    if isinstance(value, str):
        return _SECRET_TEXT.sub(REMOVED, value)
    if isinstance(value, Sequence | frozenset | set) and not isinstance(value, bytes):
        return [redacted(item) for item in value]
    return value


def _redacted_member(name: str, value: Any) -> object:
    plain = name.lower().replace("-", "_")
    if plain == "headers" and isinstance(value, Mapping):
        return dict.fromkeys(value, REMOVED)
    if value is None or isinstance(value, bool):
        return value
    return REMOVED if _SECRET_NAMES.fullmatch(plain) else redacted(value)


def _text(value: object) -> str | None:
    return None if value is None else _canonical(redacted(value))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _load_key(path: Path) -> bytes:
    try:
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            key = os.urandom(_KEY_BYTES)
            _replace(path, key)
    except OSError as error:
        raise StartError(f"cannot use the audit key {path}: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise StartError(f"the audit key {path} is damaged: {_KEY_BYTES} bytes expected")
    return key


def _replace(path: Path, content: bytes) -> None:
    """Put a private file in place, whole or not at all."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    file = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(file)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
