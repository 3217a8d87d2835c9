from dataclasses import replace

import pytest

from tests.dispatch.fakes import DEPLOYMENT, HI, PROVIDER, order
from tokenhub.dispatch import usage_option
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.usage_option import UsageOption, names_option
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, ErrorClass, Provider


def at(provider: Provider, api: Api = Api.CHAT) -> Target:
    return Target(DEPLOYMENT, provider, api)


async def test_usage_is_wanted_of_the_streams_that_can_be_asked() -> None:
    option = UsageOption()
    assert option.wanted(order(), at(PROVIDER))
    assert option.wanted(order(Api.COMPLETIONS, prompt="a"), at(PROVIDER, Api.COMPLETIONS))
    assert not option.wanted(order(Api.MESSAGES, messages=[HI]), at(PROVIDER, Api.MESSAGES))


@pytest.mark.parametrize(("asked", "wanted"), [(True, False), (False, True)])
async def test_usage_is_not_wanted_twice(asked: bool, wanted: bool) -> None:
    own = order(stream_options={"include_usage": asked})
    assert UsageOption().wanted(own, at(PROVIDER)) is wanted


async def test_a_refusal_counts_for_its_provider_at_its_address() -> None:
    option = UsageOption()
    option.refused_by(PROVIDER)
    assert not option.wanted(order(), at(PROVIDER))
    assert option.wanted(order(), at(replace(PROVIDER, id="q")))
    assert option.wanted(order(), at(replace(PROVIDER, base_urls=("http://new.example/v1",))))


async def test_only_so_many_refusals_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_option, "MAX_REFUSALS", 2)
    option, providers = UsageOption(), [replace(PROVIDER, id=id) for id in "abc"]
    for provider in providers:
        option.refused_by(provider)
    assert [option.wanted(order(), at(one)) for one in providers] == [True, True, False]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"Unknown field: include_usage", True),
        (b"stream_options: extra field", True),
        (b"", False),
        (b"temperature", False),
    ],
)
def test_a_refusal_names_the_option(body: bytes, names: bool) -> None:
    error = UpstreamError(ErrorClass.INVALID, "no", status=400, body=body)
    assert names_option(error) is names
