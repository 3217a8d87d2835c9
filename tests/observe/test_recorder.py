from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.observe.outcomes import OUTCOME, an_attempt
from tokenhub.observe.events import Event, EventBus, Subscription
from tokenhub.observe.metrics import Metrics, Readings
from tokenhub.observe.recorder import Recorder
from tokenhub.types import DecisionRow, ErrorClass, Outcome


class Log:
    def __init__(self) -> None:
        self.rows: list[Outcome] = []
        self.decisions: list[DecisionRow] = []

    def log(self, outcome: Outcome) -> None:
        self.rows.append(outcome)

    def decide(self, row: DecisionRow) -> None:
        self.decisions.append(row)


class World:
    def __init__(self) -> None:
        self.log = Log()
        self.bus = EventBus(lambda: 1_800_000_000_000)
        self.metrics = Metrics(Readings)
        self.recorder = Recorder(self.log, self.bus, self.metrics, lambda tell: tell())
        self.subscription: Subscription = self.bus.subscribe()

    async def events(self) -> list[Event]:
        self.bus.close()
        return [event async for event in self.subscription]


@pytest.fixture
def world() -> World:
    return World()


async def test_an_outcome_becomes_a_log_row_a_metric_and_an_event(world: World) -> None:
    world.recorder.record(OUTCOME)
    assert world.log.rows == [OUTCOME]
    assert b'tokenhub_requests_total{mode="named"' in await world.metrics.render()
    (event,) = await world.events()
    assert event.type == "route_success"


async def test_the_event_tells_the_decision_in_dollars_and_without_content(world: World) -> None:
    world.recorder.record(OUTCOME)
    (event,) = await world.events()
    expected: dict[str, Any] = {
        "request_id": "req_1",
        "model": "gpt",
        "provider_id": "openai",
        "status": 200,
        "error_class": None,
        "input_tokens": 100,
        "cost_usd": 0.0015,
        "fee_usd": 0.000001,
        "attempts": 0,
    }
    assert {name: event.fields[name] for name in expected} == expected


async def test_a_failed_request_is_an_error_event(world: World) -> None:
    world.recorder.record(replace(OUTCOME, status=502, error_class="transient"))
    (event,) = await world.events()
    assert (event.type, event.fields["error_class"]) == ("route_error", "transient")


async def test_failed_attempts_are_told_before_the_request(world: World) -> None:
    attempts = (an_attempt(ErrorClass.TRANSIENT), an_attempt(None))
    world.recorder.record(replace(OUTCOME, attempts=attempts))
    failed, request = await world.events()
    assert (failed.type, request.type) == ("attempt_failed", "route_success")
    assert failed.fields == {
        "request_id": "req_1",
        "model_id": "gpt",
        "provider_id": "openai",
        "endpoint": "https://api.openai.com/v1",
        "status": 503,
        "error_class": "transient",
    }


async def test_an_attempt_that_the_client_ended_did_not_fail(world: World) -> None:
    outcome = replace(OUTCOME, attempts=(an_attempt(ErrorClass.CANCELLED),))
    world.recorder.record(replace(outcome, status=499, error_class="cancelled"))
    assert [event.type for event in await world.events()] == ["route_error"]


async def test_a_decision_is_kept_beside_its_outcome(world: World) -> None:
    decision = DecisionRow("req_1", 1, "named", "named", "gpt-4o", "openai", dict)
    world.recorder.record(OUTCOME, decision)
    assert world.log.decisions == [decision]
    world.recorder.record(OUTCOME)
    assert len(world.log.decisions) == 1


async def test_a_deployment_that_was_left_out_is_counted(world: World) -> None:
    world.recorder.skipped("openai", "cooling_down")
    wanted = b'tokenhub_provider_skips_total{provider="openai",reason="cooling_down"} 1.0'
    assert wanted in await world.metrics.render()


def test_requests_that_end_together_are_told_together_and_later(world: World) -> None:
    later: list[Callable[[], None]] = []
    recorder = Recorder(world.log, world.bus, world.metrics, later.append)
    second = replace(OUTCOME, request_id="req_2")
    recorder.record(OUTCOME)
    recorder.record(second)
    assert (world.log.rows, len(later)) == ([], 1)
    later.pop()()
    recorder.record(OUTCOME)
    assert (world.log.rows, len(later)) == ([OUTCOME, second], 1)


def test_one_that_cannot_be_told_of_loses_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[Callable[[], None]] = []
    recorder = Recorder(world.log, world.bus, world.metrics, later.append)
    second = replace(OUTCOME, request_id="req_2")
    recorder.record(OUTCOME)
    recorder.record(second)
    with monkeypatch.context() as broken:
        broken.setattr(world.metrics, "observe", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            later.pop(0)()
    later.pop(0)()
    assert (world.log.rows, later) == ([OUTCOME, second], [])
