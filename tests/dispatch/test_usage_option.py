from dataclasses import replace

import pytest

from tests.dispatch.fakes import HI, PROVIDER, order
from tokenhub.dispatch.usage_option import UsageOption
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, ErrorClass

REFUSAL = UpstreamError(ErrorClass.INVALID, "no", status=422, body=b"stream_options: extra field")


async def test_usage_is_wanted_of_the_streams_that_can_be_asked() -> None:
    option = UsageOption()
    assert option.wanted(order(), PROVIDER)
    assert option.wanted(order(Api.COMPLETIONS, prompt="a"), PROVIDER)
    assert not option.wanted(order(Api.MESSAGES, messages=[HI]), PROVIDER)


@pytest.mark.parametrize(("asked", "wanted"), [(True, False), (False, True)])
async def test_usage_is_not_wanted_twice(asked: bool, wanted: bool) -> None:
    own = order(stream_options={"include_usage": asked})
    assert UsageOption().wanted(own, PROVIDER) is wanted


async def test_a_refusal_counts_for_its_provider_at_its_address() -> None:
    option = UsageOption()
    assert option.refused_by(REFUSAL, PROVIDER)
    assert not option.wanted(order(), PROVIDER)
    assert option.wanted(order(), replace(PROVIDER, id="q"))
    assert option.wanted(order(), replace(PROVIDER, base_urls=("http://new.example/v1",)))


@pytest.mark.parametrize(
    ("status", "body"), [(401, b"stream_options"), (None, b""), (400, b"temperature")]
)
async def test_other_errors_are_no_refusals(status: int | None, body: bytes) -> None:
    option = UsageOption()
    error = UpstreamError(ErrorClass.INVALID, "no", status=status, body=body)
    assert not option.refused_by(error, PROVIDER)
    assert option.wanted(order(), PROVIDER)
