from dataclasses import replace

from tokenhub.health import lacking
from tokenhub.health.lacking import LackingApis
from tokenhub.types import Api, Provider, ProviderType

PROVIDER = Provider("p", ProviderType.OPENAI, ("http://127.0.0.1:1/v1",))


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_api_that_is_missing_is_left_alone_for_an_hour() -> None:
    time = Time()
    apis = LackingApis(time)
    assert not apis.lacks(PROVIDER, Api.EMBEDDINGS)
    apis.mark(PROVIDER, Api.EMBEDDINGS)
    assert apis.lacks(PROVIDER, Api.EMBEDDINGS)
    assert not apis.lacks(PROVIDER, Api.CHAT)
    time.now = lacking.MARKED_S
    assert not apis.lacks(PROVIDER, Api.EMBEDDINGS)


def test_a_new_address_is_another_server() -> None:
    apis = LackingApis(Time())
    apis.mark(PROVIDER, Api.CHAT)
    assert not apis.lacks(replace(PROVIDER, base_urls=("http://127.0.0.1:2/v1",)), Api.CHAT)


def test_a_provider_that_was_changed_is_asked_anew() -> None:
    apis = LackingApis(Time())
    apis.mark(PROVIDER, Api.CHAT)
    apis.mark(replace(PROVIDER, id="q"), Api.CHAT)
    apis.forget("p")
    assert not apis.lacks(PROVIDER, Api.CHAT)
    assert apis.lacks(replace(PROVIDER, id="q"), Api.CHAT)


def test_the_marks_are_bounded() -> None:
    apis = LackingApis(Time())
    for number in range(lacking.MAX_MARKS + 1):
        apis.mark(replace(PROVIDER, id=str(number)), Api.CHAT)
    assert not apis.lacks(replace(PROVIDER, id="0"), Api.CHAT)
    assert apis.lacks(replace(PROVIDER, id=str(lacking.MAX_MARKS)), Api.CHAT)
