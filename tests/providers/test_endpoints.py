from tokenhub.providers.endpoints import Endpoints
from tokenhub.types import Provider, ProviderType


def pool(provider_id: str, *urls: str) -> Provider:
    return Provider(provider_id, ProviderType.VLLM, urls)


def test_a_pool_is_called_in_turn() -> None:
    endpoints, provider = Endpoints(), pool("v", "http://a", "http://b", "http://c")
    calls = [endpoints.pick(provider) for _ in range(4)]
    assert calls == ["http://a", "http://b", "http://c", "http://a"]


def test_each_pool_has_its_own_turn() -> None:
    endpoints = Endpoints()
    one, two = pool("1", "http://a", "http://b"), pool("2", "http://c", "http://d")
    calls = [endpoints.pick(provider) for provider in (one, two, one, two)]
    assert calls == ["http://a", "http://c", "http://b", "http://d"]


def test_a_pool_that_became_smaller_is_still_called() -> None:
    endpoints = Endpoints()
    for _ in range(2):
        endpoints.pick(pool("v", "http://a", "http://b", "http://c"))
    assert endpoints.pick(pool("v", "http://a", "http://b")) == "http://a"
    assert endpoints.pick(pool("v", "http://a")) == "http://a"


def test_what_is_remembered_of_pools_is_bounded() -> None:
    endpoints = Endpoints()
    for number in range(1500):
        endpoints.pick(pool(str(number), "http://a", "http://b"))
    assert endpoints.pick(pool("1499", "http://a", "http://b")) == "http://b"
    assert endpoints.pick(pool("0", "http://a", "http://b")) == "http://a"
