import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from tests.administration.office import AUTHOR, OPENAI, PASSWORD, Office, office

KEY = "sk-key-of-the-credentials-file"
SEED: dict[str, Any] = {
    "providers": [
        OPENAI | {"api_key": KEY},
        {
            "id": "anthropic",
            "type": "anthropic",
            "base_url": "https://api.anthropic.com",
            "api_key": "sk-ant-key",
        },
        {"id": "ollama-local", "type": "openai", "base_url": "http://localhost:11434"},
    ],
    "models": [
        {
            "id": "gpt-4o",
            "provider_id": "openai",
            "weight": 8,
            "max_context_tokens": 128000,
            "input_per_1k": 0.0025,
            "output_per_1k": 0.01,
        }
    ],
}
"""The file of seed 002."""


def write(desk: Office, content: object, mode: int = 0o600) -> None:
    path = desk.home / "credentials"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)


def changed(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """`base` with `fields` set in its first provider."""
    first, *others = base["providers"]
    return {**base, "providers": [{**first, **fields}, *others]}


async def test_the_seeds_file_registers_providers_models_and_keys(desk: Office) -> None:
    await desk.open_vault()
    write(desk, SEED)
    assert await desk.credentials.apply() == []
    shown = {row["id"]: (row["cred_store"], row["has_key"]) for row in desk.providers.list()}
    assert shown == {
        "anthropic": ("vault", True),
        "ollama-local": ("none", False),
        "openai": ("vault", True),
    }
    assert desk.models.get("gpt-4o")["weight"] == 8
    assert desk.vault.reveal("provider:openai") == KEY
    assert {actor for _, _, actor in (await desk.audit())[1:]} == {"credentials-file"}
    assert KEY not in await desk.everything_stored()


async def test_no_file_is_no_problem(desk: Office) -> None:
    assert await desk.credentials.apply() == []


async def test_an_unchanged_file_changes_nothing_and_later_edits_stay(desk: Office) -> None:
    await desk.open_vault()
    write(desk, SEED)
    await desk.credentials.apply()
    await desk.providers.patch("openai", {"enabled": False, "api_key": "sk-newer"}, AUTHOR)
    await desk.providers.delete("anthropic", AUTHOR)
    await desk.models.delete("gpt-4o", AUTHOR)
    rows = len(await desk.audit())
    assert await desk.credentials.apply() == []
    assert [row["id"] for row in desk.providers.list()] == ["ollama-local", "openai"]
    assert desk.providers.get("openai")["enabled"] is False
    assert desk.vault.reveal("provider:openai") == "sk-newer"
    assert desk.models.list() == []
    assert len(await desk.audit()) == rows


async def test_a_changed_entry_sets_the_fields_it_has_and_keeps_the_others(desk: Office) -> None:
    await desk.open_vault()
    write(desk, SEED)
    await desk.credentials.apply()
    await desk.providers.patch("openai", {"prefix": "oai", "enabled": False}, AUTHOR)
    write(desk, changed(SEED, timeout_secs=30))
    assert await desk.credentials.apply() == []
    row = desk.providers.get("openai")
    assert (row["timeout_secs"], row["prefix"], row["enabled"]) == (30, "oai", False)


async def test_a_changed_model_keeps_its_other_fields_too(desk: Office) -> None:
    write(desk, {"providers": [OPENAI], "models": SEED["models"]})
    await desk.credentials.apply()
    await desk.models.patch("gpt-4o", {"fallbacks": ["other"]}, AUTHOR)
    write(desk, {"providers": [OPENAI], "models": [SEED["models"][0] | {"weight": 3}]})
    assert await desk.credentials.apply() == []
    row = desk.models.get("gpt-4o")
    assert (row["weight"], row["fallbacks"]) == (3, ["other"])


async def test_a_changed_key_replaces_the_stored_one(desk: Office) -> None:
    await desk.open_vault()
    write(desk, SEED)
    await desk.credentials.apply()
    write(desk, changed(SEED, api_key="sk-changed"))
    await desk.credentials.apply()
    assert desk.vault.reveal("provider:openai") == "sk-changed"


async def test_keys_wait_for_a_vault_that_is_not_there_yet(desk: Office) -> None:
    write(desk, SEED)
    assert await desk.credentials.apply() == []
    assert desk.providers.get("openai")["has_key"] is False
    await desk.door.init({"admin_password": PASSWORD}, AUTHOR)
    assert desk.providers.get("openai")["has_key"] is True
    assert desk.vault.reveal("provider:openai") == KEY


async def test_keys_wait_for_a_locked_vault_over_a_restart(tmp_path: Path) -> None:
    async with office(tmp_path) as desk:
        await desk.open_vault()
        await desk.door.lock(AUTHOR)
        write(desk, SEED)
        await desk.credentials.apply()
    async with office(tmp_path) as desk:
        await desk.credentials.apply()
        assert desk.vault.names() == []
        await desk.door.unlock({"admin_password": PASSWORD}, AUTHOR)
        assert desk.vault.reveal("provider:openai") == KEY


async def test_a_waiting_key_does_not_follow_the_provider_to_another_origin(desk: Office) -> None:
    write(desk, {"providers": [OPENAI | {"api_key": KEY}]})
    await desk.credentials.apply()
    await desk.providers.patch("openai", {"base_url": "https://elsewhere.example"}, AUTHOR)
    await desk.open_vault()
    assert desk.vault.names() == []
    (problem,) = await desk.credentials.apply()
    assert "URL was changed elsewhere" in problem


async def test_an_entry_may_say_only_what_to_change(desk: Office) -> None:
    await desk.open_vault()
    await desk.providers.upsert(OPENAI | {"id": "gpu", "base_url": "http://10.0.0.1:8000"}, AUTHOR)
    write(desk, {"providers": [{"id": "gpu", "api_key": KEY}]})
    assert await desk.credentials.apply() == []
    assert desk.vault.reveal("provider:gpu") == KEY
    assert desk.providers.get("gpu")["base_url"] == "http://10.0.0.1:8000/v1"


async def test_a_waiting_key_of_a_deleted_provider_is_not_stored(desk: Office) -> None:
    write(desk, {"providers": [OPENAI | {"api_key": KEY}]})
    await desk.credentials.apply()
    await desk.providers.delete("openai", AUTHOR)
    await desk.open_vault()
    assert desk.vault.names() == []


async def test_with_the_vault_off_keys_live_in_memory_only(tmp_path: Path) -> None:
    async with office(tmp_path, vault_enabled=False) as desk:
        write(desk, SEED)
        assert await desk.credentials.apply() == []
        provider = desk.inventory.resolved(desk.inventory.provider("openai"))
        assert desk.keys.key_for(provider, None) == KEY
        assert desk.providers.get("openai")["has_key"] is True
        assert KEY not in await desk.everything_stored()
        await desk.providers.delete("openai", AUTHOR)
        assert desk.keys.key_for(provider, None) is None
    async with office(tmp_path, vault_enabled=False) as desk:
        await desk.credentials.apply()
        assert desk.providers.get("anthropic")["has_key"] is True


async def test_a_bad_entry_is_named_and_the_rest_goes_on(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    bad: list[Any] = [
        {"id": "nowhere", "type": "vllm"},
        {"id": "metadata", "type": "openai", "base_url": "http://169.254.169.254"},
        {"id": "a", "type": "openai", "base_ulr": "http://localhost:1"},
        {"type": "openai"},
        "openai",
        OPENAI | {"id": "k", "api_key": 5},
    ]
    write(desk, {"providers": [*bad, OPENAI, OPENAI], "models": [{"id": "m", "provider_id": "x"}]})
    with caplog.at_level(logging.WARNING):
        problems = await desk.credentials.apply()
    assert [problem.split(":")[0] for problem in problems] == [
        "providers[0] (nowhere)",
        "providers[1] (metadata)",
        "providers[2] (a)",
        "providers[3]",
        "providers[4]",
        "providers[5] (k)",
        "providers[7] (openai)",
        "models[0] (m)",
    ]
    assert "base_url" in problems[0]
    assert "did you mean 'base_url'" in problems[2]
    assert [row["id"] for row in desk.providers.list()] == ["openai"]
    assert len(caplog.records) == len(problems)


async def test_a_bad_key_is_never_repeated(desk: Office) -> None:
    await desk.open_vault()
    write(desk, {"providers": [OPENAI | {"api_key": "sk-secret with a space\n"}]})
    (problem,) = await desk.credentials.apply()
    assert "sk-secret" not in problem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON \\(line 1\\)"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object with providers, models"),
        ('{"provider": []}', "unknown field 'provider'"),
        ('{"providers": {}}', "providers: expected a list"),
    ],
)
async def test_a_file_that_is_no_credentials_file_is_said_to_be_none(
    desk: Office, content: str, message: str
) -> None:
    write(desk, content)
    (problem,) = await desk.credentials.apply()
    assert re.search(message, problem)
    assert str(desk.home / "credentials") in problem


async def test_a_file_that_others_can_read_is_not_used(desk: Office) -> None:
    write(desk, SEED, mode=0o644)
    (problem,) = await desk.credentials.apply()
    assert "chmod 600" in problem
    assert desk.providers.list() == []


async def test_a_bad_key_is_not_held_in_memory_either(tmp_path: Path) -> None:
    async with office(tmp_path, vault_enabled=False) as desk:
        write(desk, {"providers": [OPENAI | {"api_key": "sk-two\nlines"}]})
        (problem,) = await desk.credentials.apply()
        assert "line break" in problem
        assert desk.providers.get("openai")["has_key"] is False
