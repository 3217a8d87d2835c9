import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ParamSpec

import pytest

from tests.dispatch.fakes import ANTHROPIC
from tokenhub.dispatch import provenance
from tokenhub.dispatch.provenance import NOTHING_KNOWN, Knowledge, Provenance
from tokenhub.dispatch.target import Target
from tokenhub.storage import seals as stored
from tokenhub.storage.database import Database
from tokenhub.types import Api, Deployment, ProviderType
from tokenhub.wire.thinking import Seal, hash_of
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.seals import own_seal

P = ParamSpec("P")
DAY_MS = 86_400_000


def in_real_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run one asynchronous test on a usual loop: the database's threads know no virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def at(
    provider: str, upstream: str, *, id_: str | None = None, kind: ProviderType = ANTHROPIC.type
) -> Target:
    deployment = Deployment(id_ or upstream, provider, upstream)
    return Target(deployment, replace(ANTHROPIC, id=provider, type=kind), Api.MESSAGES)


OPUS = at("a", "opus")
SONNET = at("a", "sonnet")


def seal(text: str) -> Seal:
    return Seal(hash_of(text), 1, 0, text.startswith("tokenhub-"))


@dataclass
class Memory:
    """Provenance on a database, and the clock of both."""

    database: Database
    provenance: Provenance
    now: list[int]

    async def known(self, *texts: str) -> Knowledge:
        return await self.provenance.know([seal(text) for text in texts])

    async def origin(self, text: str, target: Target) -> Origin:
        known = await self.known(text)
        origin = known.origin(hash_of(text), target, ours=text.startswith("tokenhub-"))
        assert known.seen_from(target)(text) is origin
        assert bool(known.foreign(target)) is (origin is Origin.FOREIGN)
        return origin


@asynccontextmanager
async def memory(path: Path, now_ms: int = 40 * DAY_MS) -> AsyncIterator[Memory]:
    now = [now_ms]
    database = Database.open(path / "tokenhub.sqlite", now_ms=lambda: now[0])
    try:
        yield Memory(database, Provenance(database, lambda: now[0]), now)
    finally:
        await database.close()


