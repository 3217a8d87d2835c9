"""A monitor on clocks that stand still, and the providers it watches."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tokenhub.errors import VaultUnavailable
from tokenhub.health.activity import Activity
from tokenhub.health.fleet import Fleet
from tokenhub.health.monitor import CallEnd, HealthMonitor, Listeners
from tokenhub.health.record import Permit
from tokenhub.health.state import Health, HealthState
from tokenhub.ledger.address import is_local
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.types import Clock, CredStore, ErrorClass, Provider, ProviderType

WELL = CallEnd(latency_s=1.0)
BROKEN = CallEnd(ErrorClass.TRANSIENT)
UNREACHED = CallEnd(ErrorClass.TRANSIENT, unreachable=True)


class Clocks:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall_ms = 1_700_000_000_000
        self.now = 1000.0
        self.clock = Clock(lambda: self.wall_ms, lambda: self.now)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.wall_ms += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        """The machine sleeps: the monotonic clock stands still."""
        self.wall_ms += round(seconds * 1000)


def provider(
    name: str,
    *urls: str,
    type: ProviderType = ProviderType.OPENAI,
    cred_store: CredStore = CredStore.NONE,
    enabled: bool = True,
) -> Provider:
    """A provider; one without URLs is remote."""
    return Provider(
        name,
        type,
        urls or (f"https://{name}.example/v1",),
        cred_store=cred_store,
        enabled=enabled,
    )


def model_of(which: Provider) -> str:
    """The key of the one model that a provider has here."""
    return f"{which.id}/m"


@dataclass
class Vault:
    """Keys by provider id; none can be had while it is locked."""

    keys: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False

    def reveal(self, name: str) -> str | None:
        if self.locked:
            raise VaultUnavailable("locked")
        return self.keys.get(name.removeprefix("provider:"))


class World:
    """The monitor and all around it; `changes` are the states it told of."""

    def __init__(self, *providers: Provider, clocks: Clocks | None = None) -> None:
        self.clocks = clocks or Clocks()
        self.vault = Vault()
        self.registry = RegistryHolder(Registry.build(providers, ()))
        self.fleet = Fleet(self.registry, ProviderKeys(self.vault.reveal, {}), is_local)
        self.activity = Activity(self.clocks.clock.monotonic)
        self.changes: list[tuple[str, HealthState, HealthState]] = []
        self.offline: list[bool] = []
        self.sleeps = 0
        self.monitor = HealthMonitor(
            self.clocks.clock,
            self.fleet,
            self.activity,
            Listeners(self._changed, self.offline.append, self._slept),
        )

    def call(self, which: Provider, end: CallEnd = WELL) -> Permit:
        """One call that is let through, and its end."""
        permit = self.monitor.begin(which)
        assert permit is not None
        self.monitor.finished(permit, model_of(which), end)
        return permit

    def calls(self, which: Provider, end: CallEnd, times: int) -> None:
        for _ in range(times):
            self.call(which, end)

    def _changed(self, provider_id: str, before: HealthState, health: Health) -> None:
        self.changes.append((provider_id, before, health.state))

    def _slept(self) -> None:
        self.sleeps += 1
