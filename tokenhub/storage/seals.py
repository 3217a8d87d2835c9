"""Who made which block of thinking, by the hash of its seal; never a word of the thinking."""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

KEPT_MS: Final = 30 * 86_400_000
"""A seal is forgotten when it was last seen so long ago."""
KEPT_ROWS: Final = 200_000
PRUNED_AT_ONCE: Final = 100
"""So many of the oldest rows, and two for each new one, are looked at with a group."""
_ASKED_AT_ONCE: Final = 500


class SealRow(NamedTuple):
    """That a model made a seal, or `refused` it when it was sent back.

    `hash` is the seal's SHA-256, `provider_type` what the provider speaks, `model` the provider's
    name of the model. A tuple, since thousands of them are kept in memory.
    """

    hash: bytes
    provider_id: str
    provider_type: str
    model: str
    refused: bool
    last_seen_ms: int


# A row that is seen again gets a new rowid, so the rowids are in the order of `last_seen_ms` and
# the oldest rows are found without an index.
_PUT: Final = (
    "INSERT OR REPLACE INTO seals(hash, provider_id, provider_type, model, refused, last_seen_ms)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_GET: Final = (
    "SELECT hash, provider_id, provider_type, model, refused, last_seen_ms FROM seals"
    " WHERE last_seen_ms >= ? AND hash IN ({})"
)
_PRUNE_OLD: Final = (
    "DELETE FROM seals WHERE id IN (SELECT id FROM"
    " (SELECT id, last_seen_ms FROM seals ORDER BY id LIMIT ?) WHERE last_seen_ms < ?)"
)
_SPAN: Final = "SELECT (SELECT max(id) FROM seals) - (SELECT min(id) FROM seals) + 1"
_COUNT: Final = "SELECT count(*) FROM seals"
_PRUNE_EXCESS: Final = "DELETE FROM seals WHERE id IN (SELECT id FROM seals ORDER BY id LIMIT ?)"


def put(connection: sqlite3.Connection, seals: Sequence[SealRow]) -> None:
    """Add or renew rows in the caller's transaction, and remove some that are too old or too many.

    At most 200,000 stay. Of those that were last seen 30 days before the newest, so many are
    removed as keeps pace with how many come, so that no group waits for a great clearing.
    """
    if not seals:
        return
    connection.executemany(_PUT, seals)
    oldest_ms = max(row.last_seen_ms for row in seals) - KEPT_MS
    connection.execute(_PRUNE_OLD, (PRUNED_AT_ONCE + 2 * len(seals), oldest_ms))
    # Counting reads the whole index; as long as the ids lie closer than the bound, it is kept.
    if connection.execute(_SPAN).fetchone()[0] > KEPT_ROWS:
        excess = connection.execute(_COUNT).fetchone()[0] - KEPT_ROWS
        connection.execute(_PRUNE_EXCESS, (max(0, excess),))


def get(connection: sqlite3.Connection, hashes: Sequence[bytes], *, since_ms: int) -> list[SealRow]:
    """Return the rows of `hashes` that were last seen at `since_ms` or later."""
    found: list[SealRow] = []
    for start in range(0, len(hashes), _ASKED_AT_ONCE):
        asked = hashes[start : start + _ASKED_AT_ONCE]
        query = _GET.format(",".join("?" * len(asked)))
        rows = connection.execute(query, (since_ms, *asked))
        found += [SealRow(*row)._replace(refused=bool(row[4])) for row in rows]
    return found
