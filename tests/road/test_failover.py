"""Every way in which a provider can fail, on every road: what the client saw, who was called how
often, and what was charged.

Two providers have the same models; `first` is the cheaper one and goes first, `second` is well.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.road.asking import NOW_S, Reply, post
from tests.support.cast import MODELS
from tests.support.world import World
from tokenhub.simulator import Failure, Profile, Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID = "One two three four five six seven eight nine ten."
HELLO = [{"role": "user", "content": "hi"}]
LIMIT = {"max_tokens": 50}
PATIENT, HASTY = 5.0, 0.15
"""Seconds that the first provider may take: long enough for any test, or made to be exceeded."""
AFTER_CONTENT = 6
"""So many events of a stream are enough to have some content among them, in every protocol."""


@dataclass(frozen=True)
class Road:
    """One way to ask: `opening` is the number of events that come before any content."""

    name: str
    path: str
    kind: str
    body: dict[str, Any]
    stream: bool
    opening: int = 0

    def __str__(self) -> str:
        return f"{self.name}-stream" if self.stream else self.name

    @property
    def sent(self) -> dict[str, Any]:
        if not self.stream:
            return self.body
        if "request" in self.body:
            return {"request": self.body["request"] | {"stream": True}}
        return self.body | {"stream": True}

    @property
    def model(self) -> str:
        return str(self.body.get("model") or self.body["request"]["model_hint"])


def _roads() -> list[Road]:
    chat = {"model": "gpt-4o", "messages": HELLO} | LIMIT
    envelope = {"request": {"model_hint": "gpt-4o", "messages": HELLO, "parameters": LIMIT}}
    completions = {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"} | LIMIT
    messages = {"model": "claude-haiku-4-5", "messages": HELLO} | LIMIT
    embeddings = {"model": "text-embedding-3-small", "input": "hi"}
    found = [Road("embeddings", "/v1/embeddings", "openai", embeddings, stream=False)]
    for stream in (False, True):
        found += [
            Road("chat", "/v1/chat/completions", "openai", chat, stream, 1),
            Road("completions", "/v1/completions", "openai", completions, stream),
            Road("messages", "/v1/messages", "anthropic", messages, stream, 2),
            Road("native", "/v1/chat", "openai", envelope, stream, 1),
        ]
    return found


ROADS = _roads()
STREAMS = [road for road in ROADS if road.stream]
WHOLE = [road for road in ROADS if not road.stream]
HTTP_DATE = "Mon, 21 Sep 2026 14:13:41 GMT"
"""21 s after NOW_S."""


@dataclass(frozen=True)
class Fault:
    """One way to fail: how often `calls` a request calls who does, and what that is called."""

    name: str
    failure: Failure | Callable[[Road], Failure]
    calls: int
    error_class: str
    patience_s: float = PATIENT

    def __str__(self) -> str:
        return self.name

    def of(self, road: Road) -> Failure:
        return self.failure if isinstance(self.failure, Failure) else self.failure(road)


FORBIDDEN = '{"type": "error", "error": {"type": "permission_error", "message": "Not you."}}'
NO_QUOTA = '{"error": {"message": "Pay first.", "code": "insufficient_quota"}}'
BEFORE_CONTENT = [
    Fault("500", Failure.answer(500), 3, "transient"),
    Fault("503", Failure.answer(503, retry_after="30"), 3, "transient"),
    Fault("429-seconds", Failure.answer(429, retry_after="21"), 1, "rate_limited"),
    Fault("429-date", Failure.answer(429, retry_after=HTTP_DATE), 1, "rate_limited"),
    Fault("529", Failure.answer(529), 1, "rate_limited"),
    Fault("401", Failure.answer(401), 1, "auth"),
    Fault("403", Failure.answer(403, body=FORBIDDEN), 1, "auth"),
    Fault("402", Failure.answer(402), 1, "budget"),
    Fault("quota", Failure.answer(429, body=NO_QUOTA), 1, "budget"),
    Fault("413", Failure.answer(413), 1, "context_overflow"),
    Fault("garbage", Failure.garbage(), 3, "transient"),
    Fault("reset", Failure.reset(), 3, "transient"),
    Fault("cut", Failure.cut(0), 3, "transient"),
    Fault("cut-unclean", Failure.cut(0, clean=False), 3, "transient"),
    Fault("error-event", Failure.error_event(0), 3, "transient"),
    Fault("hang", Failure.hang(), 3, "transient", HASTY),
    Fault("hang-after-headers", Failure.hang(after_events=0), 3, "transient", HASTY),
    Fault("reset-after-opening", lambda road: Failure.reset(road.opening), 3, "transient"),
    Fault("cut-after-opening", lambda road: Failure.cut(road.opening), 3, "transient"),
    Fault("error-after-opening", lambda road: Failure.error_event(road.opening), 3, "transient"),
    Fault(
        "hang-after-opening",
        lambda road: Failure.hang(after_events=road.opening),
        3,
        "transient",
        HASTY,
    ),
]
IN_CONTENT = [
    Fault("cut", Failure.cut(AFTER_CONTENT), 1, "transient"),
    Fault("cut-unclean", Failure.cut(AFTER_CONTENT, clean=False), 1, "transient"),
    Fault("reset", Failure.reset(AFTER_CONTENT), 1, "transient"),
    Fault("error-event", Failure.error_event(AFTER_CONTENT), 1, "transient"),
    Fault("limit-event", Failure.error_event(AFTER_CONTENT, status=429), 1, "rate_limited"),
    Fault("hang", Failure.hang(after_events=AFTER_CONTENT), 1, "transient", 2 * HASTY),
]


class Pair:
    """The hub with two of each kind, and what became of one request."""

    def __init__(self, world: World) -> None:
        self.world = world

    def first(self, road: Road) -> Simulator:
        return self.world.simulators[road.kind]

    def second(self, road: Road) -> Simulator:
        return self.world.simulators[f"{road.kind}-2"]

    async def renew(self, road: Road, patience_s: float = PATIENT) -> None:
        """Let both be well and unknown to the hub; the first has so many seconds for anything."""
        for id, simulator in ((road.kind, self.first(road)), (f"{road.kind}-2", self.second(road))):
            simulator.set(Profile(answer=SAID))
            simulator.clear_calls()
            seconds = patience_s if id == road.kind else PATIENT
            names = ("timeout_secs", "first_event_timeout_secs", "stream_idle_timeout_secs")
            # A provider that was edited may do better: its health is forgotten.
            await self.world.admin.edit_provider(id, dict.fromkeys(names, seconds))

    async def ask(self, road: Road, **headers: str) -> Reply:
        return await post(self.world, road.path, road.sent, **headers)

    def calls(self, road: Road) -> tuple[int, int]:
        return len(self.first(road).calls), len(self.second(road).calls)

    async def decision(self, reply: Reply) -> dict[str, Any]:
        return await self.world.admin.decision(reply.headers["X-Request-Id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_pair() -> AsyncIterator[Pair]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tokenhub.dispatch.failover.FIRST_PAUSE_S", 0.001)
        async with World(substitutes=False, now=lambda: NOW_S) as world:
            await world.add_twin("openai")
            await world.add_twin("anthropic")
            yield Pair(world)


@pytest.fixture
def pair(standing_pair: Pair) -> Pair:
    return standing_pair


def charge_usd(road: Road, usage: tuple[int, int], *, dearer: bool) -> float:
    """What `usage` (input and output tokens) costs at the first provider, or at the second."""
    row = next(one for one in MODELS if one["id"] == road.model)
    into, out = usage
    cost = (into * row["input_per_1k"] + out * row["output_per_1k"]) / 1000
    return float(cost * (10 if dearer else 1))


def used(road: Road, reply: Reply) -> tuple[int, int]:
    """Input and output tokens as the provider told the client, or its log where it asked not."""
    told = reply.json.get("response", reply.json)["usage"]
    return (
        told.get("prompt_tokens", told.get("input_tokens")),
        told.get("completion_tokens", told.get("output_tokens", 0)),
    )


def text_of(road: Road, reply: Reply) -> str:
    """All that the client was told by the model."""
    if not road.stream:
        answer = reply.json.get("response", reply.json)
        if road.name == "messages":
            return str(answer["content"][0]["text"])
        choice = answer["choices"][0]
        return str(choice["text"] if road.name == "completions" else choice["message"]["content"])
    said = ""
    for event in data_of(reply):
        if event.get("type") == "content_block_delta":
            said += event["delta"]["text"]
        for choice in event.get("choices", ()):
            said += choice["text"] if "text" in choice else choice["delta"].get("content") or ""
    return said


def data_of(reply: Reply) -> list[dict[str, Any]]:
    lines = [line for event in reply.events for line in event.splitlines()]
    found = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    return [json.loads(one) for one in found if one != b"[DONE]"]


def ended_well(road: Road, reply: Reply) -> bool:
    last = reply.events[-1]
    return last.startswith(b"event: message_stop") if road.name == "messages" else b"[DONE]" in last


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("fault", BEFORE_CONTENT, ids=str)
async def test_who_fails_before_any_content_is_replaced(
    pair: Pair, fault: Fault, road: Road
) -> None:
    await pair.renew(road, fault.patience_s)
    pair.first(road).fail(fault.of(road))
    reply = await pair.ask(road)
    assert reply.status == 200, reply.body
    assert pair.calls(road) == (fault.calls, 1)
    assert reply.headers["X-TokenHub-Provider"] == f"{road.kind}-2"
    assert reply.headers["X-TokenHub-Attempts"] == str(fault.calls + 1)
    if road.name != "embeddings":
        assert text_of(road, reply) == SAID
    if road.stream:
        assert ended_well(road, reply)

    told = await pair.decision(reply)
    attempts = [(one["provider_id"], one["error_class"]) for one in told["attempts"]]
    assert attempts == [(road.kind, fault.error_class)] * fault.calls + [(f"{road.kind}-2", None)]
    if not road.stream:
        expected = charge_usd(road, used(road, reply), dearer=True)
        assert told["cost_usd"] == pytest.approx(expected, abs=1e-9)
        assert float(reply.headers["X-TokenHub-Cost-USD"]) == pytest.approx(expected, abs=1e-9)
    assert told["cost_usd"] > 0


@pytest.mark.parametrize("road", [road for road in WHOLE if road.name != "embeddings"], ids=str)
@pytest.mark.parametrize("failure", [Failure.cut(1), Failure.reset(1)], ids=["cut", "reset"])
async def test_half_an_answer_is_none(pair: Pair, failure: Failure, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(failure)
    reply = await pair.ask(road)
    assert text_of(road, reply) == SAID
    assert pair.calls(road) == (3, 1)


@pytest.mark.parametrize("road", STREAMS, ids=str)
@pytest.mark.parametrize("fault", IN_CONTENT, ids=str)
async def test_who_fails_after_content_is_not_replaced(
    pair: Pair, fault: Fault, road: Road
) -> None:
    await pair.renew(road, fault.patience_s)
    pair.first(road).fail(fault.of(road))
    reply = await pair.ask(road)
    assert reply.status == 200
    assert pair.calls(road) == (1, 0)
    assert 0 < len(text_of(road, reply)) < len(SAID)
    assert SAID.startswith(text_of(road, reply))
    assert not ended_well(road, reply)
    last = data_of(reply)[-1]
    assert "error" in last
    if road.name == "messages":
        assert last["type"] == "error"

    told = await pair.decision(reply)
    assert [one["error_class"] for one in told["attempts"]] == [fault.error_class]
    whole = charge_usd(road, (100, 100), dearer=False)
    assert 0 < told["cost_usd"] < whole


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize("status", [400, 422])
async def test_what_the_client_did_wrong_is_told_to_it_and_nobody_else_is_asked(
    pair: Pair, status: int, road: Road
) -> None:
    await pair.renew(road)
    body = '{ "error": {"message": "temperature: too hot", "type": "invalid_request_error"} }'
    pair.first(road).fail(Failure.answer(status, body=body))
    reply = await pair.ask(road)
    assert (reply.status, reply.body) == (status, body.encode())
    assert pair.calls(road) == (1, 0)
    told = await pair.decision(reply)
    assert told["cost_usd"] == 0
    states = {one["provider_id"]: one for one in await pair.world.admin.health()}
    assert states[road.kind]["consecutive_errors"] == 0


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_slow_answer_is_an_answer(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    if road.name == "embeddings":
        return  # its body is too long to come in drops
    pair.first(road).fail(Failure.slow_drip(0.0005))
    reply = await pair.ask(road)
    assert text_of(road, reply) == SAID
    assert pair.calls(road) == (1, 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_an_answer_that_drips_beyond_its_time_is_replaced(pair: Pair, road: Road) -> None:
    await pair.renew(road, HASTY)
    pair.first(road).fail(Failure.slow_drip(0.05))
    reply = await pair.ask(road)
    assert reply.status == 200
    assert pair.calls(road) == (3, 1)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_short_fault_is_got_over_with_the_same_provider(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(Failure.answer(503), times=2)
    reply = await pair.ask(road)
    assert reply.headers["X-TokenHub-Provider"] == road.kind
    assert pair.calls(road) == (3, 0)


@pytest.mark.parametrize("road", ROADS, ids=str)
@pytest.mark.parametrize(
    ("failure", "status", "calls"),
    [
        (Failure.answer(500), 502, (3, 3)),
        (Failure.answer(401), 502, (1, 1)),
        (Failure.answer(402), 502, (1, 1)),
        (Failure.answer(429, retry_after="9"), 429, (1, 1)),
    ],
    ids=["500", "401", "402", "429"],
)
async def test_when_both_fail_the_client_is_told_of_each_and_pays_nothing(
    pair: Pair, failure: Failure, status: int, calls: tuple[int, int], road: Road
) -> None:
    await pair.renew(road)
    pair.first(road).fail(failure)
    pair.second(road).fail(failure)
    reply = await pair.ask(road)
    assert reply.status == status
    assert pair.calls(road) == calls
    message = reply.json["error"]["message"]
    assert f"{road.kind}/{road.model} (" in message
    assert f"{road.kind}-2/{road.model} (" in message
    assert reply.headers.get("Retry-After") == ("9" if status == 429 else None)
    assert (await pair.decision(reply))["cost_usd"] == 0


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_wait_that_was_asked_for_is_kept(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(Failure.answer(429, retry_after="21"), times=1)
    for _ in range(2):
        assert (await pair.ask(road)).headers["X-TokenHub-Provider"] == f"{road.kind}-2"
    assert pair.calls(road) == (1, 2)


@pytest.mark.parametrize("road", ROADS, ids=str)
async def test_a_pin_stays_with_its_provider(pair: Pair, road: Road) -> None:
    await pair.renew(road)
    pair.first(road).fail(Failure.answer(500))
    pinned = json.loads(json.dumps(road.sent).replace(road.model, f"{road.kind}/{road.model}"))
    reply = await post(pair.world, road.path, pinned)
    assert reply.status == 502
    assert pair.calls(road) == (3, 0)
