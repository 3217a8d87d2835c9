from pathlib import Path

import pytest

from tests.administration.office import AUTHOR, OPENAI, PASSWORD, Office, office
from tokenhub.errors import BadRequest, RequestError, StorageError, VaultUnavailable
from tokenhub.types import CredStore

KEY = "sk-very-secret-provider-key"


async def test_a_new_provider_is_in_force_and_shows_what_it_comes_to(desk: Office) -> None:
    row, new = await desk.providers.upsert(OPENAI, AUTHOR)
    assert new
    assert row["base_url"] == "https://api.openai.com/v1"
    assert row["cred_store"] == "none"
    assert row["has_key"] is False
    assert row["source"] == "store"
    assert row["health"]["state"] == "healthy"
    assert desk.holder.current.providers["openai"].base_urls == ("https://api.openai.com/v1",)


async def test_a_key_goes_to_the_vault_and_is_never_shown(desk: Office) -> None:
    await desk.open_vault()
    row, _ = await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    assert row["cred_store"] == "vault"
    assert row["has_key"] is True
    assert desk.vault.reveal("provider:openai") == KEY
    assert KEY not in str(desk.providers.list())
    assert KEY not in repr(desk.inventory.providers)
    assert KEY not in await desk.everything_stored()


async def test_a_key_for_a_closed_vault_is_refused_and_nothing_is_saved(desk: Office) -> None:
    with pytest.raises(VaultUnavailable, match="uninitialised"):
        await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    assert desk.providers.list() == []
    assert await desk.audit() == []


async def test_a_key_with_the_vault_off_is_a_bad_request(tmp_path: Path) -> None:
    async with office(tmp_path, vault_enabled=False) as desk:
        with pytest.raises(BadRequest, match="vault is disabled"):
            await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
        assert desk.providers.list() == []


