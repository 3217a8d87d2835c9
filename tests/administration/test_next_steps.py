from tests.administration.office import AUTHOR, OPENAI, Office
from tokenhub.administration.next_steps import next_steps
from tokenhub.vault.vault import VaultState


def commands(desk: Office, vault: VaultState | None) -> list[str]:
    """The first command of each step."""
    steps = next_steps(vault, desk.holder.current, desk.ring)
    return [step.split("'tokenhubctl ")[1].split("'")[0] for step in steps]


async def test_a_new_hub_needs_a_vault_a_provider_and_a_key(desk: Office) -> None:
    assert commands(desk, desk.vault.state) == [
        "vault init",
        "provider add --preset NAME --api-key-stdin",
        "apikey create --name NAME",
    ]


async def test_a_provider_without_models_needs_some(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    await desk.apikeys.create({"name": "editor"}, AUTHOR)
    assert commands(desk, VaultState.LOCKED) == ["vault unlock", "provider discover PROVIDER"]


async def test_a_hub_that_can_serve_needs_nothing(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI, AUTHOR)
    await desk.models.upsert({"id": "gpt-known", "provider_id": "openai"}, AUTHOR)
    await desk.apikeys.create({"name": "editor"}, AUTHOR)
    assert commands(desk, desk.vault.state) == []
    assert commands(desk, None) == []
