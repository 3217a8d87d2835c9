"""Signatures of thinking and encrypted reasoning: bound to the text and the model that made them.

As at the real services, only what a model made itself passes when it is sent back, encrypted
reasoning only in an item of the id that it was made with, or of none; the key is fixed, since two
accounts of one service accept each other's.
"""

import base64
import binascii
import hashlib
import hmac

_KEY = b"simulated provider"
_SIZE = 32
_SIGNED = b"\x12"
_SEALED = b"\x80\0\0\0\0\x69\0\0\0"
"""The head of a Fernet token: version and time, so that it begins with `gAAAAAB`."""


def sign(model: str, thinking: str) -> str:
    """The `signature` of a thinking block: base64 that begins with `E`, as Anthropic's does."""
    return base64.b64encode(_SIGNED + _sealed(model, thinking)).decode()


def signature_is_valid(model: str, thinking: str, signature: object) -> bool:
    """Whether `model` made `signature` for `thinking`, or for a text that was then omitted."""
    raw = _decoded(signature)
    if raw[:1] != _SIGNED or not _is_ours(model, raw[1:]):
        return False
    return not thinking or raw[1 : 1 + _SIZE] == _digest(thinking)


def seal(model: str, thinking: str, item_id: str = "") -> str:
    """Opaque reasoning: a `redacted_thinking` block's data or a response's `encrypted_content`."""
    return base64.urlsafe_b64encode(_SEALED + _sealed(model, thinking, item_id)).decode()


def seal_is_valid(model: str, data: object) -> bool:
    """Whether `model` made the opaque reasoning `data`."""
    raw = _decoded(data)
    return raw.startswith(_SEALED) and _is_ours(model, raw[len(_SEALED) :])


def is_sealed_in(item_id: str, data: str) -> bool:
    """Whether the opaque reasoning `data`, which is valid, was made in the item `item_id`."""
    start = len(_SEALED) + _SIZE
    return _decoded(data)[start : start + _SIZE] == _digest(item_id)


def _sealed(model: str, *texts: str) -> bytes:
    digests = b"".join(map(_digest, texts))
    return digests + _mac(model, digests)


def _is_ours(model: str, sealed: bytes) -> bool:
    return hmac.compare_digest(sealed[-_SIZE:], _mac(model, sealed[:-_SIZE]))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _mac(model: str, digests: bytes) -> bytes:
    return hmac.digest(_KEY, model.encode() + b"\0" + digests, "sha256")


def _decoded(data: object) -> bytes:
    if not isinstance(data, str):
        return b""
    try:
        return base64.b64decode(data, altchars=b"-_" if data.startswith("gAAAA") else None)
    except (binascii.Error, ValueError):
        return b""
