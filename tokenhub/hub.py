"""The composition root: builds every part of a hub, starts and stops them in order."""

import asyncio
import logging
import random
import time
from contextlib import AsyncExitStack

from aiohttp import web

from tokenhub import __version__, config
from tokenhub.administration.admin_token import AdminToken
from tokenhub.administration.apikeys import ApiKeys
from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.credentials_file import CredentialsFile
from tokenhub.administration.decisions import Decisions
from tokenhub.administration.discovery import Discovery
from tokenhub.administration.info import HubInfo
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.key_store import MemoryKeys
from tokenhub.administration.known_models import KnownModels
from tokenhub.administration.models import Models
from tokenhub.administration.next_steps import next_steps
from tokenhub.administration.providers import Providers
from tokenhub.administration.routing_config import RoutingRules, stored_limits
from tokenhub.administration.simulation import Simulation
from tokenhub.administration.standing import Standing
from tokenhub.administration.vault import VaultDoor
from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.limits import AddressLimiter, RateLimiter
from tokenhub.api.admin.guard import Guard
from tokenhub.api.admin.routes import Services, admin_routes
from tokenhub.api.client_api import client_routes
from tokenhub.api.hello import hello_routes
from tokenhub.api.model_list import model_routes
from tokenhub.api.native import native_routes
from tokenhub.api.ops import Readiness, ops_routes
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.server import Server, build_app, server_tls
from tokenhub.api.traffic import Traffic
from tokenhub.config import Settings
from tokenhub.core import Core, build_core
from tokenhub.dispatch.attempts import Attempts
from tokenhub.dispatch.failover import Failover
from tokenhub.dispatch.provenance import Provenance
from tokenhub.dispatch.retry_budget import RetryBudget
from tokenhub.errors import RequestError, StartError, VaultError
from tokenhub.gateway import Gateway
from tokenhub.health.prober import Prober
from tokenhub.health.state import HealthState
from tokenhub.observe.failures import FailureLog
from tokenhub.observe.metrics import Metrics, Readings
from tokenhub.observe.recorder import Recorder
from tokenhub.providers.catalogue import lookup
from tokenhub.providers.registry import Registry
from tokenhub.routing.policy import PolicyHolder
from tokenhub.storage.lock import InstanceLock
from tokenhub.tasks import Tasks
from tokenhub.types import Clock
from tokenhub.vault.vault import Vault, VaultState

logger = logging.getLogger(__name__)

