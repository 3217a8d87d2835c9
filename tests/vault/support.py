"""What the vault's tests share: a cheap password check, a clock that stands, a database."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tokenhub.storage import vault as rows
from tokenhub.storage.database import Database
from tokenhub.vault.slots import Argon2Cost
from tokenhub.vault.vault import Vault, VaultState

CHEAP = Argon2Cost(memory_kib=8, iterations=1, lanes=1)
PASSWORD = "correct horse"
OTHER = "battery staple"
NOW_MS = 1_800_000_000_000


@dataclass
class Clock:
    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def pass_s(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@dataclass
class Home:
    """A database and the vaults opened on it: each `vault()` is a restart."""

    path: Path
    db: Database
    clock: Clock = field(default_factory=Clock)
    changes: list[VaultState] = field(default_factory=list)

    async def vault(self, *, autolock_minutes: float = 0, cost: Argon2Cost = CHEAP) -> Vault:
        return await Vault.load(
            self.db,
            now_ms=self.clock,
            autolock_minutes=autolock_minutes,
            on_change=self.changes.append,
            cost=cost,
        )

    async def ready(self, *, autolock_minutes: float = 0) -> Vault:
        """An unlocked vault under `PASSWORD`."""
        vault = await self.vault(autolock_minutes=autolock_minutes)
        await vault.init(PASSWORD, nothing)
        return vault

    async def keep(self, vault: Vault, name: str, secret: str) -> None:
        """Store a secret as an administrator's change does."""
        sealed = vault.seal(name, secret)
        await self.db.write(lambda c: rows.put_secret(c, sealed, self.clock()))
        vault.adopt(sealed)

    async def execute(self, sql: str) -> None:
        """Change the database behind the vault's back."""
        await self.db.write(lambda c: c.execute(sql).rowcount)

    async def rows_of(self, table: str) -> list[tuple[object, ...]]:
        def every(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
            return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608

        return await self.db.read(every)


def nothing(_: sqlite3.Connection) -> None:
    """No audit row."""


def audit(action: str) -> Callable[[sqlite3.Connection], None]:
    """Leave a mark in the transaction, as an audit row does."""

    def mark(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO settings(name, value) VALUES (?, '1')", (action,))

    return mark


def refuse(_: sqlite3.Connection) -> None:
    """An audit row that cannot be written."""
    raise RuntimeError("no audit")