@in_real_time
async def test_a_seal_is_its_makers_own_and_foreign_to_all_others(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
        assert await hub.origin("x", OPUS) is Origin.OWN
        assert await hub.origin("x", SONNET) is Origin.FOREIGN
        assert await hub.origin("y", OPUS) is Origin.UNKNOWN


@pytest.mark.parametrize(
    ("target", "origin"),
    [
        (at("a", "opus", id_="other-name"), Origin.OWN),
        (at("b", "opus"), Origin.OWN),
        (at("b", "opus", kind=ProviderType.OPENAI), Origin.FOREIGN),
        (at("b", "sonnet", id_="opus"), Origin.FOREIGN),
    ],
)
@in_real_time
async def test_one_model_shares_its_seals_where_the_same_is_spoken(
    tmp_path: Path, target: Target, origin: Origin
) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
        assert await hub.origin("x", target) is origin


@in_real_time
async def test_a_refused_seal_is_foreign_there_and_unknown_elsewhere(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.refused([hash_of("x")], SONNET)
        assert await hub.origin("x", SONNET) is Origin.FOREIGN
        assert await hub.origin("x", OPUS) is Origin.UNKNOWN
        hub.provenance.learn(["x"], OPUS)
        assert await hub.origin("x", OPUS) is Origin.OWN
        hub.provenance.refused([hash_of("x")], at("b", "opus"))
        assert await hub.origin("x", at("b", "opus")) is Origin.FOREIGN
        assert await hub.origin("x", OPUS) is Origin.OWN
        hub.provenance.refused([hash_of("x")], OPUS)
        assert await hub.origin("x", OPUS) is Origin.FOREIGN


@in_real_time
async def test_a_seal_of_ours_is_foreign_to_all_but_its_maker(tmp_path: Path) -> None:
    ours = own_seal("thought")
    async with memory(tmp_path) as hub:
        assert await hub.origin(ours, OPUS) is Origin.FOREIGN
        hub.provenance.learn([ours], OPUS)
        hub.provenance.learn([ours], SONNET)
        assert await hub.origin(ours, OPUS) is Origin.OWN
        assert await hub.origin(ours, SONNET) is Origin.OWN
        assert await hub.origin(ours, at("a", "haiku")) is Origin.FOREIGN


@in_real_time
async def test_what_was_just_refused_is_left_out_at_once(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
        known = await hub.known("x", "y")
        assert known.foreign(OPUS, {hash_of("x")}) == [seal("x")]
        assert known.seen_from(OPUS, {hash_of("x")})("x") is Origin.FOREIGN
        assert known.foreign(OPUS) == []


@in_real_time
async def test_an_empty_seal_is_not_learned(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn([""], OPUS)
        assert await hub.origin("", SONNET) is Origin.UNKNOWN


@in_real_time
async def test_knowledge_outlives_the_process(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
        hub.provenance.refused([hash_of("y")], OPUS)
    async with memory(tmp_path) as hub:
        assert await hub.origin("x", SONNET) is Origin.FOREIGN
        assert await hub.origin("x", OPUS) is Origin.OWN
        assert await hub.origin("y", OPUS) is Origin.FOREIGN


@in_real_time
async def test_a_seal_that_nobody_sent_for_thirty_days_is_forgotten(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
    async with memory(tmp_path, 70 * DAY_MS) as hub:
        assert await hub.origin("x", OPUS) is Origin.OWN
    async with memory(tmp_path, 70 * DAY_MS + 1) as hub:  # it was seen again a moment ago
        assert await hub.origin("x", OPUS) is Origin.OWN
    async with memory(tmp_path, 100 * DAY_MS + 1) as hub:
        assert await hub.origin("x", OPUS) is Origin.UNKNOWN


@in_real_time
async def test_a_seal_that_is_seen_is_renewed_once_a_day(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
        began = hub.now[0]
        for hours, expected_ms in ((23, 0), (24, DAY_MS), (47, DAY_MS), (48, 2 * DAY_MS)):
            hub.now[0] = began + hours * 3_600_000
            await hub.known("x")
            await hub.database.flush()
            read = functools.partial(stored.get, hashes=[hash_of("x")], since_ms=0)
            (row,) = await hub.database.read(read)
            assert row.last_seen_ms == began + expected_ms


@in_real_time
async def test_the_database_is_asked_once_for_all_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def get(connection: Any, hashes: list[bytes], since_ms: int) -> list[stored.SealRow]:
        asked.append(len(hashes))
        return original(connection, hashes, since_ms=since_ms)

    original = stored.get
    monkeypatch.setattr(stored, "get", get)
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
        await hub.known("x", "y", "z", "y")
        await hub.known("x", "y", "z")
    assert asked == [2]


@in_real_time
async def test_a_request_without_seals_asks_nobody(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        await hub.database.close()
        assert await hub.known() is NOTHING_KNOWN


@in_real_time
async def test_without_the_database_seals_are_unknown_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x"], OPUS)
    async with memory(tmp_path) as hub:
        with monkeypatch.context() as slow:
            slow.setattr(provenance, "READ_S", 0.0)
            assert await hub.origin("x", OPUS) is Origin.UNKNOWN
        assert "the database is slow" in caplog.text
        assert await hub.origin("x", OPUS) is Origin.OWN
        await hub.database.close()
        assert await hub.origin("y", OPUS) is Origin.UNKNOWN
        assert "the database is closed" in caplog.text


@in_real_time
async def test_what_is_longest_unused_leaves_the_memory_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "RECENT", 2)
    async with memory(tmp_path) as hub:
        hub.provenance.learn(["x", "y"], OPUS)
        await hub.known("x")
        hub.provenance.learn(["z"], OPUS)
        assert set(hub.provenance._recent) == {hash_of("x"), hash_of("z")}
        await hub.database.flush()
        known = await hub.known("x", "y", "z")
        assert known.foreign(SONNET) == [seal("x"), seal("y"), seal("z")]
        assert len(hub.provenance._recent) == 2


@in_real_time
async def test_what_is_learned_while_the_database_is_read_is_kept(tmp_path: Path) -> None:
    async with memory(tmp_path) as hub:
        asking = asyncio.ensure_future(hub.known("x"))
        await asyncio.sleep(0)
        hub.provenance.learn(["x"], OPUS)
        assert (await asking).origin(hash_of("x"), OPUS) is Origin.OWN
