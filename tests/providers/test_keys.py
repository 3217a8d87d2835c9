import pytest

from tokenhub.errors import VaultUnavailable
from tokenhub.providers.keys import ProviderKeys, secret_name
from tokenhub.types import CredStore, Provider, ProviderType

VAULT = {"provider:p": "sk-vault"}


def provider(store: CredStore, key_env: str | None = None) -> Provider:
    return Provider("p", ProviderType.OPENAI, ("http://a",), cred_store=store, key_env=key_env)


def empty(name: str) -> str | None:
    return None


def locked(name: str) -> str | None:
    raise VaultUnavailable("locked")


@pytest.mark.parametrize(
    ("store", "key"),
    [
        (CredStore.NONE, None),
        (CredStore.VAULT, "sk-vault"),
        (CredStore.ENV, "sk-env"),
        (CredStore.CLIENT, "Bearer sk-client"),
    ],
)
def test_a_key_comes_from_where_the_provider_says(store: CredStore, key: str | None) -> None:
    keys = ProviderKeys(VAULT.get, {"MY_KEY": " sk-env\n"})
    found = provider(store, "MY_KEY")
    assert keys.key_for(found, "Bearer sk-client") == key
    assert keys.missing(found, "Bearer sk-client") is None


def test_a_lock_takes_effect_on_the_next_call() -> None:
    keys = ProviderKeys(locked, {})
    with pytest.raises(VaultUnavailable):
        keys.key_for(provider(CredStore.VAULT), None)
    assert keys.missing(provider(CredStore.VAULT), None) == "vault_locked"
    assert keys.missing(provider(CredStore.NONE), None) is None


@pytest.mark.parametrize("store", [CredStore.VAULT, CredStore.ENV, CredStore.CLIENT])
def test_a_provider_without_its_key_lacks_credentials(store: CredStore) -> None:
    keys = ProviderKeys(empty, {})
    assert keys.key_for(provider(store, "MY_KEY"), None) is None
    assert keys.missing(provider(store, "MY_KEY"), None) == "credentials"


@pytest.mark.parametrize("value", ["", "  ", "sk\r\nX-Evil: 1", "schlüssel"])
def test_a_variable_that_cannot_be_a_header_is_no_key(value: str) -> None:
    keys = ProviderKeys(empty, {"MY_KEY": value})
    assert keys.missing(provider(CredStore.ENV, "MY_KEY"), None) == "credentials"


def test_the_vault_holds_a_providers_key_under_its_id() -> None:
    assert secret_name("openai") == "provider:openai"
