"""One hub process for the SDKs' tests of a worker, and each official SDK in both its kinds."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

from tests.support.stage import Stage


async def done(value: Any) -> Any:
    """What a call gives, whichever kind of client made it."""
    return await value if inspect.isawaitable(value) else value


async def events(stream: Any) -> list[Any]:
    """Everything that a stream (or a call that gives one) yields."""
    stream = await done(stream)
    if hasattr(stream, "__aiter__"):
        return [event async for event in stream]
    return list(stream)


@pytest.fixture(scope="session")
def standing_stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def stage(standing_stage: Stage) -> Stage:
    """The hub and its simulators, all well and with no calls yet."""
    standing_stage.reset()
    return standing_stage


@pytest.fixture(params=["sync", "async"])
async def openai(request: pytest.FixtureRequest, stage: Stage) -> AsyncIterator[Any]:
    """OpenAI's client; it does not retry."""
    kind = OpenAI if request.param == "sync" else AsyncOpenAI
    client = kind(base_url=f"{stage.url}/v1", api_key=stage.key, max_retries=0, timeout=10)
    yield client
    await done(client.close())


@pytest.fixture(params=["sync", "async"])
async def anthropic(request: pytest.FixtureRequest, stage: Stage) -> AsyncIterator[Any]:
    """Anthropic's client; it does not retry."""
    kind = Anthropic if request.param == "sync" else AsyncAnthropic
    client = kind(base_url=stage.url, api_key=stage.key, max_retries=0, timeout=10)
    yield client
    await done(client.close())
