"""Which models a client reaches, by which names, and which keys may use them."""

from collections.abc import AsyncIterator

import pytest

from tests.road.asking import VERSION, chat, post
from tests.support.cast import LLAMA, simulator
from tests.support.world import World
from tokenhub.simulator import Profile


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


@pytest.fixture
async def talkers(world: World) -> World:
    """A hub whose models can all chat: that one cannot is nothing that a row can say."""
    await world.admin.delete_model("gpt-3.5-turbo-instruct")
    return world


@pytest.mark.parametrize("model", ["auto", "auto:cheap", "*", "", None])
async def test_a_model_that_is_left_to_us_is_the_best_one(
    talkers: World, model: str | None
) -> None:
    reply = await post(talkers, "/v1/chat/completions", chat() | {"model": model})
    assert (reply.status, reply.headers["X-TokenHub-Model"]) == (200, LLAMA)
    mode = "cheap" if model == "auto:cheap" else "normal"
    assert reply.headers["X-TokenHub-Reason"] == f"auto:{mode}: best score"
    (call,) = talkers.simulators["vllm"].calls
    assert call.json["model"] == LLAMA
    row = await talkers.log_of(reply.headers["X-Request-Id"])
    assert (row["model_requested"], row["mode"]) == (model or "", mode)
    reply = await post(talkers, "/v1/messages", chat(max_tokens=9) | {"model": model})
    assert reply.headers["X-TokenHub-Model"] == LLAMA
    reason = f"auto:{mode}: best score, translated to the chat API"
    assert reply.headers["X-TokenHub-Reason"] == reason


async def test_the_model_may_be_absent(talkers: World) -> None:
    body = {"messages": chat()["messages"]}
    reply = await post(talkers, "/v1/chat/completions", body)
    assert reply.headers["X-TokenHub-Model"] == LLAMA
    assert talkers.simulators["vllm"].calls[0].json["model"] == LLAMA


@pytest.mark.parametrize(
    ("name", "value", "status", "model"),
    [
        ("Mode", "high_confidence", 200, "gpt-5"),
        ("Min-Weight", "9", 200, "gpt-5"),
        ("Max-Budget-USD", "0.00005", 200, LLAMA),
        ("Max-Budget-USD", "0", 402, None),
        ("Min-Weight", "10", 503, None),
    ],
)
async def test_headers_steer_the_choice(
    talkers: World, name: str, value: str, status: int, model: str | None
) -> None:
    await talkers.admin.edit_model("gpt-5", {"weight": 9})
    steering = {f"X-TokenHub-{name}": value}
    reply = await post(
        talkers, "/v1/chat/completions", chat("auto", max_completion_tokens=9), **steering
    )
    assert reply.status == status, reply.body
    if status == 200:
        assert reply.headers["X-TokenHub-Model"] == model
    for one in talkers.simulators.values():
        for call in one.calls:
            assert not [key for key, _ in call.headers if key.lower().startswith("x-tokenhub")]


async def test_a_choice_falls_on_no_model_that_would_refuse_a_field(talkers: World) -> None:
    await talkers.admin.edit_model("gpt-5", {"weight": 9})
    steering = {"X-TokenHub-Mode": "high_confidence"}
    reply = await post(talkers, "/v1/chat/completions", chat("auto", max_tokens=9), **steering)
    assert reply.status == 200, reply.body
    decision = await talkers.admin.decision(reply.headers["X-Request-Id"])
    refused = [one for one in decision["rejected"] if one["model_id"] == "gpt-5"]
    assert [(one["reason"], one["detail"]) for one in refused] == [
        ("capability", "it does not take max_tokens")
    ]
    named = await post(talkers, "/v1/chat/completions", chat("gpt-5", max_tokens=9))
    assert named.status == 400
    assert b"max_completion_tokens" in named.body


async def test_where_all_would_refuse_a_field_the_providers_words_say_what_to_do(
    talkers: World,
) -> None:
    for row in await talkers.admin.models():
        if row["id"] != "gpt-5":
            await talkers.admin.edit_model(row["id"], {"enabled": False})
    reply = await post(talkers, "/v1/chat/completions", chat("auto", max_tokens=9))
    assert reply.status == 400, reply.body
    assert b"max_completion_tokens" in reply.body
    assert reply.headers["X-TokenHub-Model"] == "gpt-5"


@pytest.mark.parametrize(("limit_ms", "status"), [("10", 503), ("20000", 200)])
async def test_a_latency_limit_counts_by_what_was_seen(
    talkers: World, limit_ms: str, status: int
) -> None:
    talkers.simulators["openai"].set(Profile(ttft_ms=30))
    assert (await post(talkers, "/v1/chat/completions", chat())).status == 200
    limit = {"X-TokenHub-Max-Latency-Ms": limit_ms}
    reply = await post(talkers, "/v1/chat/completions", chat("auto"), **limit)
    assert reply.status == status
    assert (b"openai/gpt-4o (latency)" in reply.body) is (status == 503)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Mode", "best"), ("Max-Budget-USD", "NaN"), ("Max-Latency-Ms", "-1"), ("Fallback", "maybe")],
)
async def test_a_wrong_steering_header_is_refused_by_name(
    world: World, name: str, value: str
) -> None:
    reply = await post(world, "/v1/chat/completions", chat(), **{f"X-TokenHub-{name}": value})
    assert reply.status == 400
    assert f"X-TokenHub-{name}" in reply.json["error"]["message"]
    assert all(not one.calls for one in world.simulators.values())


