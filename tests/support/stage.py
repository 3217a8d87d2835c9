"""A hub process and its simulated providers, both outside of the test's own event loop.

So a test may block as a program with a synchronous SDK does.
"""

import asyncio
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.support.cast import ADMIN_TOKEN, furnish, simulators
from tests.support.process import HubProcess
from tokenhub.client import Client
from tokenhub.simulator import Failure, Profile, Simulator

T = TypeVar("T")
PATIENCE_S = 20.0


class Stage:
    """`with Stage() as stage`: a real hub at `stage.url` that takes `stage.key`.

    A named model becomes no other one there: what a provider does is what its client sees.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, *, seed: int = 1) -> None:
        self.simulators: dict[str, Simulator] = simulators(seed)
        self.key = ""
        self._failed: set[str] = set()
        self._environ = environ
        self._loop = asyncio.new_event_loop()
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            thread = threading.Thread(target=self._loop.run_forever, name="simulators")
            thread.start()
            parts.callback(self._loop.close)
            parts.callback(thread.join, PATIENCE_S)
            parts.callback(self._loop.call_soon_threadsafe, self._loop.stop)
            home = Path(parts.enter_context(tempfile.TemporaryDirectory()))
            for simulator in self.simulators.values():
                self.run(simulator.start())
                parts.callback(self._close, simulator)
            self.hub = parts.enter_context(HubProcess(home, self._environ))
            base_urls = {kind: one.base_url for kind, one in self.simulators.items()}
            self.key = self.administer(lambda admin: furnish(admin, base_urls))
            alone = {"named_fallback": "none"}
            self.administer(lambda admin: admin.put_routing_config(alone))
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    @property
    def url(self) -> str:
        """The hub's base URL, without `/v1`."""
        return self.hub.url

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the simulators' loop and return what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def administer(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do `work` with a client of the hub's admin API."""

        async def inner() -> T:
            async with Client(self.url, ADMIN_TOKEN) as admin:
                return await work(admin)

        return self.run(inner())

    def fail(self, kind: str, failure: Failure, *, times: int | None = None) -> None:
        """Let the next `times` calls of a simulator fail, or all from now on."""
        self._loop.call_soon_threadsafe(lambda: self.simulators[kind].fail(failure, times=times))
        self._settled()
        self._failed.add(kind)

    def play(self, kind: str, profile: Profile) -> None:
        """Switch a simulator to `profile`."""
        self._loop.call_soon_threadsafe(lambda: self.simulators[kind].set(profile))
        self._settled()
        if profile.failure is not None:
            self._failed.add(kind)

    def reset(self) -> None:
        """Let every simulator work again, forget its calls, and let the hub forget its failures."""

        def fresh() -> None:
            for simulator in self.simulators.values():
                simulator.set(Profile())
                simulator.clear_calls()

        self._loop.call_soon_threadsafe(fresh)
        self._settled()
        self.administer(self._forgive)

    async def _forgive(self, admin: Client) -> None:
        while self._failed:
            await admin.edit_provider(self._failed.pop(), {"enabled": True})

    def _close(self, simulator: Simulator) -> None:
        self.run(simulator.close())

    def _settled(self) -> None:
        self.run(asyncio.sleep(0))
