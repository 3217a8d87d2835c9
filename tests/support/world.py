"""A whole hub in the test's own process, and the simulated providers behind it."""

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.support.cast import ADMIN_TOKEN, MODELS, environment, furnish, simulators
from tests.support.waiting import until
from tokenhub import config
from tokenhub.client import Client
from tokenhub.hub import SYSTEM_CLOCK, Hub
from tokenhub.simulator import Simulator
from tokenhub.types import Clock

PATIENCE_S = 10.0
"""How long a test waits for what must come."""


class World:
    """`async with World() as world`: a hub at `url` that takes `key`, in front of `simulators`.

    `environ` adds settings, `home` is a new folder unless one is given, `clock` is the hub's.
    The simulators date their answers by `now`. Without `substitutes` no named model becomes
    another one.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        home: Path | None = None,
        seed: int = 1,
        now: Callable[[], float] = time.time,
        clock: Clock = SYSTEM_CLOCK,
        substitutes: bool = True,
    ) -> None:
        self.simulators: dict[str, Simulator] = simulators(seed, now)
        self.url = ""
        self.key = ""
        self._environ = environment(environ)
        self._home = home
        self._clock = clock
        self._substitutes = substitutes
        self._parts = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            self.home = self._home or Path(parts.enter_context(tempfile.TemporaryDirectory()))
            for simulator in self.simulators.values():
                await parts.enter_async_context(simulator)
            self.hub = Hub(config.load(self._environ, home=self.home), self._clock)
            self.url = await self.hub.start()
            parts.push_async_callback(self.hub.stop)
            self.admin = await parts.enter_async_context(Client(self.url, ADMIN_TOKEN))
            self.http = await parts.enter_async_context(
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S))
            )
            base_urls = {kind: one.base_url for kind, one in self.simulators.items()}
            self.key = await furnish(self.admin, base_urls)
            if not self._substitutes:
                await self.admin.put_routing_config({"named_fallback": "none"})
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def add_twin(self, kind: str) -> Simulator:
        """Register a second provider, `<kind>-2`, with the models of the first, and return it.

        Its models cost ten times as much, so that the first one's go first, and hold twice as much.
        """
        twin = await self._parts.enter_async_context(Simulator(kind))
        self.simulators[f"{kind}-2"] = twin
        await self.admin.add_provider({"id": f"{kind}-2", "type": kind, "base_url": twin.base_url})
        for model in MODELS:
            if model["provider_id"] == kind:
                prices = {name: 10 * model[name] for name in ("input_per_1k", "output_per_1k")}
                context = {"max_context_tokens": 2 * model["max_context_tokens"]}
                row = {**model, **prices, **context, "provider_id": f"{kind}-2"}
                await self.admin.add_model(row)
        return twin

    async def log_of(self, request_id: str) -> dict[str, Any]:
        """The row of the request log, waiting until it is written."""

        async def look() -> dict[str, Any]:
            rows = (await self.admin.logs(limit=100))["items"]
            return next((row for row in rows if row["request_id"] == request_id), {})

        return await until(look)
