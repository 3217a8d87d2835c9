"""A client is served by a provider of another protocol where its own one fails, and the reverse.

Each failure of a provider, for each client, to and from each protocol, streamed or not: the client
sees its own protocol, and the charge is by the provider that answered.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from tests.road.asking import post
from tests.road.crossing import ROADS, Road, crossing
from tests.road.faults import AFTER_OPENING, BEFORE_CONTENT, IN_CONTENT, Fault
from tests.road.reading import data_of, ended_well, error_of, text_of, used
from tests.road.roads import LIMIT, SAID, Pair, charge_usd
from tests.support.world import World
from tokenhub.simulator import Failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAMS = [road for road in ROADS if road.stream]
WHOLE = [road for road in ROADS if not road.stream]
SAME_WORDS = 'temperature: too "hot"\u2026'
INVALID = {
    "openai": '{"error": {"message": "temperature: too \\"hot\\"\u2026", '
    '"type": "invalid_request_error", "param": "temperature", "code": null}}',
    "anthropic": '{"type": "error", "error": {"type": "invalid_request_error", '
    '"message": "temperature: too \\"hot\\"\u2026"}}',
}
WRONG_JSON = Failure.garbage('{"choices": 1, "content": 1}')
WRONG_ANSWER = Fault("wrong json", WRONG_JSON, 3, "transient")
FAILED_EVENT = Fault("failed-after-opening", Failure.failed_response, 3, "transient")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing() -> AsyncIterator[Pair]:
    async with crossing() as pair:
        yield pair


@pytest.fixture
def hub(standing: Pair) -> Pair:
    return standing


async def served_by_the_second(hub: Pair, road: Road, fault: Fault) -> None:
    """Ask while the first fails; the client must see its own protocol, and pay the second."""
    await hub.renew(road, fault.patience_s)
    hub.first(road).fail(fault.of(road))
    reply = await hub.ask(road)
    assert reply.status == 200, reply.body
    assert text_of(road, reply) == SAID
    assert hub.calls(road) == (fault.calls, 1)
    assert reply.headers["X-TokenHub-Provider"] == road.second
    assert reply.headers["X-TokenHub-Attempts"] == str(fault.calls + 1)
    if road.stream:
        assert ended_well(road, reply)
    assert ("request-id" in reply.headers) is (road.client == "messages")

    told, row = await hub.decision(reply), await hub.row(reply)
    attempts = [(one["provider_id"], one["error_class"]) for one in told["attempts"]]
    assert attempts == [(road.kind, fault.error_class)] * fault.calls + [(road.second, None)]
    assert {(one["provider_id"], one["api"]) for one in told["eligible"]} == {
        (road.kind, road.spoken()),
        (road.second, road.spoken(second=True)),
    }
    reason = f"translated to the {road.spoken(second=True)} API"
    assert (reason in row["reason"]) is road.translated(second=True)
    assert row["reason"] == reply.headers["X-TokenHub-Reason"]
    assert not row["estimated"]
    tokens = (row["input_tokens"], row["output_tokens"])
    expected = charge_usd(road, tokens, dearer=True)
    assert expected > 0
    assert told["cost_usd"] == row["cost_usd"] == pytest.approx(expected, abs=1e-9)
    if not road.stream:
        assert used(road, reply) == tokens
        assert float(reply.headers["X-TokenHub-Cost-USD"]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("fault", [*BEFORE_CONTENT, WRONG_ANSWER], ids=str)
async def test_who_fails_before_any_content_is_replaced(
    hub: Pair, fault: Fault, road: Road
) -> None:
    await served_by_the_second(hub, road, fault)


@pytest.mark.parametrize("road", STREAMS, ids=str)
@pytest.mark.parametrize("fault", [*AFTER_OPENING, FAILED_EVENT], ids=str)
async def test_who_fails_after_the_opening_events_is_replaced(
    hub: Pair, fault: Fault, road: Road
) -> None:
    await served_by_the_second(hub, road, fault)


@pytest.mark.parametrize("road", STREAMS, ids=str)
@pytest.mark.parametrize("fault", IN_CONTENT, ids=str)
async def test_who_fails_after_content_is_not_replaced(hub: Pair, fault: Fault, road: Road) -> None:
    await hub.renew(road, fault.patience_s)
    hub.first(road).fail(fault.of(road))
    reply = await hub.ask(road)
    assert reply.status == 200
    assert hub.calls(road) == (1, 0)
    said = text_of(road, reply)
    assert SAID.startswith(said)
    assert 0 < len(said) < len(SAID)
    assert not ended_well(road, reply)
    assert error_of(road, reply)["message"]

    told, row = await hub.decision(reply), await hub.row(reply)
    assert [one["error_class"] for one in told["attempts"]] == [fault.error_class]
    assert row["error_class"] == fault.error_class
    assert 0 < told["cost_usd"] < charge_usd(road, (100, LIMIT), dearer=False)


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("status", [400, 422])
async def test_an_error_of_the_request_is_told_in_the_clients_own_shape(
    hub: Pair, status: int, road: Road
) -> None:
    await hub.renew(road)
    hub.first(road).fail(Failure.answer(status, body=INVALID[road.kind]))
    reply = await hub.ask(road)
    assert reply.status == status
    assert hub.calls(road) == (1, 0)
    error = error_of(road, reply)
    assert error["message"] == SAME_WORDS
    assert error["type"] == "invalid_request_error"
    if not road.translated():
        assert reply.body == INVALID[road.kind].encode()
    assert reply.headers["Content-Type"].startswith("application/json")
    told, row = await hub.decision(reply), await hub.row(reply)
    assert (told["cost_usd"], row["status"], row["error_class"]) == (0, status, "invalid")
    states = {one["provider_id"]: one for one in await hub.world.admin.health()}
    assert states[road.kind]["consecutive_errors"] == 0


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_context_that_is_too_small_for_all_is_told_in_the_clients_own_words(
    hub: Pair, road: Road
) -> None:
    await hub.renew(road)
    words = {
        "anthropic": '{"type":"error","error":{"type":"invalid_request_error",'
        '"message":"prompt is too long: 12 tokens > 10 maximum"}}',
        "openai": '{"error":{"type":"invalid_request_error","param":"messages",'
        '"code":"context_length_exceeded","message":"This model\'s maximum context length is 10 '
        'tokens. However, your messages resulted in 12 tokens."}}',
    }
    hub.first(road).fail(Failure.answer(400, body=words[road.kind]))
    hub.second(road).fail(Failure.answer(400, body=words[road.second.split("-")[1]]))
    reply = await hub.ask(road)
    assert reply.status == 400
    assert hub.calls(road) == (1, 1)
    error, row = error_of(road, reply), await hub.row(reply)
    if road.client == "messages":
        assert error["message"].startswith("prompt is too long: 12 tokens > 10 maximum")
    else:
        assert error["code"] == "context_length_exceeded"
        assert error["message"].startswith("This model's maximum context length is 10 tokens.")
    assert (row["status"], row["error_class"], row["cost_usd"]) == (400, "context_overflow", 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize(
    ("failure", "status", "calls"),
    [
        (Failure.answer(500), 502, (3, 3)),
        (Failure.answer(401), 502, (1, 1)),
        (Failure.answer(429, retry_after="9"), 429, (1, 1)),
    ],
    ids=["500", "401", "429"],
)
async def test_when_both_fail_the_client_is_told_of_each_in_its_own_shape(
    hub: Pair, failure: Failure, status: int, calls: tuple[int, int], road: Road
) -> None:
    await hub.renew(road)
    hub.first(road).fail(failure)
    hub.second(road).fail(failure)
    reply = await hub.ask(road)
    assert reply.status == status
    assert hub.calls(road) == calls
    message = error_of(road, reply)["message"]
    assert f"{road.kind}/{road.model} (" in message
    assert f"{road.second}/{road.model} (" in message
    assert (await hub.decision(reply))["cost_usd"] == 0


BY_OPENAI = [road for road in ROADS if road.kind == "openai"]
OTHERWISE = {"chat": "responses", "responses": "chat"}


@pytest.mark.parametrize("road", BY_OPENAI, ids=str)
@pytest.mark.parametrize("status", [404, 405])
async def test_who_has_not_the_api_is_asked_by_another_one_of_its_own(
    hub: Pair, status: int, road: Road
) -> None:
    await hub.renew(road)
    body = "<html>nothing here</html>"
    hub.first(road).fail(Failure.answer(status, body=body), times=1)
    replies = [await hub.ask(road) for _ in range(2)]
    other = OTHERWISE[road.spoken()]
    paths = [call.path for call in hub.first(road).calls]
    ends = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
    assert paths == [ends[road.spoken()], ends[other], ends[other]]
    assert hub.second(road).calls == []
    for reply, attempts in zip(replies, ("2", "1"), strict=True):
        assert reply.status == 200
        assert text_of(road, reply) == SAID
        assert reply.headers["X-TokenHub-Attempts"] == attempts
        assert reply.headers["X-TokenHub-Provider"] == road.kind
        reason = f"translated to the {other} API"
        assert reason in (await hub.row(reply))["reason"]
    told = await hub.decision(replies[1])
    assert told["eligible"][0]["api"] == other


@pytest.mark.parametrize("road", [road for road in ROADS if road.kind == "anthropic"], ids=str)
async def test_who_has_no_api_at_all_that_would_do_is_replaced(hub: Pair, road: Road) -> None:
    await hub.renew(road)
    hub.first(road).fail(Failure.answer(405))
    for calls in ((1, 1), (1, 2)):
        reply = await hub.ask(road)
        assert text_of(road, reply) == SAID
        assert hub.calls(road) == calls


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_short_fault_is_got_over_with_the_same_provider(hub: Pair, road: Road) -> None:
    await hub.renew(road)
    hub.first(road).fail(Failure.answer(503), times=2)
    reply = await hub.ask(road)
    assert reply.headers["X-TokenHub-Provider"] == road.kind
    assert hub.calls(road) == (3, 0)
    first, *others = [call.body for call in hub.first(road).calls]
    assert others == [first, first]


@pytest.mark.parametrize("road", STREAMS, ids=str)
async def test_a_stream_in_drops_is_a_stream(hub: Pair, road: Road) -> None:
    await hub.renew(road)
    hub.first(road).fail(Failure.slow_drip(0.0003))
    reply = await hub.ask(road)
    assert text_of(road, reply) == SAID
    assert hub.calls(road) == (1, 0)


UNSAID: dict[str, dict[str, Any]] = {
    "chat": {"n": 2},
    "native": {"n": 2},
    "messages": {"top_k": 5},
    "responses": {"top_logprobs": 3, "include": ["message.output_text.logprobs"]},
}
FOREIGN = [road for road in WHOLE if road.translated(second=True) and not road.translated()]


@pytest.mark.parametrize("road", FOREIGN, ids=str)
async def test_what_the_other_protocol_cannot_say_leaves_its_providers_out(
    hub: Pair, road: Road
) -> None:
    await hub.renew(road)
    unsaid = UNSAID[road.client]
    hub.first(road).fail(Failure.answer(500))
    reply = await post(hub.world, road.path, road.body(**unsaid))
    assert reply.status == 502
    assert hub.second(road).calls == []
    told = await hub.decision(reply)
    (left_out,) = told["rejected"]
    assert (left_out["provider_id"], left_out["reason"]) == (road.second, "protocol")
    assert next(iter(unsaid)) in left_out["detail"]


@pytest.mark.parametrize("road", FOREIGN, ids=str)
async def test_where_nobody_can_say_it_the_client_is_told_what(hub: Pair, road: Road) -> None:
    await hub.renew(road)
    unsaid = UNSAID[road.client]
    field = next(iter(unsaid))
    pinned = replace(road, model=f"{road.second}/{road.model}")
    reply = await post(hub.world, road.path, pinned.body(**unsaid))
    assert reply.status == 400
    told = reply.json["error"]
    assert field in told["message"]
    assert road.spoken(second=True) in told["message"]
    if road.client in ("chat", "responses"):
        assert told["param"] == field
    assert hub.second(road).calls == []


async def test_a_responses_client_gets_numbered_events_from_any_provider(hub: Pair) -> None:
    road = Road("responses", "gpt-4o", stream=True)
    await hub.renew(road)
    hub.first(road).fail(Failure.answer(500))
    events = data_of(await hub.ask(road))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", ["chat", "messages", "responses", "native"])
@pytest.mark.parametrize("kind", ["anthropic", "openai"])
async def test_a_model_of_another_protocol_stands_in_for_a_named_one(
    kind: str, client: str, stream: bool
) -> None:
    """Nobody else has the model: what is equivalent to it speaks another protocol."""
    road = Road(client, "gpt-4o" if kind == "openai" else "claude-haiku-4-5", stream)
    async with World() as world:
        for name in ("gpt-3.5-turbo-instruct", "text-embedding-3-small"):
            await world.admin.delete_model(name)
        if kind == "openai":
            await world.simulators["vllm"].close()
            await world.admin.edit_provider("vllm", {"enabled": False})
        world.simulators[kind].fail(Failure.answer(401))
        for simulator in world.simulators.values():
            simulator.set(replace(simulator.profile, answer=SAID))
        reply = await post(world, road.path, road.body())
        assert reply.status == 200, reply.body
        assert text_of(road, reply) == SAID
        row = await world.log_of(reply.headers["X-Request-Id"])
        assert row["provider_id"] != kind
        assert "substitute" in row["reason"]
        assert row["cost_usd"] > 0
        if stream:
            assert ended_well(road, reply)