AUTOLOCK_CHECK_S = 5.0
SYSTEM_CLOCK = Clock(lambda: time.time_ns() // 1_000_000, time.monotonic)
_STATES = {HealthState.HEALTHY: 0, HealthState.DEGRADED: 1, HealthState.DOWN: 2}


class Hub:
    """A running TokenHub on one home directory; started and stopped once."""

    def __init__(self, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._settings = settings
        self._clock = clock
        self._parts = AsyncExitStack()
        self._tasks = Tasks()
        self._traffic = Traffic()
        self._address = ""
        self._server: Server | None = None
        self._credentials: CredentialsFile | None = None

    @property
    def url(self) -> str:
        """The base URL (or `unix:/path`) that it listens on; empty before the start."""
        return self._address

    async def start(self) -> str:
        """Start every part and listen; return the address. Raises StartError, leaving nothing."""
        async with AsyncExitStack() as parts:
            lock = InstanceLock(self._settings.home)
            lock.acquire()
            parts.callback(lock.release)
            core = await build_core(self._settings, self._clock, self._tasks, parts)
            metrics = Metrics(lambda: self._readings(core))
            routes = await self._routes(core, metrics)
            perimeter = Perimeter(self._settings.allowed_hosts, self._settings.cors_origins)
            app = build_app(routes, perimeter, self._traffic, metrics.aside)
            self._server = Server(app, self._traffic)
            parts.push_async_callback(self._server.stop)
            parts.callback(core.events.close)
            tls = server_tls(self._settings.tls_cert, self._settings.tls_key)
            self._address = await self._server.start(self._settings.listen, tls)
            lock.announce(self._address)
            self._start_tasks(core)
            self._parts = parts.pop_all()
        state = core.vault.state if self._settings.vault_enabled else None
        for step in next_steps(state, core.registry.current, core.ring):
            logger.info("%s", step)
        return self._address

    async def stop(self) -> None:
        """Refuse new requests, let running ones end, settle, and stop every part.

        A cancellation ends the waiting, and the rest is done at once.
        """
        try:
            if self._server is not None:
                await self._server.drain()
        finally:
            await self._parts.aclose()

    async def reload(self) -> None:
        """Read the configuration and the credentials file again.

        Raises StartError for a wrong setting. What can only change with a restart is named in the
        log.
        """
        fresh = config.load(home=self._settings.home)
        changed = [
            new.name
            for old, new in zip(self._settings.shown, fresh.shown, strict=False)
            if old.name == new.name and old.value != new.value
        ]
        if changed:
            logger.warning("changed, and in force after a restart: %s", ", ".join(changed))
        if self._credentials is not None:
            await self._credentials.apply()

    def _start_tasks(self, core: Core) -> None:
        """Start what goes on beside the requests."""
        self._autolock = self._tasks.start("vault autolock", _autolock(core.vault))
        if not self._settings.health_probe_disabled:
            prober = Prober(core.health, core.fleet, core.upstream, core.activity, random.random)
            self._probing = self._tasks.start("health probes", prober.run())

    async def _routes(self, core: Core, metrics: Metrics) -> list[web.RouteDef]:
        """Build administration and the road; return all that is served."""
        guard, services = await self._administration(core)
        settings, clock = self._settings, self._clock
        limits = RateLimiter(settings.rate_limit_rps, settings.rate_limit_burst, clock.monotonic)
        desk = FrontDesk(core.ring, limits, core.strangers, clock, metrics.rate_limited)
        provenance = Provenance(core.database, clock.now_ms)
        gateway = Gateway(
            desk=desk,
            router=core.router,
            ledger=core.ledger,
            attempts=Attempts(
                core.upstream,
                core.keys,
                core.health,
                FailureLog(clock.monotonic),
                provenance,
                clock,
            ),
            provenance=provenance,
            failover=Failover(RetryBudget(lambda: self._traffic.running), clock),
            recorder=Recorder(
                core.database, core.events, metrics, asyncio.get_running_loop().call_soon
            ),
            clock=clock,
        )
        return [
            *client_routes(gateway),
            *native_routes(gateway),
            *hello_routes(),
            *model_routes(desk, lambda: core.registry.current),
            *ops_routes(
                readiness=lambda: _readiness(core.registry.current),
                render_metrics=metrics.render,
                guard_metrics=_open if settings.listen.loopback else guard.check,
            ),
            *admin_routes(services, guard),
        ]

    async def _administration(self, core: Core) -> tuple[Guard, Services]:
        settings, clock = self._settings, self._clock
        given = settings.admin_token
        token = AdminToken.load(settings.home, given.reveal() if given else None)
        changes = Changes(core.database, core.audit, clock.now_ms, self._tasks)
        inventory = Inventory(core.registry, settings.timeouts)
        await inventory.load(core.database)
        known = KnownModels(core.upstream, core.keys, lookup, clock.now_ms)
        models = Models(changes, inventory, known, core.events)
        providers = Providers(
            changes, inventory, core.key_store, core.keys, core.health, core.events
        )
        self._credentials = CredentialsFile(
            settings.credentials_file,
            core.database,
            inventory,
            providers,
            models,
            core.key_store if isinstance(core.key_store, MemoryKeys) else None,
        )
        door = await self._door(core, changes, self._credentials)
        services = Services(
            changes=changes,
            info=self._info(inventory, core.vault, core.policies),
            token=token,
            vault=door,
            providers=providers,
            discovery=Discovery(inventory, known, models),
            models=models,
            apikeys=ApiKeys(changes, core.ring, core.events),
            rules=await _rules(core, changes, inventory),
            simulation=Simulation(lambda wish: core.router.decide(wish, substitutes=True).decision),
            decisions=Decisions(core.database),
            standing=Standing(core.registry, core.health),
            events=core.events,
            database=core.database,
        )
        admin_limits = AddressLimiter(settings.admin_rate_limit_rps, clock.monotonic)
        return Guard(token, admin_limits, core.strangers), services

    async def _door(self, core: Core, changes: Changes, credentials: CredentialsFile) -> VaultDoor:
        """The vault's door, opened if the environment gives its password, and the file applied."""
        door = VaultDoor(
            changes,
            core.database,
            core.vault,
            enabled=self._settings.vault_enabled,
            autolock_minutes=self._settings.vault_autolock_minutes,
            opened=credentials.apply,
        )
        await self._open_vault(door)
        if core.vault.state is not VaultState.UNLOCKED:  # else its opening has applied the file
            await credentials.apply()
        return door

    async def _open_vault(self, door: VaultDoor) -> None:
        """Open the vault with the password that the environment gives, if it gives one."""
        password = self._settings.vault_password
        if password is None or not self._settings.vault_enabled:
            return
        try:
            await door.open_with(password.reveal(), Author("start"))
        except (VaultError, RequestError) as error:
            raise StartError(f"{self._settings.vault_password_from}: {error}") from None

    def _info(self, inventory: Inventory, vault: Vault, policies: PolicyHolder) -> HubInfo:
        return HubInfo(
            version=__version__,
            home=self._settings.home,
            address=lambda: self._address,
            clock=self._clock,
            inventory=inventory,
            vault=vault,
            policies=policies,
        )

    def _readings(self, core: Core) -> Readings:
        providers = core.registry.current.providers
        return Readings(
            provider_states={name: _STATES[core.health.of(name).state] for name in providers},
            vault_locked=core.vault.state is not VaultState.UNLOCKED,
            in_flight=self._traffic.running,
            store_dropped=core.database.dropped,
            settlements_waiting=core.database.backlog,
            event_subscribers=core.events.subscribers,
        )


async def _rules(core: Core, changes: Changes, inventory: Inventory) -> RoutingRules:
    limits = await core.database.read(stored_limits)
    return RoutingRules(changes, inventory, core.policies, core.budgets, limits, core.events)


async def _autolock(vault: Vault) -> None:
    while True:
        await asyncio.sleep(AUTOLOCK_CHECK_S)
        vault.lock_if_idle()


def _readiness(registry: Registry) -> Readiness:
    enabled = [provider for provider in registry.providers.values() if provider.enabled]
    return Readiness(len(enabled), len(registry.names()))


def _open(_: web.Request) -> None:
    """Let everybody see the metrics: only this machine can ask."""
