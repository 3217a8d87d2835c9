"""What administration and the road share, and how it is built."""

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tokenhub.administration.key_store import KeyStore, MemoryKeys, VaultKeys
from tokenhub.administration.routing_config import stored_limits, stored_policy
from tokenhub.admission.keys import KeyRing
from tokenhub.admission.limits import STRANGER_RPS, AddressLimiter
from tokenhub.config import Settings
from tokenhub.health.activity import Activity
from tokenhub.health.fleet import Fleet
from tokenhub.health.monitor import HealthMonitor, Listeners
from tokenhub.health.state import Health, HealthState
from tokenhub.ledger.address import is_local
from tokenhub.ledger.announce import announcer
from tokenhub.ledger.budgets import Budgets
from tokenhub.ledger.ledger import Ledger
from tokenhub.ledger.spent import read_spent
from tokenhub.observe.audit import AuditTrail
from tokenhub.observe.events import EventBus
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.routing.policy import PolicyHolder
from tokenhub.routing.router import Router
from tokenhub.storage import api_keys
from tokenhub.storage.database import Database
from tokenhub.tasks import Tasks
from tokenhub.types import Clock
from tokenhub.vault.vault import Vault, VaultState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Core:
    """What administration and the road share."""

    database: Database
    audit: AuditTrail
    events: EventBus
    vault: Vault
    key_store: KeyStore
    keys: ProviderKeys
    upstream: HttpUpstream
    registry: RegistryHolder
    ring: KeyRing
    fleet: Fleet
    activity: Activity
    health: HealthMonitor
    ledger: Ledger
    router: Router
    policies: PolicyHolder
    budgets: Budgets
    strangers: AddressLimiter


@dataclass(frozen=True, slots=True)
class _Store:
    """What outlives the process, and who tells of its changes."""

    database: Database
    audit: AuditTrail
    events: EventBus
    vault: Vault
    key_store: KeyStore


async def build_core(settings: Settings, clock: Clock, tasks: Tasks, parts: AsyncExitStack) -> Core:
    """Build the parts; what must be closed is left to `parts`. Raises StartError."""
    store = await _store(settings, clock, tasks, parts)
    upstream = HttpUpstream(settings.environ)
    parts.push_async_callback(upstream.close)

    def reveal(name: str) -> str | None:
        store.vault.touch()
        return store.key_store.reveal(name)

    database, events = store.database, store.events
    keys = ProviderKeys(reveal, settings.environ)
    registry = RegistryHolder(Registry.build((), ()))
    activity = Activity(clock.monotonic)
    # Probes look at keys too, but must not keep a vault open.
    fleet = Fleet(registry, ProviderKeys(store.key_store.reveal, settings.environ), is_local)
    health = HealthMonitor(clock, fleet, activity, _listeners(events, upstream))
    budgets = await _budgets(database, events, clock.now_ms)
    ledger = Ledger(database, budgets, settings.routing_fee_nano)
    policies = PolicyHolder(await stored_policy(database, settings))
    return Core(
        database=database,
        audit=store.audit,
        events=events,
        vault=store.vault,
        key_store=store.key_store,
        keys=keys,
        upstream=upstream,
        registry=registry,
        ring=KeyRing(await database.read(api_keys.all)),
        fleet=fleet,
        activity=activity,
        health=health,
        ledger=ledger,
        router=Router(
            registry=registry,
            policies=policies,
            keys=keys,
            health=health,
            ledger=ledger,
            clock=clock,
        ),
        policies=policies,
        budgets=budgets,
        strangers=AddressLimiter(STRANGER_RPS, clock.monotonic),
    )


async def _store(settings: Settings, clock: Clock, tasks: Tasks, parts: AsyncExitStack) -> _Store:
    now_ms = clock.now_ms
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
    parts.push_async_callback(tasks.close)
    key_store: KeyStore = VaultKeys(vault, now_ms) if settings.vault_enabled else MemoryKeys()
    return _Store(database, audit, events, vault, key_store)


async def _budgets(database: Database, events: EventBus, now_ms: Callable[[], int]) -> Budgets:
    """The budgets as the ledger's daily sums leave them."""
    limits = await database.read(stored_limits)
    spent = await database.read(lambda connection: read_spent(connection, now_ms()))
    return Budgets(now_ms, announcer(events), limits, spent)


def _listeners(events: EventBus, upstream: HttpUpstream) -> Listeners:
    """What the health of providers means to others."""

    def changed(provider_id: str, before: HealthState, health: Health) -> None:
        events.publish(
            "health_changed",
            provider_id=provider_id,
            state=health.state.value,
            before=before.value,
            consecutive_errors=health.consecutive_errors,
            last_error_class=health.last_error_class,
        )

    def offline(is_offline: bool) -> None:
        logger.warning("the hub is %s", "offline" if is_offline else "online again")
        events.publish("health_changed", provider_id=None, state="offline" if is_offline else "ok")

    return Listeners(changed, offline, upstream.close_idle)


def _tell_of_vault(events: EventBus, state: VaultState) -> None:
    events.publish("vault_unlocked" if state is VaultState.UNLOCKED else "vault_locked")
