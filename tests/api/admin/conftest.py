from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.administration.office import office
from tests.api.admin.service import Caller, serving


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Caller]:
    async with (
        office(tmp_path) as assembled,
        serving(assembled) as base,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(base, session, assembled)
