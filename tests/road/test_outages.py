"""Providers that go away and come back, with real sockets: storms, pools, sleep, no network."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anthropic
import openai
import pytest

from tests.road.asking import Reply, chat, post
from tests.support.cast import LLAMA
from tests.support.waiting import until
from tests.support.world import World
from tokenhub.hub import SYSTEM_CLOCK
from tokenhub.simulator import Failure, Profile, Simulator
from tokenhub.types import Clock

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "hi"}]


class Clocks:
    """The hub's clocks: those of the machine, and what is added to them."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.slept_s = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(
            lambda: SYSTEM_CLOCK.now_ms() + round(1000 * (self.ahead_s + self.slept_s)),
            lambda: SYSTEM_CLOCK.monotonic() + self.ahead_s,
        )


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between calls are short; how long they really are is shown on virtual time."""
    monkeypatch.setattr("tokenhub.dispatch.failover.FIRST_PAUSE_S", 0.01)


@pytest.fixture
async def world(clocks: Clocks) -> AsyncIterator[World]:
    """A hub in which a named model becomes no other, and `gpt-4o` is also at `openai-2`."""
    async with World(substitutes=False, clock=clocks.clock) as made:
        await made.add_twin("openai")
        yield made


async def ask(world: World, model: str = "gpt-4o", **fields: Any) -> Reply:
    return await post(world, CHAT, chat(model, max_tokens=50, **fields))


async def health(world: World, provider_id: str = "openai") -> dict[str, Any]:
    return next(one for one in await world.admin.health() if one["provider_id"] == provider_id)


async def take_down(world: World, model: str = "openai/gpt-4o") -> None:
    """Let the first provider fail until it is left alone."""
    world.simulators["openai"].fail(Failure.answer(500))
    while (await health(world))["state"] != "down":
        assert (await ask(world, model)).status in (200, 502)
    world.simulators["openai"].clear_calls()


@pytest.mark.parametrize("share", [1.0, 0.5], ids=["all", "half"])
async def test_a_storm_of_failures_adds_a_fifth_of_the_calls_and_three_at_most(
    world: World, share: float
) -> None:
    sick = world.simulators["openai"]
    sick.set(Profile(ttft_ms=20, jitter=0.5, failure=Failure.answer(503), fail_rate=share))
    replies = await asyncio.gather(*(ask(world, "openai/gpt-4o") for _ in range(100)))
    assert len(sick.calls) <= 123
    assert {reply.status for reply in replies} <= {200, 502, 503}
    assert world.simulators["openai-2"].calls == []


async def test_in_a_storm_the_other_provider_gets_what_the_first_cannot_do(world: World) -> None:
    sick, well = world.simulators["openai"], world.simulators["openai-2"]
    sick.set(Profile(ttft_ms=20, failure=Failure.answer(503)))
    replies = await asyncio.gather(*(ask(world) for _ in range(100)))
    assert {reply.status for reply in replies} == {200}
    assert len(sick.calls) <= 123
    assert len(well.calls) == 100


async def test_an_outage_in_the_middle_of_32_streams(world: World) -> None:
    first, second = world.simulators["openai"], world.simulators["openai-2"]
    said = " ".join(["word"] * 20)
    second.set(Profile(answer=said))
    streams: dict[str, list[asyncio.Task[Reply]]] = {}
    for name, events in (("begun", 8), ("held", 1)):
        first.set(Profile(answer=said, failure=Failure.hang(after_events=events)))
        streams[name] = [
            asyncio.get_running_loop().create_task(ask(world, stream=True)) for _ in range(16)
        ]
        number = 16 * len(streams)
        await until(lambda: begun(first, number))  # noqa: B023
    await first.close()

    for reply in await asyncio.gather(*streams["begun"]):
        assert reply.status == 200
        assert reply.headers["X-TokenHub-Provider"] == "openai"
        assert b'"error"' in reply.events[-1]
        assert b"[DONE]" not in reply.body
        assert reply.body.count(b'"role"') == 1
    for reply in await asyncio.gather(*streams["held"]):
        assert reply.status == 200
        assert reply.headers["X-TokenHub-Provider"] == "openai-2"
        assert reply.events[-1] == b"data: [DONE]\n\n"
        assert reply.body.count(b'"role"') == 1
        assert reply.body.count(b"word") == 20
    assert len(second.calls) == 16
    statuses = Counter(row["error_class"] for row in (await logs(world, 32)))
    assert statuses == {"transient": 16, None: 16}


async def begun(simulator: Simulator, number: int) -> bool:
    """Whether so many of its streams have begun."""
    return sum(call.events_sent > 0 for call in simulator.calls) == number


async def logs(world: World, number: int) -> list[dict[str, Any]]:
    """The request log as soon as it has so many rows."""

    async def look() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await world.admin.logs(limit=1000))["items"]
        return rows if len(rows) >= number else []

    return await until(look)


async def test_a_provider_that_refuses_connections_is_replaced_and_left_alone(world: World) -> None:
    await world.simulators["openai"].close()
    replies = [await ask(world) for _ in range(3)]
    assert [reply.headers["X-TokenHub-Provider"] for reply in replies] == ["openai-2"] * 3
    assert replies[-1].headers["X-TokenHub-Attempts"] == "1"
    assert (await health(world))["state"] == "down"


async def test_one_request_tries_a_provider_that_was_down_and_brings_it_back(
    world: World, clocks: Clocks
) -> None:
    await take_down(world)
    sick, well = world.simulators["openai"], world.simulators["openai-2"]
    assert (await ask(world)).headers["X-TokenHub-Provider"] == "openai-2"
    assert (await ask(world, "openai/gpt-4o")).status == 503
    assert sick.calls == []

    sick.set(Profile(ttft_ms=300))
    clocks.ahead_s += 31
    trial = asyncio.get_running_loop().create_task(ask(world, "openai/gpt-4o"))
    await sick.wait_for_call()
    others = await asyncio.gather(*(ask(world) for _ in range(10)))
    assert {reply.headers["X-TokenHub-Provider"] for reply in others} == {"openai-2"}
    assert len(sick.calls) == 1
    assert (await trial).status == 200
    assert (await health(world))["state"] == "healthy"
    well.clear_calls()
    sick.set(Profile())
    assert (await ask(world, "openai/gpt-4o")).status == 200


async def test_a_trial_that_fails_doubles_the_wait(world: World, clocks: Clocks) -> None:
    await take_down(world)
    sick = world.simulators["openai"]
    for wait_s in (30, 60, 120):
        clocks.ahead_s += wait_s - 1
        await ask(world, "openai/gpt-4o")
        assert sick.calls == []
        clocks.ahead_s += 2
        await ask(world, "openai/gpt-4o")
        assert len(sick.calls) == 1
        sick.clear_calls()


async def test_a_pool_passes_over_its_dead_endpoint(world: World) -> None:
    dead, live = Simulator("openai"), Simulator("openai")
    await dead.start()
    async with live:
        urls = [dead.base_url, live.base_url]
        await world.admin.edit_provider("openai-2", {"base_urls": urls})
        await dead.close()
        for _ in range(12):
            assert (await ask(world, "openai-2/gpt-4o")).status == 200
        assert (await ask(world, "openai-2/gpt-4o")).headers["X-TokenHub-Attempts"] == "1"
        told = await health(world, "openai-2")
        assert told["state"] == "healthy"
        assert [one["state"] for one in told["endpoints"]] == ["down", "healthy"]
        assert len(live.calls) == 13


async def test_without_a_network_remote_providers_wait_and_local_ones_serve(world: World) -> None:
    for name in ("far", "farther"):
        base_url = f"http://{name}.invalid"
        await world.admin.add_provider({"id": name, "type": "openai", "base_url": base_url})
        sizes = {"input_per_1k": 1, "output_per_1k": 1, "max_context_tokens": 10_000}
        await world.admin.add_model({"id": "remote", "provider_id": name, **sizes})
    assert (await ask(world, "remote")).status == 502
    reply = await ask(world, "remote")
    assert (reply.status, reply.json["error"]["code"]) == (503, "offline")
    assert reply.headers["x-should-retry"] == "false"
    assert (await ask(world)).status == 200
    states = {one["provider_id"]: one["state"] for one in await world.admin.health()}
    assert set(states.values()) == {"healthy"}  # nobody is blamed for our own network


async def test_after_a_sleep_a_provider_that_was_down_is_tried_again(
    world: World, clocks: Clocks
) -> None:
    await take_down(world)
    assert (await ask(world, "openai/gpt-4o")).status == 503
    world.simulators["openai"].set(Profile())
    clocks.slept_s += 8 * 3600
    assert (await ask(world, "openai/gpt-4o")).status == 200
    assert (await health(world))["state"] == "healthy"


async def test_an_api_that_is_missing_is_not_asked_for_again(world: World, clocks: Clocks) -> None:
    lacks = world.simulators["openai"]
    lacks.fail(Failure.answer(405))
    for attempts in ("3", "1"):
        reply = await ask(world)
        assert (reply.status, reply.headers["X-TokenHub-Attempts"]) == (200, attempts)
    assert [call.path for call in lacks.calls] == ["/v1/chat/completions", "/v1/responses"]
    assert (await health(world))["consecutive_errors"] == 0
    clocks.ahead_s += 3601
    assert (await ask(world)).headers["X-TokenHub-Attempts"] == "3"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_deadline_leaves_time_for_the_second(world: World, stream: bool) -> None:
    world.simulators["openai"].fail(Failure.hang())
    limit = {"X-TokenHub-Max-Latency-Ms": "1000"}
    body = chat("gpt-4o", max_tokens=50, stream=stream)
    reply = await post(world, CHAT, body, **limit)
    assert (reply.status, reply.headers["X-TokenHub-Provider"]) == (200, "openai-2")
    assert len(world.simulators["openai"].calls) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_after_the_deadline_the_client_is_told(world: World, stream: bool) -> None:
    for kind in ("openai", "openai-2"):
        world.simulators[kind].fail(Failure.hang())
    limit = {"X-TokenHub-Max-Latency-Ms": "300"}
    reply = await post(world, CHAT, chat("gpt-4o", stream=stream), **limit)
    assert (reply.status, reply.json["error"]["code"]) == (504, "deadline")
    row = (await logs(world, 1))[0]
    assert (row["status"], row["error_class"], row["cost_usd"]) == (504, "deadline", 0)


async def test_the_first_request_wakes_the_probes(clocks: Clocks) -> None:
    probing = {"TOKENHUB_HEALTH_PROBE_DISABLED": "false"}
    async with World(probing, clock=clocks.clock) as world:
        seen = world.simulators["anthropic"]
        assert (await ask(world, LLAMA)).status == 200
        call = await seen.wait_for_call()
        assert (call.method, call.path) == ("GET", "/v1/messages")


async def test_failures_are_told_as_they_happen(world: World) -> None:
    heard: dict[str, Mapping[str, Any]] = {}

    async def listen() -> None:
        async for event in world.admin.events():
            heard.setdefault(event.type, event.fields)

    listening = asyncio.get_running_loop().create_task(listen())
    world.simulators["openai"].fail(Failure.answer(500))
    async with asyncio.timeout(10):
        while "health_changed" not in heard:
            await ask(world)

    async def succeeded() -> bool:
        return "route_success" in heard

    await until(succeeded)
    listening.cancel()
    failed, changed = heard["attempt_failed"], heard["health_changed"]
    assert (failed["provider_id"], failed["error_class"]) == ("openai", "transient")
    assert (changed["provider_id"], changed["before"]) == ("openai", "healthy")


# The SDKs repeat a request by themselves, twice unless they are told otherwise.


@pytest.fixture
async def openai_sdk(world: World) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{world.url}/v1", api_key=world.key) as client:
        yield client


@pytest.fixture
async def anthropic_sdk(world: World) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=world.url, api_key=world.key) as client:
        yield client


PINNED: Any = {"model": "openai/gpt-4o", "messages": HELLO}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_sdk_that_repeats_does_not_get_a_failing_provider_called_more_often(
    world: World, openai_sdk: openai.AsyncOpenAI, stream: bool
) -> None:
    world.simulators["openai"].fail(Failure.answer(500))
    with pytest.raises(openai.InternalServerError):
        await openai_sdk.chat.completions.create(**PINNED, stream=stream)
    assert len(world.simulators["openai"].calls) == 5  # then it is down


async def test_an_sdk_that_repeats_waits_for_as_long_as_the_provider_asked(
    world: World, openai_sdk: openai.AsyncOpenAI
) -> None:
    world.simulators["openai"].fail(Failure.answer(429, retry_after="1"), times=1)
    answer = await openai_sdk.chat.completions.create(**PINNED)
    assert answer.choices
    assert len(world.simulators["openai"].calls) == 2


@pytest.mark.parametrize("status", [401, 402])
async def test_an_sdk_that_repeats_does_not_try_a_refused_key_again(
    world: World, openai_sdk: openai.AsyncOpenAI, status: int
) -> None:
    world.simulators["openai"].fail(Failure.answer(status))
    with pytest.raises(openai.InternalServerError):
        await openai_sdk.chat.completions.create(**PINNED)
    assert len(world.simulators["openai"].calls) == 1


async def test_anthropics_sdk_does_not_either(
    world: World, anthropic_sdk: anthropic.AsyncAnthropic
) -> None:
    sick = world.simulators["anthropic"]
    sick.fail(Failure.answer(500))
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": HELLO}
    with pytest.raises(anthropic.APIStatusError):
        await anthropic_sdk.messages.create(**asked)
    assert len(sick.calls) == 5


async def test_with_a_second_provider_an_sdk_has_nothing_to_repeat(
    world: World, openai_sdk: openai.AsyncOpenAI
) -> None:
    world.simulators["openai"].fail(Failure.answer(500))
    asked: Any = {**PINNED, "model": "gpt-4o"}
    stream = await openai_sdk.chat.completions.create(**asked, stream=True)
    assert [event async for event in stream]
    assert [len(world.simulators[name].calls) for name in ("openai", "openai-2")] == [3, 1]


async def test_a_client_that_leaves_ends_the_search(world: World) -> None:
    first, second = world.simulators["openai"], world.simulators["openai-2"]
    first.fail(Failure.answer(500))
    second.fail(Failure.hang())
    asking = asyncio.get_running_loop().create_task(ask(world))
    call = await second.wait_for_call()
    asking.cancel()
    await call.wait_ended(5.0)
    assert call.aborted
    row = (await logs(world, 1))[0]
    assert (row["status"], row["error_class"], row["cost_usd"]) == (499, "cancelled", 0)
    assert (await health(world, "openai-2"))["consecutive_errors"] == 0
