"""The demo from start to end."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tokenhub.client import Client
from tokenhub.config import load
from tokenhub.demo.lines import event_line, summary
from tokenhub.demo.scene import INCIDENTS, MODELS, ROUND_S, SEED, Role, cast, troubled
from tokenhub.demo.traffic import keep_sending
from tokenhub.errors import StartError
from tokenhub.hub import Hub
from tokenhub.simulator import Simulator

CLIENTS = 3
PAUSE_S = 1.5
USUAL_PORT = ":8080"
Cast = dict[str, tuple[Role, Simulator]]


@dataclass(frozen=True, slots=True)
class Access:
    """How the demo's hub is reached, by programs with `key` and by an administrator."""

    url: str
    key: str
    home: Path

    def lines(self) -> list[str]:
        """What is printed of it."""
        return [
            f"base URL    {self.url}/v1   (Anthropic clients: {self.url})",
            f"client key  {self.key}",
            f"administer  TOKENHUB_HOME={self.home} tokenhubctl status",
        ]


async def run(seconds: float | None) -> int:
    """Run the demo for `seconds`, or until Ctrl+C or SIGTERM; return the exit code 0."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tokenhub-demo-")))
        providers = await stack.enter_async_context(_on_stage(cast()))
        hub = await stack.enter_async_context(_hub(home))
        token = await asyncio.to_thread((home / ".admin-token").read_text)
        admin = await stack.enter_async_context(Client(hub.url, token.strip()))
        access = Access(hub.url, await _set_up(admin, providers), home)
        _say(*access.lines())
        if not hub.url.endswith(USUAL_PORT):
            _say(f"Port {USUAL_PORT[1:]} is taken by another program, so this is another one.")
        _say("Three simulated providers, sample traffic with incidents; Ctrl+C ends it.", "")
        await _play(admin, providers, access, stop, seconds)
        _say(*summary(await admin.stats()), "", *access.lines()[:2])
    return 0


@asynccontextmanager
async def _on_stage(providers: Cast) -> AsyncIterator[Cast]:
    """The simulators while they run."""
    async with AsyncExitStack() as stack:
        for _, simulator in providers.values():
            await stack.enter_async_context(simulator)
        yield providers


@asynccontextmanager
async def _hub(home: Path) -> AsyncIterator[Hub]:
    """A hub on `home`, at the usual address or, where that is taken, on a free port."""
    hub = Hub(load({}, home=home))
    try:
        await hub.start()
    except StartError:
        hub = Hub(load({"TOKENHUB_LISTEN_ADDR": "127.0.0.1:0"}, home=home))
        await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def _set_up(admin: Client, providers: Cast) -> str:
    """Register the simulated providers and their models as an administrator would; give a key."""
    for role, simulator in providers.values():
        await admin.add_provider(
            {"id": role.id, "type": role.kind, "base_url": simulator.base_url, "prefix": role.id}
        )
    for model in MODELS:
        await admin.add_model(model)
    return str((await admin.create_api_key({"name": "demo"}))["key"])


async def _play(
    admin: Client,
    providers: Cast,
    access: Access,
    stop: asyncio.Event,
    seconds: float | None,
) -> None:
    """Traffic, incidents and the lines about them, until it is time to stop."""
    tasks = [
        asyncio.ensure_future(_incidents(providers, access)),
        asyncio.ensure_future(_lines(admin)),
    ]
    tasks += [
        asyncio.ensure_future(keep_sending(access.url, access.key, seed=SEED + n, pause_s=PAUSE_S))
        for n in range(CLIENTS)
    ]
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _incidents(providers: Cast, access: Access) -> None:
    """Let the incidents happen, round after round, and repeat after each how the hub is reached."""
    while True:
        passed_s = 0.0
        for incident in INCIDENTS:
            role, simulator = providers[incident.provider_id]
            await asyncio.sleep(incident.at_s - passed_s)
            _say(f"-------- {incident.provider_id}: {incident.what} begins")
            simulator.set(troubled(role, incident))
            await asyncio.sleep(incident.for_s)
            _say(f"-------- {incident.provider_id}: {incident.what} is over")
            simulator.set(role.profile)
            passed_s = incident.at_s + incident.for_s
        await asyncio.sleep(ROUND_S - passed_s)
        _say(*access.lines())


async def _lines(admin: Client) -> None:
    """Print a line for each decision, as the hub's own events tell of it."""
    async for event in admin.events():
        if (line := event_line(event.type, event.fields)) is not None:
            _say(line)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
