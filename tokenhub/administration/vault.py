"""The vault as an administrator works with it: set up, opened, closed, its keys replaced."""

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import pydantic
from pydantic import ConfigDict

from tokenhub.administration.changes import Author, Changes
from tokenhub.errors import RequestError
from tokenhub.providers.payload import validate
from tokenhub.storage import vault as vault_rows
from tokenhub.storage.database import Database
from tokenhub.vault.vault import Also, Vault, VaultState

RESOURCE = "vault"

_Model = TypeVar("_Model", bound=pydantic.BaseModel)


class _Password(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    admin_password: str


class _Passwords(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    old_password: str
    new_password: str | None = None


class VaultDoor:
    """Administers the vault; `enabled` False refuses everything but the question how it is.

    `opened` is awaited when the vault has been opened, before that is answered.
    """

    def __init__(
        self,
        changes: Changes,
        database: Database,
        vault: Vault,
        *,
        enabled: bool,
        autolock_minutes: float,
        opened: Callable[[], Awaitable[object]],
    ) -> None:
        self._changes = changes
        self._database = database
        self._vault = vault
        self._autolock_minutes = autolock_minutes
        self._enabled = enabled
        self._opened = opened

    async def status(self) -> dict[str, Any]:
        """Return the state, what opens the vault, when it locks itself, and how much is in it."""
        slots = await self._database.read(vault_rows.slots)
        return {
            "state": self._vault.state.value,
            "enabled": self._enabled,
            "slots": list(slots),
            "autolock_minutes": self._autolock_minutes,
            "locks_in_s": self._vault.locks_in_s,
            "secrets": len(self._vault.names()),
        }

    async def open_with(self, password: str, author: Author) -> None:
        """Create the vault under `password` if there is none yet, else unlock it."""
        if self._vault.state is VaultState.UNINITIALISED:
            await self._init(password, author)
        else:
            await self._unlock(password, author)

    async def init(self, payload: Mapping[str, Any], author: Author) -> dict[str, Any]:
        """Create the vault under `admin_password`; it is open then."""
        await self._init(self._checked(_Password, payload).admin_password, author)
        return await self.status()

    async def unlock(self, payload: Mapping[str, Any], author: Author) -> dict[str, Any]:
        """Open the vault with `admin_password`; one that is open stays so."""
        await self._unlock(self._checked(_Password, payload).admin_password, author)
        return await self.status()

    async def lock(self, author: Author) -> dict[str, Any]:
        """Close the vault: the next call to a provider with a stored key fails until unlocked."""
        self._refuse_disabled()
        await self._changes.alone(self._lock(author))
        return await self.status()

    async def rotate(self, payload: Mapping[str, Any], author: Author) -> dict[str, Any]:
        """Replace the data key, and the password where `new_password` is given."""
        given = self._checked(_Passwords, payload)
        await self._change(
            author,
            "vault.rotate",
            lambda also: self._vault.rotate(given.old_password, given.new_password, also),
        )
        return await self.status()

    async def _init(self, password: str, author: Author) -> None:
        await self._open(author, "vault.init", lambda also: self._vault.init(password, also))

    async def _unlock(self, password: str, author: Author) -> None:
        await self._open(author, "vault.unlock", lambda also: self._vault.unlock(password, also))

    async def _open(
        self, author: Author, action: str, change: Callable[[Also], Coroutine[Any, Any, None]]
    ) -> None:
        async def work() -> None:
            await self._change(author, action, change)
            await self._opened()

        await self._changes.to_the_end(work())

    async def _change(
        self,
        author: Author,
        action: str,
        change: Callable[[Also], Coroutine[Any, Any, None]],
    ) -> None:
        """Run a change that makes its own transaction and takes the audit row into it."""
        entry = author.entry(action, RESOURCE)

        def also(connection: sqlite3.Connection) -> None:
            self._changes.record(connection, entry)

        await self._changes.alone(change(also))

    async def _lock(self, author: Author) -> None:
        try:
            await self._changes.apply(author.entry("vault.lock", RESOURCE), lambda _: None)
        finally:
            self._vault.lock()  # with a full disk too: whoever locks wants the keys gone

    def _checked(self, model: type[_Model], payload: Mapping[str, Any]) -> _Model:
        self._refuse_disabled()
        return validate(model, payload)

    def _refuse_disabled(self) -> None:
        if not self._enabled:
            raise RequestError(
                409, "vault_disabled", "the vault is disabled: TOKENHUB_VAULT_ENABLED is false"
            )
