"""Authenticated encryption of bytes: AES-256-GCM with a fresh 96-bit nonce (NIST SP 800-38D)."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


def new_key() -> bytearray:
    """Return a random 256-bit key."""
    return bytearray(os.urandom(KEY_BYTES))


def associated_data(purpose: str, vault_id: str, name: str, version: int) -> bytes:
    """Return the bytes that bind a ciphertext to its place; no two places give the same."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (purpose, vault_id, name)]
    return b"".join(len(p).to_bytes(4, "big") + p for p in parts) + version.to_bytes(
        8, "big", signed=True
    )


def encrypt(key: bytearray, plaintext: bytes | bytearray, associated: bytes) -> tuple[bytes, bytes]:
    """Return (nonce, ciphertext with its 16-byte tag) of `plaintext` under a 32-byte `key`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce, AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytearray, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytearray | None:
    """Return the plaintext in a buffer that can be wiped.

    None when key, nonce, ciphertext or associated data are not the ones of the encryption.
    """
    if len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
        return None
    plaintext = bytearray(len(ciphertext) - TAG_BYTES)
    try:
        AESGCM(key).decrypt_into(nonce, ciphertext, associated, plaintext)
    except InvalidTag:
        return None
    return plaintext


def wipe(buffer: bytearray) -> None:
    """Overwrite `buffer` with zeros, in place."""
    buffer[:] = bytes(len(buffer))
