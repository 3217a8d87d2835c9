"""The credentials file: providers, models and keys declared in a private file.

An entry is applied when it is new or has changed since it was applied, so that what was edited or
deleted by other means stays so. A provider's key counts as an entry of its own: while the vault is
closed it waits in the file and is taken up when the vault is opened.
"""

import asyncio
import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tokenhub.administration.changes import Author
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.key_store import MemoryKeys
from tokenhub.administration.models import Models
from tokenhub.administration.private_file import read_private
from tokenhub.administration.providers import Also, Providers
from tokenhub.errors import BadRequest, TokenHubError, VaultUnavailable
from tokenhub.providers.spec import ProviderSpec, origins
from tokenhub.storage import credentials
from tokenhub.storage.database import Database
from tokenhub.text import clean

ACTOR: Final = "credentials-file"
SECTIONS: Final = {"providers": "provider", "models": "model"}
KEY_KIND: Final = "key"
MAX_ENTRIES: Final = 10_000

logger = logging.getLogger(__name__)

Entry = dict[str, Any]
Applied = dict[tuple[str, str], bytes]


class CredentialsFile:
    """Applies the file at `path`; with the vault off keys go to `memory_keys`, else it is None."""

    def __init__(
        self,
        path: Path,
        database: Database,
        inventory: Inventory,
        providers: Providers,
        models: Models,
        memory_keys: MemoryKeys | None,
    ) -> None:
        self._path = path
        self._database = database
        self._inventory = inventory
        self._providers = providers
        self._models = models
        self._memory_keys = memory_keys

    async def apply(self) -> list[str]:
        """Apply what is new in the file; return what could not be applied, a line each, and why.

        A file that is not there is no problem. Every problem is also logged as a warning.
        """
        problems: list[str] = []
        try:
            content = await asyncio.to_thread(read_private, self._path)
            if content is not None:
                await self._apply(_parse(content, self._path), problems)
        except TokenHubError as error:
            problems.append(str(error))
        for problem in problems:
            logger.warning("credentials file: %s", problem)
        return problems

    async def _apply(self, file: Mapping[str, list[Any]], problems: list[str]) -> None:
        applied = await self._database.read(credentials.applied)
        for section, kind in SECTIONS.items():
            seen: set[str] = set()
            for position, entry in enumerate(file.get(section, [])):
                name = f"{section}[{position}]"
                try:
                    given = _entry(entry)
                    name = f"{name} ({clean(given['id'], 80)})"
                    if (identity := _identity(given)) in seen:
                        raise BadRequest("it stands in the file twice: only the first one counts")
                    seen.add(identity)
                    await self._apply_entry(kind, given, applied)
                except TokenHubError as error:
                    problems.append(f"{name}: {error}")

    async def _apply_entry(self, kind: str, entry: Entry, applied: Applied) -> None:
        if kind == "model":
            await self._model(entry, applied)
            return
        key = entry.pop("api_key", None)
        if key is not None:
            entry.setdefault("cred_store", "vault")
            if not isinstance(key, str):
                raise BadRequest("api_key: expected text", param="api_key")
        await self._provider(entry, applied)
        if key is not None:
            await self._key(entry, key, applied)

    async def _provider(self, entry: Entry, applied: Applied) -> None:
        mark = _Mark("provider", entry["id"], entry)
        if mark.is_in(applied):
            return
        if entry["id"] in self._inventory.providers:
            await self._providers.patch(entry["id"], entry, Author(ACTOR), mark.store)
        else:
            await self._providers.upsert(entry, Author(ACTOR), mark.store)

    async def _model(self, entry: Entry, applied: Applied) -> None:
        mark = _Mark("model", _identity(entry), entry)
        if mark.is_in(applied):
            return
        if (entry.get("provider_id"), entry["id"]) in self._inventory.models:
            await self._models.patch(_identity(entry), entry, Author(ACTOR), mark.store)
        else:
            await self._models.upsert(entry, Author(ACTOR), mark.store)

    async def _key(self, entry: Entry, key: str, applied: Applied) -> None:
        """Give the provider its key, if it is still the one that the entry describes."""
        provider_id = entry["id"]
        current = self._inventory.providers.get(provider_id)
        mark = _Mark(KEY_KIND, provider_id, {**entry, "api_key": key})
        if current is None or (self._memory_keys is None and mark.is_in(applied)):
            return
        if not self._leads_to(entry, current):
            raise BadRequest("its URL was changed elsewhere, so the key of this entry is not used")
        if self._memory_keys is not None:
            current.patched({"api_key": key})  # only to refuse what cannot be a key
            self._memory_keys.hold(provider_id, key)
            return
        try:
            await self._providers.patch(provider_id, {"api_key": key}, Author(ACTOR), mark.store)
        except VaultUnavailable as error:
            logger.info("the key of provider %s waits: %s", provider_id, error)

    def _leads_to(self, entry: Entry, current: ProviderSpec) -> bool:
        """Tell whether the key of `entry` may go where the provider is now."""
        try:
            described = ProviderSpec.parse(entry)
        except BadRequest:
            described = current  # it says too little to be a provider alone: only what to change
        return origins(self._inventory.resolved(current)) <= origins(
            self._inventory.resolved(described)
        )


class _Mark:
    """The note that an entry is applied: a hash of what it said."""

    def __init__(self, kind: str, identity: str, entry: Entry) -> None:
        self._key = (kind, identity)
        text = json.dumps([kind, identity, entry], sort_keys=True)
        self._digest = hashlib.sha256(text.encode()).digest()

    def is_in(self, applied: Applied) -> bool:
        """Tell whether the entry was applied as it is now."""
        return applied.get(self._key) == self._digest

    @property
    def store(self) -> Also:
        """What notes it in the transaction that applies it."""

        def also(connection: sqlite3.Connection) -> None:
            credentials.mark(connection, *self._key, self._digest)

        return also


def _parse(content: bytes, path: Path) -> dict[str, list[Any]]:
    try:
        file = json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequest(f"{path} is not JSON{where}") from None
    known = ", ".join(SECTIONS)
    if not isinstance(file, dict):
        raise BadRequest(f"{path}: expected an object with {known}")
    if unknown := [clean(name, 80) for name in file if name not in SECTIONS]:
        raise BadRequest(f"{path}: unknown field {unknown[0]!r}: one of {known}")
    for name, entries in file.items():
        if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
            raise BadRequest(f"{path}: {name}: expected a list of at most {MAX_ENTRIES} entries")
    return file


def _entry(entry: Any) -> Entry:
    if not isinstance(entry, dict):
        raise BadRequest("expected an object")
    if not isinstance(entry.get("id"), str):
        raise BadRequest("id: this field is required", param="id")
    return dict(entry)


def _identity(entry: Entry) -> str:
    """Return what names an entry: a provider's id, or a model's with that of its provider."""
    return f"{entry['provider_id']}/{entry['id']}" if "provider_id" in entry else str(entry["id"])
