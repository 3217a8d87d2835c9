from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.vault.support import Clock, Home
from tokenhub.storage.database import Database


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    clock, path = Clock(), tmp_path / "tokenhub.sqlite"
    db = Database.open(path, now_ms=clock)
    yield Home(path, db, clock)
    await db.close()
