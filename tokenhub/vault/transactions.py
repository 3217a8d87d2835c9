"""What the vault does on the database: each function is one step inside a transaction."""

import logging
import sqlite3
from dataclasses import dataclass, field
from typing import Final

from tokenhub.errors import RequestError, VaultThrottled
from tokenhub.storage import vault as rows
from tokenhub.storage.vault import Sealed
from tokenhub.vault import cipher
from tokenhub.vault.slots import PASSWORD, PasswordSlot, damaged

logger = logging.getLogger(__name__)

TRIES: Final = 5
TRIES_WINDOW_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Header:
    """What must be known to open the vault: its id, the data key's version, the password slot."""

    vault_id: str
    key_version: int
    slot: PasswordSlot


@dataclass(frozen=True, slots=True)
class Opened:
    """A vault's data key and what it decrypts, by name."""

    vault_id: str
    key_version: int
    data_key: bytearray = field(repr=False)
    secrets: dict[str, bytearray] = field(repr=False)

    def wipe(self) -> None:
        """Overwrite every key."""
        for secret in (self.data_key, *self.secrets.values()):
            cipher.wipe(secret)
        self.secrets.clear()


def count_try(connection: sqlite3.Connection, now_ms: int) -> Header:
    """Note a wrong password before it is checked, so that no kill gives a free one.

    Returns what is needed to check it. Raises RequestError 409 when there is no vault,
    VaultThrottled after 5 wrong ones within a minute.
    """
    header = _header(connection)
    since_ms = now_ms - TRIES_WINDOW_MS
    rows.delete_failures_before(connection, since_ms + 1)
    # Failures far ahead were noted before the clock was set back: they would throttle for ever.
    failures = [
        at for at in rows.failures_since(connection, since_ms) if at < now_ms + TRIES_WINDOW_MS
    ]
    if len(failures) >= TRIES:
        raise VaultThrottled((failures[-TRIES] - since_ms) / 1000)
    rows.add_failure(connection, now_ms)
    return header


def create(connection: sqlite3.Connection, header: Header) -> None:
    """Store a new vault. Raises RequestError 409 when there is one."""
    if rows.identity(connection) is not None:
        raise RequestError(
            409,
            "vault_initialised",
            "the vault is initialised already: 'tokenhubctl vault unlock' opens it,"
            " 'tokenhubctl vault rotate' changes its password",
        )
    rows.put_identity(connection, header.vault_id, header.key_version)
    replace_slot(connection, header.slot)


def open_secrets(
    connection: sqlite3.Connection, header: Header, data_key: bytearray, tried_ms: int
) -> Opened:
    """Decrypt every secret after the right password was given at `tried_ms`.

    A secret that was changed outside of TokenHub is left out and logged: the others still serve.
    """
    rows.delete_failures_before(connection, tried_ms + 1)
    secrets: dict[str, bytearray] = {}
    for sealed in rows.secrets(connection):
        plaintext = unseal(data_key, header.vault_id, sealed)
        if plaintext is None:
            logger.error("vault: %r was changed outside TokenHub: enter it again", sealed.name)
        else:
            secrets[sealed.name] = plaintext
    return Opened(header.vault_id, header.key_version, data_key, secrets)


def replace_slot(connection: sqlite3.Connection, slot: PasswordSlot) -> None:
    """Store a slot in the place of the old one."""
    rows.put_slot(connection, PASSWORD, slot.spec())


def rekey(connection: sqlite3.Connection, opened: Opened, slot: PasswordSlot, now_ms: int) -> None:
    """Encrypt every secret anew under the data key of `opened`, which `slot` opens from now on."""
    # The version goes first: storage takes secrets of the version in force only.
    rows.put_identity(connection, opened.vault_id, opened.key_version)
    replace_slot(connection, slot)
    for name, plaintext in opened.secrets.items():
        rows.put_secret(connection, seal(opened, name, plaintext), now_ms)


def seal(opened: Opened, name: str, plaintext: bytes | bytearray) -> Sealed:
    """Encrypt a secret for the row `name`."""
    place = cipher.associated_data("secret", opened.vault_id, name, opened.key_version)
    nonce, ciphertext = cipher.encrypt(opened.data_key, plaintext, place)
    return Sealed(name, opened.key_version, nonce, ciphertext)


def unseal(data_key: bytearray, vault_id: str, sealed: Sealed) -> bytearray | None:
    """Decrypt a secret; None when it is not what was sealed under this key for this row."""
    place = cipher.associated_data("secret", vault_id, sealed.name, sealed.version)
    return cipher.decrypt(data_key, sealed.nonce, sealed.ciphertext, place)


def _header(connection: sqlite3.Connection) -> Header:
    identity = rows.identity(connection)
    if identity is None:
        message = "the vault is not initialised: set it up with 'tokenhubctl vault init'"
        raise RequestError(409, "vault_uninitialised", message)
    try:
        spec = rows.slots(connection)[PASSWORD]
    except (KeyError, ValueError):
        raise damaged() from None
    return Header(*identity, PasswordSlot.from_spec(spec))
