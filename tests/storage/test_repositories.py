import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tokenhub.errors import RequestError
from tokenhub.storage import api_keys, audit, credentials, models, providers, rows, settings, vault
from tokenhub.storage.audit import AuditRow
from tokenhub.storage.opening import open_file
from tokenhub.types import ApiKey, Scope


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, now_ms=lambda: 1)) as opened:
        yield opened


def test_a_setting_is_replaced(connection: sqlite3.Connection) -> None:
    assert settings.get(connection, "limits") is None
    settings.put(connection, "limits", {"hub_daily_usd": 1.5})
    settings.put(connection, "limits", {"hub_daily_usd": None})
    assert settings.get(connection, "limits") == {"hub_daily_usd": None}


def test_providers_come_back_in_order(connection: sqlite3.Connection) -> None:
    assert providers.upsert(connection, "openai", {"type": "openai"}, 5) is True
    assert providers.upsert(connection, "anthropic", {"type": "anthropic"}, 6) is True
    assert providers.upsert(connection, "openai", {"type": "vllm"}, 7) is False
    assert providers.all(connection) == [
        ("anthropic", {"type": "anthropic"}),
        ("openai", {"type": "vllm"}),
    ]
    assert providers.get(connection, "openai") == {"type": "vllm"}
    times = connection.execute("SELECT created_ms, updated_ms FROM providers WHERE id = 'openai'")
    assert times.fetchone() == (5, 7)


def test_a_provider_takes_its_models_with_it(connection: sqlite3.Connection) -> None:
    providers.upsert(connection, "openai", {}, 1)
    models.upsert(connection, "openai", "gpt-4o", {}, 1)
    assert providers.delete(connection, "openai") is True
    assert providers.delete(connection, "openai") is False
    assert providers.get(connection, "openai") is None
    assert models.all(connection) == []


def test_an_edited_provider_keeps_its_models(connection: sqlite3.Connection) -> None:
    providers.upsert(connection, "openai", {}, 1)
    models.upsert(connection, "openai", "gpt-4o", {}, 1)
    providers.upsert(connection, "openai", {"enabled": False}, 2)
    assert models.all(connection) == [("openai", "gpt-4o", {})]


def test_a_model_name_may_have_several_deployments(connection: sqlite3.Connection) -> None:
    for provider_id in ("b", "a"):
        providers.upsert(connection, provider_id, {}, 1)
        assert models.upsert(connection, provider_id, "meta/llama", {"weight": 5}, 1) is True
    assert models.upsert(connection, "a", "meta/llama", {"weight": 7}, 2) is False
    assert models.get(connection, "a", "meta/llama") == {"weight": 7}
    assert models.all(connection) == [
        ("a", "meta/llama", {"weight": 7}),
        ("b", "meta/llama", {"weight": 5}),
    ]
    assert models.delete(connection, "a", "meta/llama") is True
    assert models.delete(connection, "a", "meta/llama") is False
    assert models.get(connection, "a", "meta/llama") is None


