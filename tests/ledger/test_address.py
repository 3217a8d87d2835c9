import pytest

from tokenhub.ledger.address import is_local
from tokenhub.types import Provider, ProviderType


def provider_at(*urls: str) -> Provider:
    return Provider("p", ProviderType.OPENAI, urls)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/v1",
        "http://localhost:8000",
        "http://[::1]:8000/v1",
        "http://10.1.2.3/v1",
        "http://192.168.0.7:8000",
        "http://[fd00::1]/v1",
        "http://vllm:8000/v1",
        "http://gpu.local/v1",
        "http://host.docker.internal:1234/v1",
        "http://GPU.LOCAL/v1",
    ],
)
def test_loopback_and_private_addresses_are_local(url: str) -> None:
    assert is_local(provider_at(url))


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "http://8.8.8.8/v1", "http://local.example.com/v1"]
)
def test_public_addresses_are_not_local(url: str) -> None:
    assert not is_local(provider_at(url))


def test_a_provider_with_one_public_endpoint_is_not_local() -> None:
    assert not is_local(provider_at("http://10.0.0.1/v1", "https://api.example.com/v1"))
