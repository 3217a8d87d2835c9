"""The composition root: builds every part of a hub, starts and stops them in order."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from tokenhub import __version__, config
from tokenhub.administration.admin_token import AdminToken
from tokenhub.administration.apikeys import ApiKeys
from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.credentials_file import CredentialsFile
from tokenhub.administration.discovery import Discovery
from tokenhub.administration.info import HubInfo
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.key_store import KeyStore, MemoryKeys, VaultKeys
from tokenhub.administration.known_models import KnownModels
from tokenhub.administration.models import Models
from tokenhub.administration.providers import Providers
from tokenhub.administration.routing_config import RoutingConfig, stored_limits
from tokenhub.administration.vault import VaultDoor
from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.keys import KeyRing
from tokenhub.admission.limits import STRANGER_RPS, AddressLimiter, RateLimiter
from tokenhub.api.admin.guard import Guard
from tokenhub.api.admin.routes import Services, admin_routes
from tokenhub.api.client_api import client_routes
from tokenhub.api.model_list import model_routes
from tokenhub.api.native import native_routes
from tokenhub.api.ops import Readiness, ops_routes
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.server import Server, build_app, server_tls
from tokenhub.api.traffic import Traffic
from tokenhub.config import Settings
from tokenhub.dispatch.attempts import Attempts
from tokenhub.errors import RequestError, StartError, VaultError
from tokenhub.gateway import Gateway
from tokenhub.health.tracker import HealthState, HealthTracker
from tokenhub.ledger.announce import announcer
from tokenhub.ledger.budgets import Budgets
from tokenhub.ledger.ledger import Ledger
from tokenhub.ledger.spent import read_spent
from tokenhub.observe.audit import AuditTrail
from tokenhub.observe.events import EventBus
from tokenhub.observe.metrics import Metrics, Readings
from tokenhub.observe.recorder import Recorder
from tokenhub.providers.catalogue import lookup
from tokenhub.providers.endpoints import Endpoints
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.storage import api_keys
from tokenhub.storage.database import Database
from tokenhub.storage.lock import InstanceLock
from tokenhub.tasks import Tasks
from tokenhub.types import Clock
from tokenhub.vault.vault import Vault, VaultState

logger = logging.getLogger(__name__)

AUTOLOCK_CHECK_S = 5.0
SYSTEM_CLOCK = Clock(lambda: time.time_ns() // 1_000_000, time.monotonic)
_STATES = {HealthState.HEALTHY: 0, HealthState.DEGRADED: 1, HealthState.DOWN: 2}


@dataclass(frozen=True, slots=True)
class _Core:
    """What administration and the road share."""

    database: Database
    audit: AuditTrail
    events: EventBus
    vault: Vault
    key_store: KeyStore
    keys: ProviderKeys
    upstream: AiohttpUpstream
    registry: RegistryHolder
    ring: KeyRing
    health: HealthTracker
    budgets: Budgets
    strangers: AddressLimiter


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
            core = await self._core(parts)
            routes = await self._routes(core)
            perimeter = Perimeter(self._settings.allowed_hosts, self._settings.cors_origins)
            self._server = Server(build_app(routes, perimeter, self._traffic), self._traffic)
            parts.push_async_callback(self._server.stop)
            parts.callback(core.events.close)
            tls = server_tls(self._settings.tls_cert, self._settings.tls_key)
            self._address = await self._server.start(self._settings.listen, tls)
            lock.announce(self._address)
            self._autolock = self._tasks.start("vault autolock", _autolock(core.vault))
            self._parts = parts.pop_all()
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

    async def _core(self, parts: AsyncExitStack) -> _Core:
        settings, now_ms = self._settings, self._clock.now_ms
        audit = AuditTrail(settings.home / ".audit-key", settings.home / "audit.head")
        database = Database.open(settings.db_path, now_ms=now_ms, on_commit=audit.publish_head)
        parts.push_async_callback(database.close)
        events = EventBus(now_ms)
        vault = await Vault.load(
            database,
            now_ms=now_ms,
            autolock_minutes=settings.vault_autolock_minutes,
            on_change=lambda state: _tell_of_vault(events, state),
        )
        parts.push_async_callback(vault.close)
        parts.push_async_callback(self._tasks.close)
        key_store = VaultKeys(vault, now_ms) if settings.vault_enabled else MemoryKeys()
        upstream = AiohttpUpstream(settings.environ)
        parts.push_async_callback(upstream.close)

        def reveal(name: str) -> str | None:
            vault.touch()
            return key_store.reveal(name)

        return _Core(
            database=database,
            audit=audit,
            events=events,
            vault=vault,
            key_store=key_store,
            keys=ProviderKeys(reveal, settings.environ),
            upstream=upstream,
            registry=RegistryHolder(Registry.build((), ())),
            ring=KeyRing(await database.read(api_keys.all)),
            health=HealthTracker(now_ms),
            budgets=await _budgets(database, events, now_ms),
            strangers=AddressLimiter(STRANGER_RPS, self._clock.monotonic),
        )

    async def _routes(self, core: _Core) -> list[web.RouteDef]:
        """Build administration and the road; return all that is served."""
        guard, services = await self._administration(core)
        metrics = Metrics(lambda: self._readings(core))
        settings, clock = self._settings, self._clock
        limits = RateLimiter(settings.rate_limit_rps, settings.rate_limit_burst, clock.monotonic)
        desk = FrontDesk(core.ring, limits, core.strangers, clock, metrics.rate_limited)
        gateway = Gateway(
            desk=desk,
            registry=core.registry,
            keys=core.keys,
            ledger=Ledger(core.database, core.budgets, settings.routing_fee_nano),
            attempts=Attempts(core.upstream, core.keys, Endpoints(), core.health, clock),
            recorder=Recorder(core.database, core.events, metrics),
            clock=clock,
        )
        return [
            *client_routes(gateway),
            *native_routes(gateway),
            *model_routes(desk, lambda: core.registry.current),
            *ops_routes(
                readiness=lambda: _readiness(core.registry.current),
                render_metrics=metrics.render,
                guard_metrics=_open if settings.listen.loopback else guard.check,
            ),
            *admin_routes(services, guard),
        ]

    async def _administration(self, core: _Core) -> tuple[Guard, Services]:
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
        credentials = CredentialsFile(
            settings.credentials_file,
            core.database,
            inventory,
            providers,
            models,
            core.key_store if isinstance(core.key_store, MemoryKeys) else None,
        )
        door = VaultDoor(
            changes,
            core.database,
            core.vault,
            enabled=settings.vault_enabled,
            autolock_minutes=settings.vault_autolock_minutes,
            opened=credentials.apply,
        )
        self._credentials = credentials
        await self._open_vault(door)
        await credentials.apply()
        limits = await core.database.read(stored_limits)
        services = Services(
            changes=changes,
            info=self._info(inventory, core.vault),
            token=token,
            vault=door,
            providers=providers,
            discovery=Discovery(inventory, known, models),
            models=models,
            apikeys=ApiKeys(changes, core.ring, core.events),
            routing_config=RoutingConfig(changes, core.budgets, limits, core.events),
            events=core.events,
            database=core.database,
        )
        admin_limits = AddressLimiter(settings.admin_rate_limit_rps, clock.monotonic)
        return Guard(token, admin_limits, core.strangers), services

    async def _open_vault(self, door: VaultDoor) -> None:
        """Open the vault with the password that the environment gives, if it gives one."""
        password = self._settings.vault_password
        if password is None or not self._settings.vault_enabled:
            return
        try:
            await door.open_with(password.reveal(), Author("start"))
        except (VaultError, RequestError) as error:
            raise StartError(f"TOKENHUB_VAULT_PASSWORD: {error}") from None

    def _info(self, inventory: Inventory, vault: Vault) -> HubInfo:
        return HubInfo(
            version=__version__,
            home=self._settings.home,
            address=lambda: self._address,
            clock=self._clock,
            inventory=inventory,
            vault=vault,
        )

    def _readings(self, core: _Core) -> Readings:
        providers = core.registry.current.providers
        return Readings(
            provider_states={name: _STATES[core.health.of(name).state] for name in providers},
            vault_locked=core.vault.state is not VaultState.UNLOCKED,
            in_flight=self._traffic.running,
            store_dropped=core.database.dropped,
            settlements_waiting=core.database.backlog,
            event_subscribers=core.events.subscribers,
        )


async def _budgets(database: Database, events: EventBus, now_ms: Callable[[], int]) -> Budgets:
    """The budgets as the ledger's daily sums leave them."""
    limits = await database.read(stored_limits)
    spent = await database.read(lambda connection: read_spent(connection, now_ms()))
    return Budgets(now_ms, announcer(events), limits, spent)


def _tell_of_vault(events: EventBus, state: VaultState) -> None:
    events.publish("vault_unlocked" if state is VaultState.UNLOCKED else "vault_locked")


async def _autolock(vault: Vault) -> None:
    while True:
        await asyncio.sleep(AUTOLOCK_CHECK_S)
        vault.lock_if_idle()


def _readiness(registry: Registry) -> Readiness:
    enabled = [provider for provider in registry.providers.values() if provider.enabled]
    return Readiness(len(enabled), len(registry.names()))


def _open(_: web.Request) -> None:
    """Let everybody see the metrics: only this machine can ask."""