async def test_creating_again_without_a_key_keeps_the_stored_one(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    row, new = await desk.providers.upsert(OPENAI | {"prefix": "oai"}, AUTHOR)
    assert not new
    assert row["has_key"] is True
    assert row["cred_store"] == "vault"
    assert desk.vault.reveal("provider:openai") == KEY


async def test_creating_again_changes_the_fields_given_and_enables(desk: Office) -> None:
    await desk.providers.upsert(OPENAI | {"prefix": "oai", "enabled": False}, AUTHOR)
    row, new = await desk.providers.upsert({"id": "openai", "timeout_secs": 9}, AUTHOR)
    assert (new, row["enabled"]) == (False, True)
    assert (row["prefix"], row["timeout_secs"]) == ("oai", 9)
    row, _ = await desk.providers.upsert({"id": "openai", "enabled": False}, AUTHOR)
    assert row["enabled"] is False
    assert {action for action, _, _ in await desk.audit()} == {"provider.upsert"}


async def test_a_preset_gives_its_name_to_a_provider_without_one(desk: Office) -> None:
    row, _ = await desk.providers.upsert({"preset": "groq"}, AUTHOR)
    assert row["id"] == "groq"
    row, _ = await desk.providers.upsert({"preset": "groq", "id": "fast"}, AUTHOR)
    assert row["id"] == "fast"


@pytest.mark.parametrize(
    "url", ["http://api.openai.com", "https://api.openai.com:444", "https://elsewhere.example"]
)
async def test_a_new_origin_detaches_the_key(desk: Office, url: str) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    assert await desk.providers.patch("openai", {"base_url": url}, AUTHOR) is True
    assert desk.providers.get("openai")["has_key"] is False
    assert desk.vault.reveal("provider:openai") is None


async def test_a_new_origin_in_a_repeated_creation_detaches_the_key_too(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    row, _ = await desk.providers.upsert(OPENAI | {"base_url": "https://other.example"}, AUTHOR)
    assert row["has_key"] is False


async def test_a_new_path_of_the_same_origin_keeps_the_key(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    changes = {"base_url": "https://api.openai.com/v1/"}
    assert await desk.providers.patch("openai", changes, AUTHOR) is False
    assert desk.providers.get("openai")["has_key"] is True


async def test_a_new_origin_with_a_new_key_has_the_new_key(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    changes = {"base_url": "https://other.example", "api_key": "sk-other"}
    assert await desk.providers.patch("openai", changes, AUTHOR) is False
    assert desk.vault.reveal("provider:openai") == "sk-other"


async def test_leaving_the_vault_removes_the_key(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    await desk.providers.patch("openai", {"cred_store": "none"}, AUTHOR)
    assert desk.vault.names() == []


async def test_a_patch_keeps_what_it_does_not_name(desk: Office) -> None:
    await desk.providers.upsert(OPENAI | {"prefix": "oai"}, AUTHOR)
    await desk.providers.patch("openai", {"enabled": False}, AUTHOR)
    row = desk.providers.get("openai")
    assert (row["prefix"], row["enabled"]) == ("oai", False)


async def test_an_environment_key_shows_as_had_where_the_variable_is_set(tmp_path: Path) -> None:
    async with office(tmp_path, environ={"OPENAI_API_KEY": "sk-env"}) as desk:
        await desk.providers.upsert(OPENAI | {"cred_store": "env"}, AUTHOR)
        assert desk.providers.get("openai")["has_key"] is True
        assert (
            desk.inventory.resolved(desk.inventory.provider("openai")).cred_store is CredStore.ENV
        )


async def test_headers_are_shown_without_their_values(desk: Office) -> None:
    row, _ = await desk.providers.upsert(OPENAI | {"headers": {"X-Team": "hidden"}}, AUTHOR)
    assert row["headers"] == {"X-Team": "********"}
    await desk.providers.patch("openai", {"enabled": False}, AUTHOR)
    assert desk.holder.current.providers["openai"].headers == {"X-Team": "hidden"}


async def test_deleting_a_provider_takes_its_models_and_its_key_along(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    await desk.models.upsert({"id": "gpt-4o", "provider_id": "openai"}, AUTHOR)
    await desk.providers.delete("openai", AUTHOR)
    assert desk.providers.list() == []
    assert desk.models.list() == []
    assert desk.vault.names() == []
    assert "gpt-4o" not in desk.holder.current.names()


async def test_a_key_can_be_removed_with_its_provider_while_the_vault_is_locked(
    desk: Office,
) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    await desk.door.lock(AUTHOR)
    await desk.providers.delete("openai", AUTHOR)
    await desk.open_vault()
    assert desk.vault.names() == []


async def test_every_change_has_its_audit_row(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    await desk.providers.patch("openai", {"enabled": False}, AUTHOR)
    await desk.providers.delete("openai", AUTHOR)
    assert await desk.audit() == [
        ("provider.upsert", "openai", "admin"),
        ("provider.patch", "openai", "admin"),
        ("provider.delete", "openai", "admin"),
    ]


async def test_a_change_that_cannot_be_committed_changes_nothing_in_memory(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    await desk.database.write(
        lambda connection: connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'no'); END"
        )
    )
    with pytest.raises(Exception, match="no") as refused:
        await desk.providers.patch("openai", {"enabled": False}, AUTHOR)
    assert not isinstance(refused.value, StorageError)
    assert desk.providers.get("openai")["enabled"] is True
    assert await desk.database.read(
        lambda connection: (
            "false" not in connection.execute("SELECT spec FROM providers").fetchone()
        )
    )


async def test_providers_come_back_after_a_restart(tmp_path: Path) -> None:
    async with office(tmp_path) as desk:
        await desk.open_vault()
        await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
        before = desk.providers.list()
    async with office(tmp_path) as desk:
        after = desk.providers.list()
        assert [row | {"health": None} for row in after] == [
            row | {"health": None} for row in before
        ]
        await desk.door.open_with(PASSWORD, AUTHOR)
        assert desk.vault.reveal("provider:openai") == KEY


async def test_an_unknown_provider_is_a_404_with_the_nearest_name(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    with pytest.raises(RequestError, match="'openai'") as refused:
        desk.providers.get("opnai")
    assert refused.value.status == 404


async def test_a_key_of_null_takes_the_stored_one_away(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    assert await desk.providers.patch("openai", {"api_key": None}, AUTHOR) is True
    assert desk.providers.get("openai")["has_key"] is False
    await desk.providers.upsert(OPENAI | {"api_key": KEY}, AUTHOR)
    row, _ = await desk.providers.upsert(OPENAI | {"api_key": None}, AUTHOR)
    assert row["has_key"] is False
    assert desk.vault.names() == []
