"""The client keys in force, found by their hash."""

import hashlib
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from tokenhub.errors import RequestError
from tokenhub.types import ApiKey

PREFIX = "tokenhub_"
_SHOWN_CHARS = len(PREFIX) + 8
_FORMS = "'Authorization: Bearer tokenhub_…', 'x-api-key' or 'X-TokenHub-Key'"


class NewToken(NamedTuple):
    """A fresh token: shown once as `token`, kept as `key_hash`, recognised by `prefix`."""

    token: str
    key_hash: bytes
    prefix: str

    def __repr__(self) -> str:
        return f"NewToken(prefix={self.prefix!r})"


def new_token() -> NewToken:
    """Return `tokenhub_<64 hex>` from the system's randomness, with its SHA-256 and its start."""
    token = PREFIX + secrets.token_hex(32)
    return NewToken(token, hash_of(token), token[:_SHOWN_CHARS])


def hash_of(token: str) -> bytes:
    """Return the SHA-256 under which `token` is kept; any header's text can be hashed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class KeyRing:
    """All client keys, disabled and expired ones too; a change holds from the next lookup on."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._by_hash: dict[bytes, ApiKey] = {}
        self._by_id: dict[str, ApiKey] = {}
        self.replace(keys)

    def replace(self, keys: Iterable[ApiKey]) -> None:
        """Let `keys` be all there are."""
        keys = tuple(keys)
        self._by_hash = {key.key_hash: key for key in keys}
        self._by_id = {key.id: key for key in keys}

    def put(self, key: ApiKey) -> None:
        """Add `key`, or exchange the one of the same id: its former token dies at once."""
        self.remove(key.id)
        self._by_hash[key.key_hash] = key
        self._by_id[key.id] = key

    def remove(self, key_id: str) -> None:
        """Revoke the key `key_id`; nothing happens when there is none."""
        if (key := self._by_id.pop(key_id, None)) is not None:
            del self._by_hash[key.key_hash]

    def get(self, key_id: str) -> ApiKey | None:
        """Return the key `key_id`."""
        return self._by_id.get(key_id)

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key."""
        return tuple(self._by_id.values())

    def authenticate(self, token: str | None, now_ms: int) -> ApiKey:
        """Return the key that `token` belongs to.

        Raises RequestError 401 for a missing, unknown, expired or disabled one; the message never
        holds the token.
        """
        if not token:
            raise _refused("missing_api_key", f"no TokenHub key was sent: send it as {_FORMS}")
        key = self._by_hash.get(hash_of(token))
        if key is None:
            message = f"this TokenHub key is not known: send a valid one as {_FORMS}"
            raise _refused("invalid_api_key", message)
        if not key.enabled:
            raise _refused("disabled_api_key", f"the key {key.prefix}… is disabled")
        if key.expires_at_ms is not None and now_ms >= key.expires_at_ms:
            raise _refused("expired_api_key", f"the key {key.prefix}… has expired")
        return key


def _refused(code: str, message: str) -> RequestError:
    return RequestError(401, code, message)