async def test_an_unknown_model_is_a_404_with_the_nearest_names(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", chat("gpt-4x"))
    assert reply.status == 404
    assert reply.json["error"]["code"] == "model_not_found"
    assert "'gpt-4o'" in reply.json["error"]["message"]
    reply = await post(world, "/v1/messages", chat("claude-haiku", max_tokens=9))
    assert reply.json["error"]["type"] == "not_found_error"
    assert "'claude-haiku-4-5'" in reply.json["error"]["message"]


async def test_a_model_of_another_protocol_is_asked_in_its_own(world: World) -> None:
    reply = await post(world, "/v1/messages", chat("openai/gpt-4o", max_tokens=9))
    assert (reply.status, reply.json["type"]) == (200, "message")
    assert reply.headers["X-TokenHub-Reason"] == "pinned, translated to the chat API"


async def test_what_cannot_be_said_in_another_protocol_is_refused_by_name(world: World) -> None:
    body = chat("anthropic/claude-haiku-4-5", n=2)
    reply = await post(world, "/v1/chat/completions", body)
    assert (reply.status, reply.json["error"]["param"]) == (400, "n")
    message = reply.json["error"]["message"]
    assert message == (
        "n: has no equivalent in Anthropic's messages; ask a model that speaks the chat API"
    )
    assert world.simulators["anthropic"].calls == []


async def test_where_others_speak_the_clients_protocol_those_are_taken(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", chat("claude-haiku-4-5", n=2))
    assert (reply.status, len(reply.json["choices"])) == (200, 2)
    assert reply.headers["X-TokenHub-Reason"] == (
        "substitute for 'claude-haiku-4-5' (equivalent):"
        " n: has no equivalent in Anthropic's messages"
    )


async def test_a_pool_takes_its_endpoints_in_turn(world: World) -> None:
    first, second = world.simulators["vllm"], simulator("vllm")
    async with second:
        await world.admin.edit_provider("vllm", {"base_urls": [first.base_url, second.base_url]})
        for _ in range(4):
            assert (await post(world, "/v1/chat/completions", chat(LLAMA))).status == 200
    assert (len(first.calls), len(second.calls)) == (2, 2)


async def test_a_slash_in_a_models_name_is_no_prefix_when_it_is_registered(world: World) -> None:
    for name, reason in ((LLAMA, "named"), (f"vllm/{LLAMA}", "pinned")):
        reply = await post(world, "/v1/chat/completions", chat(name))
        assert reply.headers["X-TokenHub-Reason"] == reason
        assert reply.headers["X-TokenHub-Model"] == LLAMA


async def test_a_key_is_held_to_its_models(world: World) -> None:
    made = await world.admin.create_api_key({"name": "k", "allowed_models": ["claude-*"]})
    key = {"Authorization": f"Bearer {made['key']}"}
    refused = await post(world, "/v1/chat/completions", chat(), **key)
    assert refused.status == 403
    assert refused.json["error"]["code"] == "model_not_allowed"
    taken = await post(world, "/v1/messages", chat("claude-haiku-4-5", max_tokens=9), **key)
    assert taken.status == 200
    async with world.http.get(world.url + "/v1/models", headers=key) as response:
        names = [item["id"] for item in (await response.json())["data"]]
    assert names == ["auto", "claude-haiku-4-5", "claude-sonnet-4-5"]


async def test_a_key_is_held_to_its_scopes(world: World) -> None:
    made = await world.admin.create_api_key({"name": "k", "scopes": ["embeddings"]})
    key = {"Authorization": f"Bearer {made['key']}"}
    refused = await post(world, "/v1/chat/completions", chat(), **key)
    assert refused.status == 403
    embeddings = {"model": "text-embedding-3-small", "input": "a"}
    assert (await post(world, "/v1/embeddings", embeddings, **key)).status == 200


async def test_embeddings_are_never_streamed(world: World) -> None:
    body = {"model": "text-embedding-3-small", "input": "a", "stream": True}
    reply = await post(world, "/v1/embeddings", body)
    assert (reply.status, reply.json["object"]) == (200, "list")


async def test_both_model_lists_show_the_names_that_can_be_used(world: World) -> None:
    await world.admin.edit_model("gpt-5", {"enabled": False})
    key = {"x-api-key": world.key}
    async with world.http.get(world.url + "/v1/models", headers=key) as response:
        openai = await response.json()
    async with world.http.get(
        world.url + "/v1/models?limit=1000", headers=key | VERSION
    ) as response:
        anthropic = await response.json()
    names = [item["id"] for item in openai["data"]]
    assert names == [item["id"] for item in anthropic["data"]]
    assert names == [
        "auto",
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
        "gpt-3.5-turbo-instruct",
        "gpt-4o",
        LLAMA,
        "text-embedding-3-small",
    ]
    assert (openai["object"], anthropic["has_more"]) == ("list", False)


async def test_a_model_with_a_slash_can_be_looked_up(world: World) -> None:
    for path in (LLAMA, LLAMA.replace("/", "%2F")):
        async with world.http.get(
            f"{world.url}/v1/models/{path}", headers={"x-api-key": world.key}
        ) as response:
            assert (await response.json())["id"] == LLAMA
