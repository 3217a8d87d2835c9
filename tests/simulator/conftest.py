"""Simulators and the official SDKs on them."""

from collections.abc import AsyncIterator, Iterator

import pytest
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

from tests.simulator.raw import Raw
from tokenhub.simulator import Simulator


@pytest.fixture
async def openai_sim() -> AsyncIterator[Simulator]:
    async with Simulator("openai", seed=1) as simulator:
        yield simulator


@pytest.fixture
async def anthropic_sim() -> AsyncIterator[Simulator]:
    async with Simulator("anthropic", seed=1) as simulator:
        yield simulator


@pytest.fixture
async def vllm_sim() -> AsyncIterator[Simulator]:
    async with Simulator("vllm", seed=1) as simulator:
        yield simulator


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    async with Raw() as client:
        yield client


@pytest.fixture
async def openai_client(openai_sim: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{openai_sim.base_url}/v1", api_key="sk-test", max_retries=0, timeout=10
    ) as client:
        yield client


@pytest.fixture
async def vllm_client(vllm_sim: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{vllm_sim.base_url}/v1", api_key="none", max_retries=0, timeout=10
    ) as client:
        yield client


@pytest.fixture
async def anthropic_client(anthropic_sim: Simulator) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(
        base_url=anthropic_sim.base_url, api_key="sk-ant-test", max_retries=0, timeout=10
    ) as client:
        yield client


@pytest.fixture
def sync_openai(openai_sim: Simulator) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"{openai_sim.base_url}/v1", api_key="sk-test", max_retries=0, timeout=10
    ) as client:
        yield client


@pytest.fixture
def sync_anthropic(anthropic_sim: Simulator) -> Iterator[Anthropic]:
    with Anthropic(
        base_url=anthropic_sim.base_url, api_key="sk-ant-test", max_retries=0, timeout=10
    ) as client:
        yield client
