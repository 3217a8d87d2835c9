"""Key slots: the vault's data key, wrapped under something that a person has or knows."""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tokenhub.errors import VaultError, WrongPassword
from tokenhub.vault import cipher

PASSWORD: Final = "password"  # noqa: S105 - the kind of a slot
SALT_BYTES: Final = 16
KDF: Final = "argon2id"

# A slot comes from a file that others may have written: what it asks for must stay affordable.
MOST_MEMORY_KIB: Final = 1024 * 1024
MOST_ITERATIONS: Final = 16
MOST_LANES: Final = 16


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one guess of the password costs (Argon2id, RFC 9106)."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def raised_to(self, other: "Argon2Cost") -> "Argon2Cost":
        """Return the dearer of both in each parameter."""
        return Argon2Cost(
            max(self.memory_kib, other.memory_kib),
            max(self.iterations, other.iterations),
            max(self.lanes, other.lanes),
        )

    @property
    def acceptable(self) -> bool:
        """Whether Argon2 can run with it at all, within what a start may cost."""
        return (
            1 <= self.lanes <= MOST_LANES
            and 8 * self.lanes <= self.memory_kib <= MOST_MEMORY_KIB
            and 1 <= self.iterations <= MOST_ITERATIONS
        )


DEFAULT_COST: Final = Argon2Cost()


@dataclass(frozen=True, slots=True)
class PasswordSlot:
    """The data key encrypted under a key derived from a password."""

    cost: Argon2Cost
    salt: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

    def spec(self) -> dict[str, Any]:
        """Return the slot as it is stored."""
        return {
            "kdf": KDF,
            "memory_kib": self.cost.memory_kib,
            "iterations": self.cost.iterations,
            "lanes": self.cost.lanes,
            "salt": self.salt.hex(),
            "nonce": self.nonce.hex(),
            "wrapped": self.wrapped.hex(),
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """Read a stored slot. Raises VaultError when it is none, or asks for too much."""
        try:
            cost = Argon2Cost(*(int(spec[key]) for key in ("memory_kib", "iterations", "lanes")))
            slot = cls(cost, *(bytes.fromhex(spec[key]) for key in ("salt", "nonce", "wrapped")))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise damaged() from None
        if spec.get("kdf") != KDF or len(slot.salt) != SALT_BYTES or not cost.acceptable:
            raise damaged()
        return slot


def wrap(
    data_key: bytearray, password: str, vault_id: str, key_version: int, cost: Argon2Cost
) -> PasswordSlot:
    """Return a slot that opens with `password`. Takes as long as a guess is meant to."""
    salt = os.urandom(SALT_BYTES)
    key = _derive(password, salt, cost)
    try:
        nonce, wrapped = cipher.encrypt(key, data_key, _place(vault_id, key_version))
    finally:
        cipher.wipe(key)
    return PasswordSlot(cost, salt, nonce, wrapped)


def unwrap(slot: PasswordSlot, password: str, vault_id: str, key_version: int) -> bytearray:
    """Return the data key. Takes as long as a guess is meant to; raises WrongPassword."""
    key = _derive(password, slot.salt, slot.cost)
    try:
        data_key = cipher.decrypt(key, slot.nonce, slot.wrapped, _place(vault_id, key_version))
    finally:
        cipher.wipe(key)
    if data_key is None:
        raise WrongPassword("the password does not open the vault")
    return data_key


def _derive(password: str, salt: bytes, cost: Argon2Cost) -> bytearray:
    # The same password typed on another system may come in another Unicode form (RFC 8265 §4.2).
    secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    key = bytearray(cipher.KEY_BYTES)
    Argon2id(
        salt=salt,
        length=cipher.KEY_BYTES,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive_into(secret, key)
    return key


def _place(vault_id: str, key_version: int) -> bytes:
    return cipher.associated_data("slot", vault_id, PASSWORD, key_version)


def damaged() -> VaultError:
    """Return the error for a password slot that cannot be used."""
    return VaultError(
        "the vault's password slot is damaged or was changed outside TokenHub: restore a backup"
    )
