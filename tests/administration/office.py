"""All services of administration on one temporary home, as a hub puts them together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.vault.support import CHEAP, Clock
from tokenhub import types
from tokenhub.administration.admin_token import AdminToken
from tokenhub.administration.apikeys import ApiKeys
from tokenhub.administration.changes import Author, Changes
from tokenhub.administration.credentials_file import CredentialsFile
from tokenhub.administration.discovery import Discovery
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.key_store import KeyStore, MemoryKeys, VaultKeys
from tokenhub.administration.known_models import KnownModels
from tokenhub.administration.models import Models
from tokenhub.administration.providers import Providers
from tokenhub.administration.routing_config import RoutingRules, stored_limits, stored_policy
from tokenhub.administration.vault import VaultDoor
from tokenhub.admission.keys import KeyRing
from tokenhub.config import load
from tokenhub.health.activity import Activity
from tokenhub.health.fleet import Fleet
from tokenhub.health.monitor import HealthMonitor, Listeners
from tokenhub.ledger.address import is_local
from tokenhub.ledger.budgets import Budgets
from tokenhub.ledger.ledger import Ledger
from tokenhub.ledger.spent import Spent
from tokenhub.observe.audit import AuditTrail
from tokenhub.observe.events import EventBus
from tokenhub.providers.catalogue import CatalogueEntry
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.routing.policy import PolicyHolder
from tokenhub.routing.question import Decision
from tokenhub.routing.router import Router, Wish
from tokenhub.storage import api_keys
from tokenhub.storage.database import Database
from tokenhub.tasks import Tasks
from tokenhub.types import Prices, Rates, Timeouts
from tokenhub.vault.vault import Vault

PASSWORD = "correct horse"
ADMIN_TOKEN = "0123456789abcdef" * 4
AUTHOR = Author("admin", "req_test")
CATALOGUE = {
    ("openai", "gpt-known"): CatalogueEntry(Prices(Rates(2_500_000, 10_000_000)), 128_000),
    ("anthropic", "claude-known"): CatalogueEntry(Prices(Rates(3_000_000, 15_000_000)), 200_000),
}


async def lookup(names: Sequence[tuple[str, str]]) -> list[CatalogueEntry | None]:
    return [CATALOGUE.get((prefix, model)) for prefix, model in names]


@dataclass
class Office:
    home: Path
    clock: Clock
    database: Database
    vault: Vault
    ring: KeyRing
    holder: RegistryHolder
    inventory: Inventory
    changes: Changes
    events: EventBus
    budgets: Budgets
    keys: ProviderKeys
    providers: Providers
    models: Models
    discovery: Discovery
    apikeys: ApiKeys
    door: VaultDoor
    policies: PolicyHolder
    rules: RoutingRules
    health: HealthMonitor
    router: Router
    credentials: CredentialsFile
    token: AdminToken
    tasks: Tasks = field(repr=False)

    async def open_vault(self) -> None:
        await self.door.open_with(PASSWORD, AUTHOR)

    def simulate(self, wish: Wish) -> Decision:
        """What the road would decide, substitutes included."""
        return self.router.decide(wish, substitutes=True).decision

    async def audit(self) -> list[tuple[str, str, str]]:
        """Action, resource and actor of every audit row."""
        return await self.database.read(
            lambda connection: connection.execute(
                "SELECT action, resource, actor FROM audit ORDER BY id"
            ).fetchall()
        )

    async def everything_stored(self) -> str:
        """The whole database as text, to look for what must not be in it."""
        return await self.database.read(lambda connection: "\n".join(connection.iterdump()))


@asynccontextmanager
async def office(
    home: Path, *, vault_enabled: bool = True, environ: dict[str, str] | None = None
) -> AsyncIterator[Office]:
    clock, tasks = Clock(), Tasks()
    audit = AuditTrail(home / ".audit-key", home / "audit.head")
    database = Database.open(home / "tokenhub.sqlite", now_ms=clock, on_commit=audit.publish_head)
    upstream = AiohttpUpstream({})
    try:
        yield await _assembled(
            home, clock, tasks, audit, database, upstream, vault_enabled, environ
        )
    finally:
        await tasks.close()
        await upstream.close()
        await database.close()


async def _assembled(  # size: one list of parts, as in hub.py
    home: Path,
    clock: Clock,
    tasks: Tasks,
    audit: AuditTrail,
    database: Database,
    upstream: AiohttpUpstream,
    vault_enabled: bool,
    environ: dict[str, str] | None,
) -> Office:
    changes = Changes(database, audit, clock, tasks)
    vault = await Vault.load(database, now_ms=clock, cost=CHEAP)
    memory_keys = None if vault_enabled else MemoryKeys()
    store: KeyStore = VaultKeys(vault, clock) if memory_keys is None else memory_keys
    keys = ProviderKeys(store.reveal, environ or {})
    events = EventBus(clock)
    holder = RegistryHolder(Registry.build([], []))
    inventory = Inventory(holder, Timeouts())
    await inventory.load(database)
    health = monitor(clock, holder, keys)
    providers = Providers(changes, inventory, store, keys, health, events)
    known = KnownModels(upstream, keys, lookup, clock)
    models = Models(changes, inventory, known, events)
    credentials = CredentialsFile(
        home / "credentials", database, inventory, providers, models, memory_keys
    )
    limits = await database.read(stored_limits)
    policies = PolicyHolder(await stored_policy(database, load(environ or {}, home=home)))
    budgets = Budgets(clock, lambda notice: None, limits, Spent())
    ring = KeyRing(await database.read(api_keys.all))
    return Office(
        home=home,
        clock=clock,
        database=database,
        vault=vault,
        ring=ring,
        holder=holder,
        inventory=inventory,
        changes=changes,
        events=events,
        budgets=budgets,
        keys=keys,
        providers=providers,
        models=models,
        discovery=Discovery(inventory, known, models),
        apikeys=ApiKeys(changes, ring, events),
        door=VaultDoor(
            changes,
            database,
            vault,
            enabled=vault_enabled,
            autolock_minutes=0,
            opened=credentials.apply,
        ),
        policies=policies,
        rules=RoutingRules(changes, inventory, policies, budgets, limits, events),
        health=health,
        router=Router(
            registry=holder,
            policies=policies,
            keys=keys,
            health=health,
            ledger=Ledger(database, budgets, 0),
            clock=monotonic(clock),
        ),
        credentials=credentials,
        token=AdminToken(home / ".admin-token", ADMIN_TOKEN, from_variable=False),
        tasks=tasks,
    )


OPENAI: dict[str, Any] = {"id": "openai", "type": "openai", "base_url": "https://api.openai.com"}
"""A provider as seed 002 has it, without its key."""


def monotonic(now_ms: Clock) -> types.Clock:
    """Both clocks, the monotonic one in step with the wall's."""
    return types.Clock(now_ms, lambda: now_ms() / 1000)


def monitor(now_ms: Clock, registry: RegistryHolder, keys: ProviderKeys) -> HealthMonitor:
    """Somebody who watches the providers and tells nobody."""
    clock = monotonic(now_ms)
    listeners = Listeners(lambda *_: None, lambda _: None, lambda: None)
    activity = Activity(clock.monotonic)
    return HealthMonitor(clock, Fleet(registry, keys, is_local), activity, listeners)
