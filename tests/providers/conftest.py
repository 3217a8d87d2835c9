"""The clients that call providers, closed when a test is over."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.providers.asking import Client
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.http import AiohttpUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    client = HttpUpstream({})
    yield client
    await client.close()


@pytest.fixture(params=[AiohttpUpstream, HttpUpstream])
async def kind(request: pytest.FixtureRequest) -> type[Client]:
    """Each of the two in turn: they must do the same."""
    kind: type[Client] = request.param
    return kind


@pytest.fixture
async def client(kind: type[Client]) -> AsyncIterator[Client]:
    client = kind({})
    yield client
    await client.close()


@pytest.fixture
async def make(kind: type[Client]) -> AsyncIterator[Callable[[dict[str, str]], Client]]:
    """Makes clients of an environment."""
    made: list[Client] = []

    def build(environ: dict[str, str]) -> Client:
        made.append(kind(environ))
        return made[-1]

    yield build
    for client in made:
        await client.close()
