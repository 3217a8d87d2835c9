"""The keys that client programs use: created, changed, given a new value, revoked."""

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.key_fields import KeyFields, shown
from tokenhub.admission.keys import KeyRing, new_token
from tokenhub.errors import BadRequest, RequestError
from tokenhub.observe.events import EventBus
from tokenhub.storage import api_keys
from tokenhub.types import ApiKey


class ApiKeys:
    """Administers the keys in the database and in `ring`, by which requests are admitted.

    A key is named by its id, or by its name where no other key has it.
    """

    def __init__(self, changes: Changes, ring: KeyRing, events: EventBus) -> None:
        self._changes = changes
        self._ring = ring
        self._events = events

    def list(self) -> list[dict[str, Any]]:
        """Return all keys as they are shown, oldest first."""
        ordered = sorted(self._ring.all(), key=lambda key: (key.created_at_ms, key.id))
        return [shown(key) for key in ordered]

    def get(self, key_id: str) -> dict[str, Any]:
        """Return one key as it is shown; 404 where there is none."""
        return shown(self._known(key_id))

    async def create(self, payload: Mapping[str, Any], author: Author) -> dict[str, Any]:
        """Make a key; its value is in `key` of the answer, and nowhere else."""
        fields = KeyFields.parse(payload)
        if not fields.name:
            raise BadRequest("name: this field is required: who will use the key", param="name")
        return await self._changes.alone(self._create(fields, author))

    async def rotate(self, key_id: str, author: Author) -> dict[str, Any]:
        """Give a key a new value, in `key` of the answer; the old one dies at once."""
        return await self._changes.alone(self._rotate(key_id, author))

    async def patch(self, key_id: str, payload: Mapping[str, Any], author: Author) -> None:
        """Change the fields given."""
        await self._changes.alone(self._patch(key_id, KeyFields.parse(payload), author))

    async def revoke(self, key_id: str, author: Author) -> None:
        """Remove a key: once this returns no request is admitted with it."""
        await self._changes.alone(self._revoke(key_id, author))

    async def _create(self, fields: KeyFields, author: Author) -> dict[str, Any]:
        now_ms = self._changes.now_ms()
        token, key_hash, prefix = new_token()
        blank = ApiKey(secrets.token_hex(8), "", key_hash, prefix, created_at_ms=now_ms)
        key = replace(blank, **fields.changes(now_ms))
        await self._store(key, author, "apikey.create", None)
        return {"id": key.id, "key": token, **shown(key)}

    async def _rotate(self, key_id: str, author: Author) -> dict[str, Any]:
        before = self._known(key_id)
        token, key_hash, prefix = new_token()
        key = replace(before, key_hash=key_hash, prefix=prefix)
        await self._store(key, author, "apikey.rotate", before)
        return {"id": key.id, "key": token, **shown(key)}

    async def _patch(self, key_id: str, fields: KeyFields, author: Author) -> None:
        before = self._known(key_id)
        key = replace(before, **fields.changes(self._changes.now_ms()))
        await self._store(key, author, "apikey.update", before)

    async def _store(self, key: ApiKey, author: Author, action: str, before: ApiKey | None) -> None:
        now_ms = self._changes.now_ms()
        entry = author.entry(
            action, key.id, before=None if before is None else shown(before), after=shown(key)
        )
        await self._changes.apply(entry, lambda connection: api_keys.put(connection, key, now_ms))
        self._ring.put(key)
        self._events.publish("key_changed", api_key_id=key.id, action=action)

    async def _revoke(self, name: str, author: Author) -> None:
        before = self._known(name)
        key_id = before.id
        entry = author.entry("apikey.revoke", key_id, before=shown(before))

        def change(connection: sqlite3.Connection) -> None:
            api_keys.delete(connection, key_id)

        await self._changes.apply(entry, change)
        self._ring.remove(key_id)
        self._events.publish("key_changed", api_key_id=key_id, action="apikey.revoke")

    def _known(self, name: str) -> ApiKey:
        """Return the key with the id `name`, else the only one of that name."""
        key = self._ring.get(name)
        if key is not None:
            return key
        named = [key for key in self._ring.all() if key.name == name]
        if len(named) > 1:
            ids = ", ".join(sorted(key.id for key in named))
            message = f"{len(named)} client keys have the name {name!r}: say which by its id: {ids}"
            raise RequestError(409, "ambiguous_apikey", message)
        if not named:
            message = f"there is no client key {name!r}: 'tokenhubctl apikey list' shows their ids"
            raise RequestError(404, "apikey_not_found", message)
        return named[0]
