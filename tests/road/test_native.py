"""TokenHub's own endpoint, `POST /v1/chat`, through a whole hub."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.cast import LLAMA
from tests.support.world import World
from tokenhub.simulator import Failure
from tokenhub.wire.sse import EventSplitter

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


async def post(world: World, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    own = {"Authorization": f"Bearer {world.key}"} | headers
    async with world.http.post(f"{world.url}/v1/chat", json=body, headers=own) as reply:
        return reply.status, dict(reply.headers), await reply.read()


@pytest.mark.parametrize(
    "body",
    [
        {"request": {"messages": HI, "model_hint": "gpt-4o", "parameters": {"temperature": 0.5}}},
        {"request": {"messages": HI, "model": "gpt-4o", "parameters": {"temperature": 0.5}}},
        {"messages": HI, "model": "gpt-4o", "temperature": 0.5},
        {"messages": HI, "model_hint": "gpt-4o", "parameters": {"temperature": 0.5}},
        {
            "request": {
                "messages": HI,
                "model_hint": "gpt-4o",
                "meta": {"job": 7},
                "estimated_input_tokens": 3,
                "parameters": {"temperature": 0.5},
            },
            "capabilities": {"planning": False},
        },
    ],
)
async def test_the_envelope_and_its_reduced_form_ask_for_the_same(
    world: World, body: dict[str, Any]
) -> None:
    status, headers, reply = await post(world, body)
    assert status == 200
    (call,) = world.simulators["openai"].calls
    assert call.path == "/v1/chat/completions"
    assert call.json == {"model": "gpt-4o", "messages": HI, "temperature": 0.5}
    told = json.loads(reply)
    assert set(told) == {
        "negotiated_model",
        "negotiated_provider",
        "estimated_cost_usd",
        "routing_reason",
        "response",
    }
    assert told["response"]["choices"][0]["message"]["content"]
    assert headers["X-TokenHub-Model"] == told["negotiated_model"] == "gpt-4o"


async def test_a_stream_is_the_providers_and_ends_with_done(world: World) -> None:
    body = {"request": {"messages": HI, "model_hint": "gpt-4o", "stream": True}}
    status, headers, reply = await post(world, body)
    assert status == 200
    assert headers["X-TokenHub-Provider"] == "openai"
    events = EventSplitter().feed(reply)
    assert events[-1] == b"data: [DONE]\n\n"
    assert b'"chat.completion.chunk"' in events[0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"policy": {"mode": "dear"}}, "policy.mode"),
        ({"policy": {"max_budget_usd": 101}}, "policy.max_budget_usd"),
        ({"policy": {"max_latency_ms": -1}}, "policy.max_latency_ms"),
        ({"policy": {"min_weight": 2.5}}, "policy.min_weight"),
        ({"policy": {"speed": 1}}, "policy.speed"),
        ({"capabilities": {"planning": 1}}, "capabilities.planning"),
        ({"output_format": {"type": "json"}}, "output_format.type"),
        ({"request": {"messages": HI, "model": "gpt-4o", "output_schema": {}}}, "output_schema"),
        ({"request": {"messages": [], "model": "gpt-4o"}}, "messages"),
        ({"request": 5}, "request"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(
    world: World, body: dict[str, Any], field: str
) -> None:
    sent = {"request": {"messages": HI, "model": "gpt-4o"}} | body
    status, headers, reply = await post(world, sent)
    assert status == 400
    error = json.loads(reply)["error"]
    assert field in error["message"]
    assert error["request_id"] == headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("body", "model", "reason"),
    [
        ({"request": {"messages": HI}}, "gpt-5", "auto:normal: best score"),
        (
            {"request": {"messages": HI, "model_hint": "auto:cheap"}},
            LLAMA,
            "auto:cheap: best score",
        ),
        ({"messages": HI, "policy": {"mode": "minimize_cost"}}, LLAMA, "auto:cheap: best score"),
        ({"messages": HI, "policy": {"min_weight": 8}}, "gpt-5", "auto:normal: best score"),
        (
            {"request": {"messages": HI}, "capabilities": {"planning": True}},
            "gpt-5",
            "auto:planning: best score",
        ),
        (
            {"messages": HI, "policy": {"mode": "cheap"}, "capabilities": {"planning": True}},
            LLAMA,
            "auto:cheap: best score",
        ),
    ],
)
async def test_the_envelope_steers_the_choice(
    world: World, body: dict[str, Any], model: str, reason: str
) -> None:
    await world.admin.delete_model("gpt-3.5-turbo-instruct")
    await world.admin.edit_model("gpt-5", {"weight": 9})
    status, headers, reply = await post(world, body)
    assert status == 200, reply
    told = json.loads(reply)
    assert (told["negotiated_model"], told["routing_reason"]) == (model, reason)
    row = await world.log_of(headers["X-Request-ID"])
    assert row["mode"] == reason.split(":")[1]


async def test_the_envelopes_policy_counts_before_the_headers(world: World) -> None:
    steering = {"X-TokenHub-Mode": "fast", "X-TokenHub-Min-Weight": "10"}
    body = {"messages": HI, "model": "gpt-4o", "policy": {"min_weight": 0}}
    status, headers, _ = await post(world, body, **steering)
    assert status == 200
    assert (await world.log_of(headers["X-Request-ID"]))["mode"] == "fast"


@pytest.mark.parametrize("envelope", [False, True])
async def test_a_request_over_its_own_budget_is_a_402_with_the_estimate(
    world: World, envelope: bool
) -> None:
    await world.admin.delete_model(LLAMA)
    body: dict[str, Any] = {"messages": HI, "model": "gpt-4o"}
    steering = {} if envelope else {"X-TokenHub-Max-Budget-USD": "0.000001"}
    if envelope:
        body = {"request": body, "policy": {"max_budget_usd": 0.000001}}
    status, _, reply = await post(world, body, **steering)
    assert status == 402
    message = json.loads(reply)["error"]["message"]
    assert "the cheapest, anthropic/claude-haiku-4-5, would cost about $0.005" in message


async def test_our_own_errors_have_our_own_shape(world: World) -> None:
    world.simulators["openai"].fail(Failure.answer(500))
    body = {"messages": HI, "model": "gpt-4o"}
    status, _, reply = await post(world, body, **{"X-TokenHub-Fallback": "off"})
    assert status == 502
    assert set(json.loads(reply)["error"]) == {"code", "message", "request_id"}


async def test_the_providers_error_about_the_request_comes_back_as_it_is(world: World) -> None:
    status, _, reply = await post(world, {"messages": HI, "model": "gpt-5", "max_tokens": 5})
    assert status == 400
    assert json.loads(reply)["error"]["code"] == "unsupported_parameter"


async def test_the_key_comes_in_one_of_three_headers(world: World) -> None:
    url, seen = f"{world.url}/v1/models", []
    for headers in (
        {"Authorization": f"bearer {world.key}"},
        {"x-api-key": world.key},
        {"X-TokenHub-Key": world.key, "Authorization": "Bearer of-the-client"},
        {"Authorization": f"Basic {world.key}"},
        {"Authorization": "Bearer wrong", "x-api-key": world.key},
        {},
    ):
        async with world.http.get(url, headers=headers) as reply:
            seen.append(reply.status)
    assert seen == [200, 200, 200, 401, 401, 401]


async def test_a_clients_own_login_goes_to_a_provider_that_wants_it(world: World) -> None:
    await world.admin.edit_provider("openai", {"cred_store": "client"})
    await world.admin.put_routing_config({"fallback": False})
    body = {"messages": HI, "model": "gpt-4o"}
    own = {"X-TokenHub-Key": world.key, "Authorization": "Bearer sk-sim-openai-4711"}
    status, _, reply = await post(world, body, **own)
    assert status == 200, reply
    assert world.simulators["openai"].calls[0].header("authorization") == own["Authorization"]
    status, _, reply = await post(world, body)
    assert status == 503
    assert "credentials" in json.loads(reply)["error"]["message"]
