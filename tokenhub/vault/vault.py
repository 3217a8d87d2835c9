"""The vault's states, and the plain keys while it is unlocked."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Final, Self
from uuid import uuid4

from tokenhub.errors import BadRequest, TokenHubError, VaultUnavailable
from tokenhub.storage import vault as rows
from tokenhub.storage.database import Database
from tokenhub.storage.vault import Sealed
from tokenhub.tasks import Tasks
from tokenhub.vault import cipher, slots
from tokenhub.vault import transactions as steps
from tokenhub.vault.slots import DEFAULT_COST, Argon2Cost, PasswordSlot
from tokenhub.vault.transactions import Header, Opened

SHORTEST_PASSWORD: Final = 8

Also = Callable[[sqlite3.Connection], None]
"""What else belongs into the transaction of a change: its audit row."""


class VaultState(StrEnum):
    """Whether there is a vault, and whether its secrets can be read."""

    UNINITIALISED = "uninitialised"
    LOCKED = "locked"
    UNLOCKED = "unlocked"


class Vault:
    """Holds secrets by name: encrypted in the database, plain in memory while unlocked.

    `on_change` is told each new state. One process owns the database, so one `Vault` is the only
    writer of its rows. A change that was begun is brought to its end even if its caller goes away:
    memory always follows what was committed.
    """

    def __init__(
        self,
        db: Database,
        names: set[str] | None,
        *,
        now_ms: Callable[[], int],
        autolock_minutes: float,
        on_change: Callable[[VaultState], None],
        cost: Argon2Cost,
    ) -> None:
        self._db = db
        self._initialised = names is not None
        self._names = names or set()
        self._now_ms = now_ms
        self._autolock_minutes = autolock_minutes
        self._on_change = on_change
        self._cost = cost
        self._opened: Opened | None = None
        self._used_ms = 0
        self._locks = 0
        self._tasks = Tasks()
        # One password check at a time: 64 MiB of memory, and no guesses past the throttle.
        self._change = asyncio.Lock()

    @classmethod
    async def load(
        cls,
        db: Database,
        *,
        now_ms: Callable[[], int],
        autolock_minutes: float = 0,
        on_change: Callable[[VaultState], None] = lambda _state: None,
        cost: Argon2Cost = DEFAULT_COST,
    ) -> Self:
        """Return the vault of `db`: locked, or not initialised.

        `autolock_minutes` 0 is off; `cost` is what new password slots cost to guess.
        """

        def names(connection: sqlite3.Connection) -> set[str] | None:
            if rows.identity(connection) is None:
                return None
            return {sealed.name for sealed in rows.secrets(connection)}

        return cls(
            db,
            await db.read(names),
            now_ms=now_ms,
            autolock_minutes=autolock_minutes,
            on_change=on_change,
            cost=cost,
        )

    # States

    @property
    def state(self) -> VaultState:
        """The state now."""
        if self._opened is not None:
            return VaultState.UNLOCKED
        return VaultState.LOCKED if self._initialised else VaultState.UNINITIALISED

    async def init(self, password: str, also: Also) -> None:
        """Create the vault under `password` and leave it unlocked.

        Raises BadRequest for fewer than 8 characters, RequestError 409 when there is a vault.
        """
        _check_length(password, "admin_password")
        await self._to_the_end("vault init", self._init(password, also, self._locks))

    async def unlock(self, password: str, also: Also) -> None:
        """Make the secrets readable; an unlocked vault checks the password all the same.

        A `lock` that comes meanwhile wins. Raises WrongPassword, VaultThrottled, RequestError 409
        when there is no vault, VaultError when its slot was damaged.
        """
        await self._to_the_end("vault unlock", self._unlock(password, also, self._locks))

    async def rotate(self, old_password: str, new_password: str | None, also: Also) -> None:
        """Replace the data key, the password if a new one is given, and encrypt all secrets anew.

        A locked vault stays locked. Raises as `unlock` and `init` do.
        """
        if new_password is not None:
            _check_length(new_password, "new_password")
        await self._to_the_end("vault rotate", self._rotate(old_password, new_password, also))

    def lock(self) -> None:
        """Wipe the keys in memory; from the next call on no secret can be read."""
        before = self.state
        self._locks += 1
        self._replace(None)
        self._announce(before)

    def touch(self) -> None:
        """Note that a client request needed a key: auto-lock waits its whole time from now."""
        self._used_ms = self._now_ms()

    @property
    def locks_in_s(self) -> float | None:
        """Seconds to the auto-lock; None when it is off or the vault is not unlocked."""
        if self._opened is None or self._autolock_minutes <= 0:
            return None
        idle_s = (self._now_ms() - self._used_ms) / 1000
        return max(0.0, self._autolock_minutes * 60 - idle_s)

    def lock_if_idle(self) -> bool:
        """Lock if the time of auto-lock has come; return whether it had."""
        if self.locks_in_s != 0:
            return False
        self.lock()
        return True

    async def close(self) -> None:
        """End what is under way and wipe the keys, without an announcement."""
        await self._tasks.close()
        self._replace(None)

    # Secrets

    def reveal(self, name: str) -> str | None:
        """Return a secret, None when there is none. Raises VaultUnavailable unless unlocked."""
        if self._opened is None:
            raise VaultUnavailable(self.state)
        secret = self._opened.secrets.get(name)
        return None if secret is None else secret.decode("utf-8", "surrogatepass")

    def has(self, name: str) -> bool:
        """Whether a secret of this name is stored, in any state."""
        return name in self._names

    def names(self) -> list[str]:
        """Return the names of all secrets, sorted, in any state."""
        return sorted(self._names)

    def seal(self, name: str, secret: str) -> Sealed:
        """Encrypt `secret` for `storage.vault.put_secret` in the caller's transaction.

        Call `adopt` after its commit. Raises VaultUnavailable unless unlocked.
        """
        if self._opened is None:
            raise VaultUnavailable(self.state)
        # The strict codec would put the whole secret into its exception.
        return steps.seal(self._opened, name, secret.encode("utf-8", "surrogatepass"))

    def adopt(self, sealed: Sealed) -> None:
        """Take up a secret that was committed."""
        self._names.add(sealed.name)
        opened = self._opened
        # A newer version has read this secret from the database, a locked vault will.
        if opened is None or opened.key_version != sealed.version:
            return
        secret = steps.unseal(opened.data_key, opened.vault_id, sealed)
        if secret is not None:
            cipher.wipe(opened.secrets.get(sealed.name, bytearray()))
            opened.secrets[sealed.name] = secret

    def drop(self, connection: sqlite3.Connection, name: str) -> bool:
        """Remove a secret in the caller's transaction; False when there was none.

        Works in any state. Call `forget` after the commit.
        """
        return rows.delete_secret(connection, name)

    def forget(self, name: str) -> None:
        """Wipe a secret whose removal was committed."""
        self._names.discard(name)
        if self._opened is not None:
            cipher.wipe(self._opened.secrets.pop(name, bytearray()))

    # Changes, one at a time

    async def _init(self, password: str, also: Also, locks: int) -> None:
        async with self._change:
            opened = Opened(uuid4().hex, 1, cipher.new_key(), {})
            slot = await asyncio.to_thread(_wrap, opened, password, self._cost)

            def create(connection: sqlite3.Connection) -> None:
                steps.create(connection, Header(opened.vault_id, opened.key_version, slot))
                also(connection)

            await self._db.write(create)
            self._install(opened, keep=self._locks == locks)

    async def _unlock(self, password: str, also: Also, locks: int) -> None:
        async with self._change:
            tried_ms = self._now_ms()
            header = await self._db.write(lambda connection: steps.count_try(connection, tried_ms))
            data_key = await asyncio.to_thread(_unwrap, header, password)
            dearer = await asyncio.to_thread(self._raise_cost, header, data_key, password)

            def open_all(connection: sqlite3.Connection) -> Opened:
                opened = steps.open_secrets(connection, header, data_key, tried_ms)
                if dearer is not None:
                    steps.replace_slot(connection, dearer)
                also(connection)
                return opened

            opened = await self._db.write(open_all)
            self._install(opened, keep=self._locks == locks)

    async def _rotate(self, old_password: str, new_password: str | None, also: Also) -> None:
        async with self._change:
            now_ms = self._now_ms()
            header = await self._db.write(lambda connection: steps.count_try(connection, now_ms))
            data_key = await asyncio.to_thread(_unwrap, header, old_password)
            password = old_password if new_password is None else new_password
            fresh = Opened(header.vault_id, header.key_version + 1, cipher.new_key(), {})
            cost = header.slot.cost.raised_to(self._cost)
            slot = await asyncio.to_thread(_wrap, fresh, password, cost)

            def rekey(connection: sqlite3.Connection) -> None:
                old = steps.open_secrets(connection, header, data_key, now_ms)
                fresh.secrets.update(old.secrets)
                steps.rekey(connection, fresh, slot, now_ms)
                also(connection)

            await self._db.write(rekey)
            cipher.wipe(data_key)
            self._install(fresh, keep=self._opened is not None)

    def _raise_cost(
        self, header: Header, data_key: bytearray, password: str
    ) -> PasswordSlot | None:
        cost = header.slot.cost.raised_to(self._cost)
        if cost == header.slot.cost:
            return None
        return slots.wrap(data_key, password, header.vault_id, header.key_version, cost)

    def _install(self, opened: Opened, *, keep: bool) -> None:
        before, self._initialised = self.state, True
        self._names.update(opened.secrets)
        if keep:
            self._replace(opened)
            self.touch()
        else:
            opened.wipe()
        self._announce(before)

    def _replace(self, opened: Opened | None) -> None:
        if self._opened is not None:
            self._opened.wipe()
        self._opened = opened

    def _announce(self, before: VaultState) -> None:
        if self.state is not before:
            self._on_change(self.state)

    async def _to_the_end(self, name: str, change: Coroutine[Any, Any, None]) -> None:
        failure = await asyncio.shield(self._tasks.start(name, _failure_of(change)))
        if failure is not None:
            raise failure


async def _failure_of(change: Coroutine[Any, Any, None]) -> TokenHubError | None:
    # A refusal is an answer to the caller; what a task raises is logged as the program's failure.
    try:
        await change
    except TokenHubError as error:
        return error
    return None


def _wrap(opened: Opened, password: str, cost: Argon2Cost) -> PasswordSlot:
    return slots.wrap(opened.data_key, password, opened.vault_id, opened.key_version, cost)


def _unwrap(header: Header, password: str) -> bytearray:
    return slots.unwrap(header.slot, password, header.vault_id, header.key_version)


def _check_length(password: str, param: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        message = f"{param}: expected {SHORTEST_PASSWORD} characters or more"
        raise BadRequest(f"{message}, got {len(password)}", param=param)
