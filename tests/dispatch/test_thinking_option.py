from dataclasses import replace

import pytest

from tests.dispatch.fakes import DEPLOYMENT, PROVIDER, order
from tokenhub.dispatch import thinking_option
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.thinking_option import ThinkingOption, names_thinking
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, ErrorClass

TARGET = Target(DEPLOYMENT, PROVIDER, Api.CHAT)


async def test_how_much_to_think_is_said_until_the_model_refuses_it() -> None:
    option, asked = ThinkingOption(), order(Api.MESSAGES, max_tokens=9)
    assert option.wanted(asked, TARGET)
    option.refused_by(TARGET)
    assert not option.wanted(asked, TARGET)


async def test_in_its_own_protocol_a_client_says_what_it_says() -> None:
    option = ThinkingOption()
    option.refused_by(TARGET)
    assert option.wanted(order(), TARGET)


async def test_a_refusal_counts_for_one_model_of_its_provider_at_its_address() -> None:
    option, asked = ThinkingOption(), order(Api.MESSAGES, max_tokens=9)
    option.refused_by(TARGET)
    moved = replace(PROVIDER, base_urls=("http://new.example/v1",))
    assert option.wanted(asked, replace(TARGET, provider=moved))
    assert option.wanted(asked, replace(TARGET, provider=replace(PROVIDER, id="q")))
    other = replace(DEPLOYMENT, upstream_name="other")
    assert option.wanted(asked, replace(TARGET, deployment=other))
    renamed = replace(DEPLOYMENT, id="alias")
    assert not option.wanted(asked, replace(TARGET, deployment=renamed))


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinking_option, "MAX_REFUSALS", 2)
    option, asked = ThinkingOption(), order(Api.MESSAGES, max_tokens=9)
    targets = [
        replace(TARGET, deployment=replace(DEPLOYMENT, upstream_name=name)) for name in "abc"
    ]
    for target in targets:
        option.refused_by(target)
    assert [option.wanted(asked, target) for target in targets] == [True, True, False]


@pytest.mark.parametrize(
    ("status", "body", "names"),
    [
        (400, b"Unrecognized request argument supplied: reasoning_effort", True),
        (400, b'"thinking.type.enabled" is not supported for this model', True),
        (422, b"output_config.effort: extra field", True),
        (401, b"reasoning_effort", False),
        (None, b"", False),
        (400, b"temperature", False),
    ],
)
def test_a_refusal_may_be_about_thinking(status: int | None, body: bytes, names: bool) -> None:
    error = UpstreamError(ErrorClass.INVALID, "no", status=status, body=body)
    assert names_thinking(error) is names
