"""Which model made which block of thinking, learned from what the providers answer.

A provider refuses thinking that another model has made, so a request is sent to it without that.
A block nobody knows is passed on; if the provider refuses it, the call is repeated once without it
(see `repair`), and it is remembered as refused there, so that later turns leave it out alike.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from tokenhub.dispatch.target import Target
from tokenhub.errors import StorageError
from tokenhub.storage import seals as stored
from tokenhub.storage.database import Database
from tokenhub.storage.seals import SealRow
from tokenhub.types import per_request
from tokenhub.wire.thinking import Seal, hash_of
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.seals import OWN_PREFIX

RECENT: Final = 10_000
"""Seals whose rows are kept in memory, also of those that have none."""
RENEWED_MS: Final = 86_400_000
"""That a seal was seen is written down once a day."""
READ_S: Final = 1.0
"""How long a request waits for the database before its seals count as unknown."""

logger = logging.getLogger(__name__)
Rows = tuple[SealRow, ...]


@per_request
class Knowledge:
    """What is known of the seals in one request; `rows` by their hashes.

    `refused` in its methods are hashes of seals that the target has just refused.
    """

    seals: Sequence[Seal]
    rows: Mapping[bytes, Rows]

    def foreign(self, target: Target, refused: Collection[bytes] = ()) -> list[Seal]:
        """The seals to be left out for `target`."""
        return [
            seal
            for seal in self.seals
            if seal.hash in refused
            or self.origin(seal.hash, target, ours=seal.ours) is Origin.FOREIGN
        ]

    def seen_from(self, target: Target, refused: Collection[bytes] = ()) -> Callable[[str], Origin]:
        """What tells whose a seal of the request is, seen from `target`."""

        def origin(seal: str) -> Origin:
            hash_ = hash_of(seal)
            if hash_ in refused:
                return Origin.FOREIGN
            return self.origin(hash_, target, ours=seal.startswith(OWN_PREFIX))

        return origin

    def origin(self, hash_: bytes, target: Target, *, ours: bool = False) -> Origin:
        """Whose the seal of this hash is; `ours` tells that we made it for its maker."""
        provider, model = target.provider, target.deployment.upstream_name
        made = shared = False
        for row in self.rows.get(hash_, ()):
            if row.provider_id == provider.id and row.model == model:
                return Origin.FOREIGN if row.refused else Origin.OWN
            if not row.refused:
                made = True
                shared |= row.provider_type == provider.type and row.model == model
        if shared:
            return Origin.OWN
        # Nobody but its maker can do anything with a seal that we have made for it.
        return Origin.FOREIGN if made or ours else Origin.UNKNOWN


NOTHING_KNOWN: Final = Knowledge((), {})


class Provenance:
    """Remembers who made which seal, for 30 days after it was last seen.

    A seal belongs to the model that made it, by the provider's name of it, and so to all
    deployments of that model at the provider; another provider of the same type takes it too,
    unless it has refused it.
    """

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._recent: dict[bytes, Rows] = {}

    async def know(self, seals: Sequence[Seal]) -> Knowledge:
        """Return what is known of `seals`, from memory or with one look into the database."""
        if not seals:
            return NOTHING_KNOWN
        hashes = dict.fromkeys(seal.hash for seal in seals)
        if missing := [hash_ for hash_ in hashes if hash_ not in self._recent]:
            await self._load(missing)
        now_ms = self._now_ms()
        known = {hash_: self._seen(hash_, now_ms) for hash_ in hashes}
        self._forget()
        return Knowledge(seals, known)

    def learn(self, seals: Iterable[str], target: Target) -> None:
        """Remember that `target` has made `seals`; an empty one is no seal."""
        for seal in seals:
            if seal:
                self._put(hash_of(seal), target, refused=False)

    def refused(self, hashes: Iterable[bytes], target: Target) -> None:
        """Remember that `target` refused the seals of `hashes`, and served the request without."""
        for hash_ in hashes:
            self._put(hash_, target, refused=True)

    async def _load(self, hashes: Sequence[bytes]) -> None:
        """Bring into memory what the database knows; nothing when it cannot be read in time."""
        since_ms = self._now_ms() - stored.KEPT_MS
        read = partial(stored.get, hashes=hashes, since_ms=since_ms)
        try:
            async with asyncio.timeout(READ_S):
                rows = await self._database.read(read)
        except (StorageError, TimeoutError) as error:
            logger.warning("thinking counts as unknown: %s", str(error) or "the database is slow")
            return
        found: dict[bytes, Rows] = dict.fromkeys(hashes, ())
        for row in rows:
            found[row.hash] += (row,)
        for hash_, of_hash in found.items():
            self._recent.setdefault(hash_, of_hash)  # what was learned meanwhile is newer

    def _seen(self, hash_: bytes, now_ms: int) -> Rows:
        """The rows of a seal that was seen now, which are the youngest in memory then."""
        rows = self._recent.pop(hash_, None)
        if rows is None:
            return ()
        if any(row.last_seen_ms <= now_ms - RENEWED_MS for row in rows):
            rows = tuple(row._replace(last_seen_ms=now_ms) for row in rows)
            for row in rows:
                self._database.remember(row)
        self._recent[hash_] = rows
        return rows

    def _put(self, hash_: bytes, target: Target, *, refused: bool) -> None:
        provider, model = target.provider, target.deployment.upstream_name
        row = SealRow(hash_, provider.id, str(provider.type), model, refused, self._now_ms())
        others = (
            other
            for other in self._recent.pop(hash_, ())
            if (other.provider_id, other.model) != (row.provider_id, row.model)
        )
        self._recent[hash_] = (*others, row)
        self._database.remember(row)
        self._forget()

    def _forget(self) -> None:
        """Drop from memory what was longest unused."""
        while len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
