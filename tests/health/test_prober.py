import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from tests.health.world import BROKEN, World, provider
from tests.support.virtual_time import VirtualTimeLoop
from tokenhub.errors import UpstreamError
from tokenhub.health.prober import EVERY_S, TIMEOUT_S, Prober, probe_url, verdict
from tokenhub.health.state import HealthState
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.upstream import UpstreamRequest, UpstreamResponse
from tokenhub.simulator import Failure, Simulator
from tokenhub.types import CredStore, ErrorClass, Provider, ProviderType

FAR, NEAR = provider("far"), provider("near", "http://10.0.0.1/v1")


@dataclass
class Answer:
    """An answer with a status, whose body ends well, badly or never."""

    status: int = 200
    broken: bool = False
    endless: bool = False
    closed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    async def read(self, limit: int) -> bytes:
        if self.endless:
            await asyncio.sleep(3600)
        if self.broken:
            raise UpstreamError(ErrorClass.TRANSIENT, f"longer than {limit} bytes")
        return b""

    def chunks(self) -> AsyncIterator[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        self.closed = True


class Line:
    """An upstream that does what `answer` says, and notes when it was asked for what."""

    def __init__(self, answer: Callable[[UpstreamRequest], Answer]) -> None:
        self.answer = answer
        self.asked: list[tuple[float, str]] = []
        self.requests: list[UpstreamRequest] = []
        self.running = self.most_running = 0

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        self.asked.append((asyncio.get_running_loop().time() - 1000, request.url))
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        return self.answer(request)


def unreachable(_: UpstreamRequest) -> Answer:
    raise UpstreamError(ErrorClass.TRANSIENT, "nobody there", unreachable=True)


def virtual(work: Callable[[], object]) -> None:
    """Run the coroutine that `work` gives where waiting takes no time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work())  # type: ignore[arg-type] # a coroutine


def prober(world: World, line: Line) -> Prober:
    return Prober(world.monitor, world.fleet, line, world.activity, lambda: 0.5)


class Running:
    """A prober that runs on the loop's clock, as in a hub."""

    def __init__(self, world: World, line: Line) -> None:
        self.world = world
        self.prober = prober(world, line)

    async def __aenter__(self) -> "Running":
        self._task = asyncio.get_running_loop().create_task(self.prober.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def wait(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.world.clocks.advance(1)
            await asyncio.sleep(1)


def test_an_unused_hub_probes_nothing_and_the_first_request_begins_it() -> None:
    async def scene() -> None:
        world, line = World(FAR), Line(lambda _: Answer())
        async with Running(world, line) as running:
            await running.wait(100)
            assert line.asked == []
            world.monitor.used()
            await running.wait(1)
            assert line.asked == [(100.0, "https://far.example/v1/models")]

    virtual(scene)


def test_a_used_hub_probes_every_thirty_seconds_until_five_minutes_after_the_last_request() -> None:
    async def scene() -> None:
        world, line = World(FAR), Line(lambda _: Answer())
        async with Running(world, line) as running:
            world.monitor.used()
            await running.wait(3600)
        times = [at for at, _ in line.asked]
        assert len(times) == 10
        assert times == pytest.approx([EVERY_S * n for n in range(10)], abs=0.1)

    virtual(scene)


@pytest.mark.parametrize(("random", "pause_s"), [(0.0, 24.0), (0.999999, 36.0)])
def test_the_pause_varies_by_a_fifth(random: float, pause_s: float) -> None:
    async def scene() -> None:
        world, line = World(FAR), Line(lambda _: Answer())
        running = Running(world, line)
        running.prober = Prober(world.monitor, world.fleet, line, world.activity, lambda: random)
        async with running:
            world.monitor.used()
            await running.wait(40)
        assert line.asked[1][0] == pytest.approx(pause_s, abs=0.1)

    virtual(scene)


def test_a_probe_without_an_answer_ends_after_ten_seconds_as_an_error() -> None:
    async def scene() -> None:
        answer = Answer(endless=True)
        world, line = World(FAR), Line(lambda _: answer)
        began = asyncio.get_running_loop().time()
        await prober(world, line).round()
        assert asyncio.get_running_loop().time() - began == pytest.approx(TIMEOUT_S, abs=0.01)
        assert answer.closed
        assert world.monitor.of("far").consecutive_errors == 1

    virtual(scene)


def test_many_endpoints_are_not_asked_all_at_once() -> None:
    async def scene() -> None:
        pool = provider("pool", *(f"http://10.0.0.{n}/v1" for n in range(1, 41)))
        world, line = World(pool), Line(lambda _: Answer())
        await prober(world, line).round()
        assert len(line.asked) == 40
        assert line.most_running == 16

    virtual(scene)


def test_a_long_answer_is_an_answer() -> None:
    async def scene() -> None:
        world = World(FAR)
        await prober(world, Line(lambda _: Answer(broken=True))).round()
        assert world.monitor.of("far").consecutive_errors == 0

    virtual(scene)


def test_a_cancelled_round_blames_nobody() -> None:
    async def scene() -> None:
        world = World(FAR)
        task = asyncio.ensure_future(prober(world, Line(lambda _: Answer(endless=True))).round())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait({task})
        assert world.monitor.of("far").consecutive_errors == 0

    virtual(scene)


def test_probes_alone_find_out_that_the_hub_is_offline() -> None:
    async def scene() -> None:
        world = World(FAR, provider("further"), NEAR)
        await prober(world, Line(unreachable)).round()
        assert world.monitor.offline
        assert world.monitor.of("far").consecutive_errors == 0
        assert world.monitor.of("near").consecutive_errors == 1

    virtual(scene)


def test_a_locked_vault_freezes_the_providers_whose_keys_are_in_it() -> None:
    async def scene() -> None:
        keyed = provider("keyed", cred_store=CredStore.VAULT)
        world, line = World(keyed, NEAR), Line(unreachable)
        world.vault.keys = {"keyed": "sk-1"}
        world.vault.locked = True
        await prober(world, line).round()
        assert [url for _, url in line.asked] == ["http://10.0.0.1/v1/models"]
        assert world.monitor.of("keyed").consecutive_errors == 0

    virtual(scene)


def test_a_vault_that_is_locked_in_the_middle_of_a_round_blames_nobody() -> None:
    async def scene() -> None:
        keyed = provider("keyed", cred_store=CredStore.VAULT)
        world, line = World(keyed), Line(unreachable)
        world.vault.keys = {"keyed": "sk-1"}
        task = asyncio.ensure_future(prober(world, line).round())
        await asyncio.sleep(0)
        world.vault.locked = True
        await task
        assert line.asked == []
        assert world.monitor.of("keyed").consecutive_errors == 0

    virtual(scene)


def test_a_provider_that_is_down_is_left_alone_until_its_wait_is_over() -> None:
    async def scene() -> None:
        world, line = World(FAR), Line(lambda _: Answer())
        world.calls(FAR, BROKEN, 5)
        await prober(world, line).round()
        assert line.asked == []
        world.clocks.advance(30)
        await prober(world, line).round()
        assert world.monitor.of("far").state is HealthState.DEGRADED

    virtual(scene)


def test_a_probe_carries_the_providers_own_key_and_way() -> None:
    async def scene() -> None:
        keyed = replace(
            provider("keyed", type=ProviderType.ANTHROPIC, cred_store=CredStore.VAULT),
            proxy="http://proxy:3128",
            ca_file="/etc/ca.pem",
        )
        world, line = World(keyed), Line(lambda _: Answer(405))
        world.vault.keys = {"keyed": "sk-1"}
        await prober(world, line).round()
        (request,) = line.requests
        assert request.method == "GET"
        assert dict(request.headers)["x-api-key"] == "sk-1"
        assert dict(request.headers)["anthropic-version"] == "2023-06-01"
        assert (request.proxy, request.ca_file) == ("http://proxy:3128", "/etc/ca.pem")

    virtual(scene)


@pytest.mark.parametrize(
    ("kind", "base_url", "expected"),
    [
        (ProviderType.OPENAI, "https://api.openai.com/v1", "https://api.openai.com/v1/models"),
        (ProviderType.ANTHROPIC, "https://a.example/v1", "https://a.example/v1/messages"),
        (ProviderType.VLLM, "http://gpu:8000/v1", "http://gpu:8000/health"),
        (ProviderType.VLLM, "http://gpu/llama/v1", "http://gpu/llama/health"),
    ],
)
def test_each_family_is_asked_in_its_own_way(
    kind: ProviderType, base_url: str, expected: str
) -> None:
    assert probe_url(kind, base_url) == expected


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (ProviderType.OPENAI, 200, None),
        (ProviderType.OPENAI, 204, None),
        (ProviderType.ANTHROPIC, 405, None),
        (ProviderType.OPENAI, 405, ErrorClass.UNSUPPORTED),
        (ProviderType.OPENAI, 401, ErrorClass.UNSUPPORTED),
        (ProviderType.OPENAI, 404, ErrorClass.UNSUPPORTED),
        (ProviderType.OPENAI, 429, ErrorClass.UNSUPPORTED),
        (ProviderType.OPENAI, 302, ErrorClass.UNSUPPORTED),
        (ProviderType.OPENAI, 501, ErrorClass.UNSUPPORTED),
        (ProviderType.ANTHROPIC, 529, ErrorClass.UNSUPPORTED),
        (ProviderType.OPENAI, 500, ErrorClass.TRANSIENT),
        (ProviderType.VLLM, 503, ErrorClass.TRANSIENT),
    ],
)
def test_what_a_status_says(kind: ProviderType, status: int, expected: ErrorClass | None) -> None:
    assert verdict(kind, status).error_class is expected


def of(simulator: Simulator) -> Provider:
    return provider(simulator.kind.value, f"{simulator.base_url}/v1", type=simulator.kind)


@pytest.mark.parametrize(
    ("kind", "path"),
    [("openai", "/v1/models"), ("anthropic", "/v1/messages"), ("vllm", "/health")],
)
async def test_real_servers_are_found_dead_and_alive_again(kind: str, path: str) -> None:
    upstream = AiohttpUpstream({})
    async with Simulator(kind) as simulator:
        world = World(of(simulator))
        asking = Prober(world.monitor, world.fleet, upstream, world.activity, lambda: 0.5)
        simulator.fail(Failure.answer(500))
        for _ in range(6):
            await asking.round()
        assert world.monitor.of(kind).state is HealthState.DOWN
        assert [call.path for call in simulator.calls] == [path] * 5
        simulator.fail(Failure.answer(500), times=0)
        world.clocks.advance(30)
        await asking.round()
        assert world.monitor.of(kind).state is HealthState.HEALTHY
    await upstream.close()


async def test_a_server_that_is_gone_cannot_be_reached() -> None:
    upstream = AiohttpUpstream({})
    async with Simulator("openai") as simulator:
        gone = of(simulator)
    world = World(gone)
    asking = Prober(world.monitor, world.fleet, upstream, world.activity, lambda: 0.5)
    await asking.round()
    assert world.monitor.of("openai").last_error_class is ErrorClass.TRANSIENT
    await upstream.close()
