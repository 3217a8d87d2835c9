"""What is still to do before a hub can serve anybody, for whoever started it."""

from tokenhub.admission.keys import KeyRing
from tokenhub.providers.registry import Registry
from tokenhub.vault.vault import VaultState


def next_steps(vault: VaultState | None, registry: Registry, ring: KeyRing) -> list[str]:
    """Return a line for each step, none when all is done; `vault` None: it is disabled."""
    steps = []
    if vault is VaultState.UNINITIALISED:
        steps.append("no vault for providers' keys yet: 'tokenhubctl vault init' makes one")
    elif vault is VaultState.LOCKED:
        steps.append("the vault is locked: 'tokenhubctl vault unlock' opens it")
    if not registry.providers:
        steps.append(
            "no providers yet: 'tokenhubctl provider add --preset NAME --api-key-stdin' adds one,"
            " 'tokenhubctl provider presets' lists the names"
        )
    elif not registry.names():
        steps.append(
            "no models yet: 'tokenhubctl provider discover PROVIDER' lists what there is,"
            " 'tokenhubctl model enable PROVIDER/ID' takes one"
        )
    if not ring.all():
        steps.append("no client keys yet: 'tokenhubctl apikey create --name NAME' makes one")
    return steps
