"""What runs here, in numbers."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenhub.administration.inventory import Inventory
from tokenhub.routing.policy import PolicyHolder
from tokenhub.types import Clock
from tokenhub.vault.vault import Vault, VaultState


class HubInfo:
    """Tells about the process; `address` is asked each time, since it is known after the start."""

    def __init__(  # noqa: PLR0913 - it tells of all these parts
        self,
        *,
        version: str,
        home: Path,
        address: Callable[[], str],
        clock: Clock,
        inventory: Inventory,
        vault: Vault,
        policies: PolicyHolder,
    ) -> None:
        self._version = version
        self._home = home
        self._address = address
        self._clock = clock
        self._started_at = clock.monotonic()
        self._inventory = inventory
        self._vault = vault
        self._policies = policies

    def now(self) -> dict[str, Any]:
        """Return the fields of `info`."""
        state = self._vault.state
        return {
            "version": self._version,
            "pid": os.getpid(),
            "home": str(self._home),
            "listen_addr": self._address().split("://", 1)[-1],
            "uptime_s": round(self._clock.monotonic() - self._started_at, 3),
            "vault_locked": state is not VaultState.UNLOCKED,
            "vault_state": state.value,
            "providers": len(self._inventory.providers),
            "models": len(self._inventory.models),
            "models_enabled": sum(spec.enabled for spec in self._inventory.models.values()),
            "default_mode": self._policies.current.default_mode.value,
        }