def test_a_model_without_a_provider_is_refused(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        models.upsert(connection, "nobody", "gpt-4o", {}, 1)


@pytest.mark.parametrize(
    "key",
    [
        ApiKey("1", "plain", b"h1", created_at_ms=4),
        ApiKey(
            id="2",
            name="all set",
            key_hash=b"h2",
            prefix="tokenhub_ab12",
            scopes=frozenset({Scope.CHAT, Scope.MODELS}),
            allowed_models=("gpt-*", "anthropic/*"),
            expires_at_ms=1,
            monthly_budget_nano=10**15,
            rate_limit_rps=0.5,
            rate_limit_burst=3,
            enabled=False,
            created_at_ms=3,
        ),
    ],
    ids=lambda key: key.name,
)
def test_a_client_key_comes_back_as_it_was(connection: sqlite3.Connection, key: ApiKey) -> None:
    api_keys.put(connection, key, 9)
    assert api_keys.get(connection, key.id) == key


def test_client_keys_are_listed_by_age_and_deleted(connection: sqlite3.Connection) -> None:
    younger, older = ApiKey("1", "", b"1", created_at_ms=2), ApiKey("2", "", b"2", created_at_ms=1)
    api_keys.put(connection, younger, 2)
    api_keys.put(connection, older, 2)
    assert api_keys.all(connection) == [older, younger]
    assert api_keys.delete(connection, "1") is True
    assert api_keys.delete(connection, "1") is False
    assert api_keys.get(connection, "1") is None


def test_a_rotated_client_key_replaces_its_hash(connection: sqlite3.Connection) -> None:
    api_keys.put(connection, ApiKey("1", "", b"old"), 1)
    api_keys.put(connection, ApiKey("1", "", b"new"), 2)
    assert [key.key_hash for key in api_keys.all(connection)] == [b"new"]


def test_the_vault_is_one_row(connection: sqlite3.Connection) -> None:
    assert vault.identity(connection) is None
    vault.put_identity(connection, "id", 1)
    vault.put_identity(connection, "id", 2)
    assert vault.identity(connection) == ("id", 2)


def test_a_key_slot_is_replaced(connection: sqlite3.Connection) -> None:
    vault.put_slot(connection, "password", {"t": 3})
    vault.put_slot(connection, "password", {"t": 4})
    assert vault.slots(connection) == {"password": {"t": 4}}


def test_secrets_show_nothing_in_a_repr() -> None:
    assert "cipher" not in repr(vault.Sealed("provider:openai", 1, b"nonce", b"cipher"))


def test_wrong_passwords_are_counted_and_forgotten(connection: sqlite3.Connection) -> None:
    for timestamp_ms in (30, 10, 20):
        vault.add_failure(connection, timestamp_ms)
    assert vault.failures_since(connection, 20) == [20, 30]
    vault.delete_failures_before(connection, 30)
    assert vault.failures_since(connection, 0) == [30]


def test_applied_credentials_are_known_by_their_hash(connection: sqlite3.Connection) -> None:
    credentials.mark(connection, "provider", "openai", b"1")
    credentials.mark(connection, "provider", "openai", b"2")
    assert credentials.applied(connection) == {("provider", "openai"): b"2"}


def test_the_last_audit_row_is_found(connection: sqlite3.Connection) -> None:
    assert audit.last(connection) is None
    for number in (1, 2):
        row = AuditRow(number, 5, "model.upsert", "m", "admin", None, None, "{}", bytes([number]))
        audit.append(connection, row)
    assert audit.last(connection) == (2, b"\x02")


def test_text_that_sqlite_refuses_is_replaced() -> None:
    assert rows.text("caf\u00e9 \udcff") == "café ?"


@pytest.mark.parametrize(("value", "kept"), [(-1, 0), (7, 7), (2**64 - 1, 2**53)])
def test_counters_stay_in_their_range(value: int, kept: int) -> None:
    assert rows.counter(value) == kept


def test_times_are_rfc_3339_in_utc() -> None:
    assert rows.timestamp(1_770_000_000_250) == "2026-02-02T02:40:00.250Z"


def test_secrets_are_replaced_and_deleted(connection: sqlite3.Connection) -> None:
    vault.put_identity(connection, "id", 1)
    for name, nonce in (("b", b"1"), ("a", b"1"), ("b", b"2")):
        vault.put_secret(connection, vault.Sealed(name, 1, nonce, b"cipher"), 5)
    assert [(found.name, found.nonce) for found in vault.secrets(connection)] == [
        ("a", b"1"),
        ("b", b"2"),
    ]
    assert vault.delete_secret(connection, "a") is True
    assert vault.delete_secret(connection, "a") is False


def test_a_secret_under_another_data_key_is_refused(connection: sqlite3.Connection) -> None:
    vault.put_identity(connection, "id", 2)
    with pytest.raises(RequestError, match="send it again"):
        vault.put_secret(connection, vault.Sealed("a", 1, b"nonce", b"cipher"), 5)
    assert vault.secrets(connection) == []
