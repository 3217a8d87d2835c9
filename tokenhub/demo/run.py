"""The demo from start to end."""

import asyncio
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tokenhub.client import Client
from tokenhub.config import Settings, load
from tokenhub.demo.lines import decision_line, summary
from tokenhub.demo.scene import INCIDENTS, MODELS, ROUND_S, SEED, Role, cast, troubled
from tokenhub.demo.traffic import keep_sending
from tokenhub.errors import StartError
from tokenhub.hub import Hub
from tokenhub.simulator import Simulator

CLIENTS = 3
PAUSE_S = 1.5
Cast = dict[str, tuple[Role, Simulator]]
Say = Callable[[str], None]


async def run(seconds: float | None) -> int:
    """Run the demo for `seconds`, or until Ctrl+C or SIGTERM; return the exit code 0."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tokenhub-demo-")))
        providers = await stack.enter_async_context(_on_stage(cast()))
        hub, settings = await stack.enter_async_context(_hub(home))
        token = settings.admin_token.reveal() if settings.admin_token else ""
        admin = await stack.enter_async_context(Client(hub.url, token))
        key = await _set_up(admin, providers)
        _say(f"base URL    {hub.url}/v1   (Anthropic clients: {hub.url})")
        _say(f"client key  {key}")
        _say("Three simulated providers, sample traffic with incidents; Ctrl+C ends it.\n")
        await _play(admin, providers, (hub.url, key), stop, seconds)
        for line in summary(await admin.stats()):
            _say(line)
    return 0


@asynccontextmanager
async def _on_stage(providers: Cast) -> AsyncIterator[Cast]:
    """The simulators while they run."""
    async with AsyncExitStack() as stack:
        for _, simulator in providers.values():
            await stack.enter_async_context(simulator)
        yield providers


@asynccontextmanager
async def _hub(home: Path) -> AsyncIterator[tuple[Hub, Settings]]:
    """A hub on `home`, at the usual address or, where that is taken, on a free port."""
    environment = {"TOKENHUB_ADMIN_TOKEN": secrets.token_hex(32), "TOKENHUB_LOG_LEVEL": "warn"}
    settings = load(environment, home=home)
    hub = Hub(settings)
    try:
        await hub.start()
    except StartError:
        settings = load({**environment, "TOKENHUB_LISTEN_ADDR": "127.0.0.1:0"}, home=home)
        hub = Hub(settings)
        await hub.start()
    try:
        yield hub, settings
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
    target: tuple[str, str],
    stop: asyncio.Event,
    seconds: float | None,
) -> None:
    """Traffic, incidents and the lines about them, until it is time to stop."""
    url, key = target
    tasks = [asyncio.ensure_future(_incidents(providers)), asyncio.ensure_future(_lines(admin))]
    tasks += [
        asyncio.ensure_future(keep_sending(url, key, seed=SEED + n, pause_s=PAUSE_S))
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


async def _incidents(providers: Cast) -> None:
    """Let the incidents happen, round after round."""
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


async def _lines(admin: Client) -> None:
    """Print a line for each decision, as the hub's own events tell of it."""
    async for event in admin.events():
        if (line := decision_line(event.type, event.fields)) is not None:
            _say(line)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
