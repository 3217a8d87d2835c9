from dataclasses import replace

import pytest

from tests.dispatch.fakes import DEPLOYMENT, PROVIDER
from tokenhub.dispatch import thinking_option
from tokenhub.dispatch.repair import AS_IT_IS, Repair
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.thinking_option import REMEMBERED_S, ThinkingOption, less_thinking
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, ErrorClass

TARGET = Target(DEPLOYMENT, PROVIDER, Api.RESPONSES)
UNASKED, UNSHOWN = Repair(unasked=True), Repair(unshown=True)
UNMEASURED = Repair(unmeasured=True)
NOT_VERIFIED = (
    b'{"error":{"message":"Your organization must be verified to generate reasoning summaries.",'
    b'"type":"invalid_request_error","param":"reasoning.summary","code":"unsupported_value"}}'
)
NO_SUCH_EFFORT = (
    b'{"error":{"message":"Unsupported value: \'max\' is not supported with the \'gpt-5.1\' model. '
    b"Supported values are: 'none', 'low', 'medium', and 'high'.\","
    b'"type":"invalid_request_error","param":"%b","code":"unsupported_value"}}'
)
NO_EFFORT = b"Unsupported parameter: 'reasoning.effort' is not supported with this model."


class Time:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def option(time: Time) -> ThinkingOption:
    return ThinkingOption(time)


def test_all_is_said_until_the_model_refuses_it(option: ThinkingOption) -> None:
    assert option.usual(AS_IT_IS, TARGET) is AS_IT_IS
    option.learn(UNASKED, AS_IT_IS, TARGET)
    assert option.usual(AS_IT_IS, TARGET) == UNASKED


@pytest.mark.parametrize("refused", [UNASKED, UNSHOWN])
def test_all_is_said_again_after_an_hour(
    option: ThinkingOption, time: Time, refused: Repair
) -> None:
    option.learn(refused, AS_IT_IS, TARGET)
    time.now += REMEMBERED_S - 1
    assert option.usual(AS_IT_IS, TARGET) == refused
    time.now += 1
    assert option.usual(AS_IT_IS, TARGET) == AS_IT_IS


def test_what_else_is_left_out_stays_so(option: ThinkingOption) -> None:
    option.learn(UNSHOWN, AS_IT_IS, TARGET)
    assert option.usual(Repair(uncounted=True), TARGET) == Repair(unshown=True, uncounted=True)


def test_a_call_that_left_out_something_else_has_taught_nothing(option: ThinkingOption) -> None:
    option.learn(Repair(uncounted=True, unthinking=True), AS_IT_IS, TARGET)
    option.learn(Repair(uncounted=True, unshown=True), UNSHOWN, TARGET)
    option.learn(Repair(uncounted=True, unasked=True), UNASKED, TARGET)
    assert option.usual(AS_IT_IS, TARGET) is AS_IT_IS


def test_a_word_of_effort_that_a_model_lacks_is_not_remembered(option: ThinkingOption) -> None:
    option.learn(UNMEASURED, AS_IT_IS, TARGET)
    assert option.usual(AS_IT_IS, TARGET) is AS_IT_IS


def test_who_refuses_to_be_asked_at_all_has_said_nothing_of_summaries(
    option: ThinkingOption,
) -> None:
    option.learn(Repair(unasked=True, unshown=True), UNSHOWN, TARGET)
    assert option.usual(AS_IT_IS, TARGET) == UNASKED


@pytest.mark.parametrize("refused", [UNASKED, UNSHOWN])
def test_a_refusal_counts_for_one_model_of_its_provider_at_its_address_by_one_api(
    option: ThinkingOption, refused: Repair
) -> None:
    option.learn(refused, AS_IT_IS, TARGET)
    moved = replace(PROVIDER, base_urls=("http://new.example/v1",))
    others = [
        replace(TARGET, provider=moved),
        replace(TARGET, provider=replace(PROVIDER, id="q")),
        replace(TARGET, deployment=replace(DEPLOYMENT, upstream_name="other")),
        replace(TARGET, api=Api.CHAT),
    ]
    assert [option.usual(AS_IT_IS, other) for other in others] == [AS_IT_IS] * 4
    renamed = replace(TARGET, deployment=replace(DEPLOYMENT, id="alias"))
    assert option.usual(AS_IT_IS, renamed) == refused


@pytest.mark.parametrize("refused", [UNASKED, UNSHOWN])
def test_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch, option: ThinkingOption, refused: Repair
) -> None:
    monkeypatch.setattr(thinking_option, "MAX_REFUSALS", 2)
    targets = [
        replace(TARGET, deployment=replace(DEPLOYMENT, upstream_name=name)) for name in "abc"
    ]
    for target in targets:
        option.learn(refused, AS_IT_IS, target)
    found = [option.usual(AS_IT_IS, target) for target in targets]
    assert found == [AS_IT_IS, AS_IT_IS, refused]


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        (NOT_VERIFIED, [UNSHOWN, UNASKED]),
        (b"Unsupported parameter: 'reasoning.summary' is not", [UNSHOWN, UNASKED]),
        (b'{"loc":["body","reasoning","summary"],"msg":"Extra input"}', [UNSHOWN, UNASKED]),
        (b"Unknown parameter: 'reasoning.generate_summary'.", [UNSHOWN, UNASKED]),
        (NO_SUCH_EFFORT % b"reasoning.effort", [UNMEASURED, UNASKED]),
        (NO_SUCH_EFFORT % b"reasoning_effort", [UNMEASURED, UNASKED]),
        (b"reasoning_effort: Input should be 'low', 'medium' or 'high'", [UNMEASURED, UNASKED]),
        (b"`reasoning_effort` must be one of `none` or `default`", [UNMEASURED, UNASKED]),
        (b"This model does not support effort level 'max'.", [UNMEASURED, UNASKED]),
        (NO_EFFORT, [UNASKED]),
        (b"Encrypted content is not supported with this model.", [UNASKED]),
        (b"include: unsupported value 'reasoning.encrypted_content'", [UNASKED]),
        (b"Unrecognized request argument supplied: reasoning_effort", [UNASKED]),
        (b'"thinking.type.enabled" is not supported for this model', [UNASKED]),
        (b"output_config.effort: extra field", [UNASKED]),
        (b"summary: too long", []),
        (b"Unsupported value: 'temperature'", []),
        (b"", []),
    ],
)
def test_a_refusal_may_be_about_a_part_or_about_thinking_at_all(
    body: bytes, ways: list[Repair]
) -> None:
    error = UpstreamError(ErrorClass.INVALID, "no", status=400, body=body)
    assert list(less_thinking(error, AS_IT_IS)) == ways
