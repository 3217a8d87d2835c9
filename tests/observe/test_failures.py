import pytest

from tokenhub.errors import UpstreamError
from tokenhub.observe import failures
from tokenhub.observe.failures import QUIET_S, FailureLog
from tokenhub.types import ErrorClass

OUTAGE = UpstreamError(
    ErrorClass.TRANSIENT, "the provider answered 503", status=503, body=b"their words"
)


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.log = FailureLog(lambda: self.now)


def test_a_failed_call_is_one_line_without_the_providers_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    World().log.failed("openai", "gpt-4o", OUTAGE)
    assert caplog.messages == [
        "provider openai failed with gpt-4o (transient, status 503): the provider answered 503"
    ]


def test_a_provider_that_was_not_reached_has_no_status(caplog: pytest.LogCaptureFixture) -> None:
    error = UpstreamError(ErrorClass.TRANSIENT, "api.openai.com: connection refused")
    World().log.failed("openai", "gpt-4o", error)
    assert "(transient, status -): api.openai.com: connection refused" in caplog.text


def test_failures_of_one_kind_are_counted_until_the_next_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    for moment in (0.0, 1.0, QUIET_S - 0.1, QUIET_S):
        world.now = moment
        world.log.failed("openai", "gpt-4o", OUTAGE)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith("; 2 more like it since the last line")


def test_other_providers_and_classes_have_lines_of_their_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = World().log
    log.failed("openai", "gpt-4o", OUTAGE)
    log.failed("openai", "gpt-4o", UpstreamError(ErrorClass.AUTH, "the provider answered 401"))
    log.failed("azure", "gpt-4o", OUTAGE)
    assert len(caplog.messages) == 3


def test_a_call_that_its_client_gave_up_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    World().log.failed("openai", "gpt-4o", UpstreamError(ErrorClass.CANCELLED, "gone"))
    assert caplog.messages == []


def test_the_oldest_kinds_are_forgotten(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MAX_KINDS", 2)
    log = World().log
    for provider_id in ("a", "b", "c", "a"):
        log.failed(provider_id, "gpt-4o", OUTAGE)
    assert len(caplog.messages) == 4
