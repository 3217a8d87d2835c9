"""Asks every endpoint from time to time whether it is there, as long as the hub is used.

What counts as an answer is each family's own: OpenAI-compatible servers list their models,
Anthropic's has no `GET /v1/messages` and says so with a 405, vLLM has `/health`.
"""

import asyncio
import contextlib
from collections.abc import Callable

from tokenhub.errors import UpstreamError, VaultUnavailable
from tokenhub.health.activity import Activity
from tokenhub.health.fleet import Fleet
from tokenhub.health.monitor import CallEnd, HealthMonitor
from tokenhub.providers.adapters import build_headers
from tokenhub.providers.upstream import Upstream, UpstreamRequest
from tokenhub.types import Api, ErrorClass, Provider, ProviderType

EVERY_S = 30.0
JITTER = 0.2
"""Rounds are this share earlier or later, so that many hubs do not ask in step."""
TIMEOUT_S = 10.0
SIDE_BY_SIDE = 16
"""So many endpoints are asked at once."""
MAX_BODY_BYTES = 1 << 20
"""An answer up to this length is read, so that its connection can be used again."""

_WELL = CallEnd()
_FAILED = CallEnd(ErrorClass.TRANSIENT)
_NOTHING = CallEnd(ErrorClass.UNSUPPORTED)
_GIVEN_UP = CallEnd(ErrorClass.CANCELLED)
_NO_VERDICT = frozenset({501, 529})
"""Server errors that are none: it cannot do a GET here; it has too much to do (Anthropic)."""


class Prober:
    """Runs the rounds; `random` gives 0 up to 1 (`random.random`)."""

    def __init__(
        self,
        monitor: HealthMonitor,
        fleet: Fleet,
        upstream: Upstream,
        activity: Activity,
        random: Callable[[], float],
    ) -> None:
        self._monitor = monitor
        self._fleet = fleet
        self._upstream = upstream
        self._activity = activity
        self._random = random
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def run(self) -> None:
        """Probe for ever: at the first request, then every 30 s while requests come."""
        while True:
            await self._activity.wait()
            self._monitor.look_at_clocks()
            await self.round()
            await asyncio.sleep(EVERY_S * (1 + JITTER * (2 * self._random() - 1)))

    async def round(self) -> None:
        """Probe every endpoint that is not to be left alone now, once."""
        async with asyncio.TaskGroup() as probes:
            for provider in self._fleet.serving():
                for url in provider.base_urls:
                    probes.create_task(self._probe(provider, url), name=f"probe {provider.id}")

    async def _probe(self, provider: Provider, url: str) -> None:
        async with self._slots:
            permit = self._monitor.begin_probe(provider, url)
            if permit is None:
                return
            end = _GIVEN_UP
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    end = await self._ask(provider, url)
            except TimeoutError:
                end = _FAILED
            except UpstreamError as error:
                end = CallEnd(error.error_class, unreachable=error.unreachable)
            except VaultUnavailable:
                pass  # locked since the round began
            finally:
                self._monitor.probed(permit, end)

    async def _ask(self, provider: Provider, url: str) -> CallEnd:
        api = Api.MESSAGES if provider.type is ProviderType.ANTHROPIC else Api.CHAT
        request = UpstreamRequest(
            method="GET",
            url=probe_url(provider.type, url),
            headers=build_headers(provider, api, (), self._fleet.key_of(provider)),
            connect_s=provider.timeouts.connect_s,
            proxy=provider.proxy,
            ca_file=provider.ca_file,
        )
        response = await self._upstream.send(request)
        try:
            with contextlib.suppress(UpstreamError):
                await response.read(MAX_BODY_BYTES)
        finally:
            response.close()
        return verdict(provider.type, response.status)


def probe_url(provider_type: ProviderType, base_url: str) -> str:
    """Return what is asked at `base_url`, which ends before an API's path."""
    match provider_type:
        case ProviderType.OPENAI:
            return f"{base_url}/models"
        case ProviderType.ANTHROPIC:
            return f"{base_url}/messages"
        case ProviderType.VLLM:
            return f"{base_url.removesuffix('/v1')}/health"


def verdict(provider_type: ProviderType, status: int) -> CallEnd:
    """Return what the status of a probe's answer says.

    A refusal of the probe itself (a restricted key, no list of models) says only that the server
    is there: requests will tell.
    """
    if 200 <= status < 300 or (status == 405 and provider_type is ProviderType.ANTHROPIC):
        return _WELL
    return _FAILED if status >= 500 and status not in _NO_VERDICT else _NOTHING
