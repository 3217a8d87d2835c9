"""What goes through the hub is what was sent, to the byte."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.road.asking import NOW_S, VERSION, Reply, chat, fetch, post
from tests.support.cast import KEYS, simulator
from tests.support.raw import exchange
from tests.support.world import World
from tokenhub.simulator import Call, Failure, Profile

ODD = (
    b'\n{"messages" :[ {"content":"caf\\u00e9 \\/ \xc3\xa9 \\ud83d\\ude00","role":"user"}],'
    b'\t"temperature":1.0e0,  "top_p" : 1.00,"model"  :%b ,"made_up":{"b":1E40,"a":[ ]},'
    b'"metadata":{"model":"kept"},"stream":%b} \r\n'
)
"""A body that nobody who parses and writes it again would give back."""
ODD_MESSAGES = (
    b'{ "max_tokens":64,"system":[{"type":"text","text":"Be brief.",'
    b'"cache_control":{"type":"ephemeral"}}],"model":%b,"stream":%b,'
    b'"messages":[{"role":"user","content":"\\u0068i"} ],"metadata":{"user_id":"u\\u002d1"} }'
)
REST = b'"messages":[{"role":"user","content":"hi"}]}'


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(now=lambda: NOW_S) as made:
        yield made


async def directly(world: World, kind: str, path: str, body: bytes) -> Reply:
    """What a provider like that of the world says to `body` when it is asked without the hub."""
    async with simulator(kind, now=lambda: NOW_S) as twin:
        key = KEYS[kind]
        headers = VERSION | {"x-api-key": key, "Authorization": f"Bearer {key}"}
        return await fetch(world, twin.base_url + path, body, headers)


def only_call(world: World, kind: str = "openai") -> Call:
    (call,) = world.simulators[kind].calls
    return call


async def raw(world: World, first_line: bytes, body: bytes, *headers: bytes) -> None:
    """Send a request as bytes, and wait for the answer's end."""
    lines = [
        first_line.rstrip(),
        b"Host: %b" % world.url.removeprefix("http://").encode(),
        b"Authorization: Bearer %b" % world.key.encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
        *headers,
    ]
    await exchange(world.url, b"\r\n".join(lines) + b"\r\n\r\n" + body)


# The request


@pytest.mark.parametrize(
    ("path", "kind", "body", "asked", "upstream"),
    [
        ("/v1/chat/completions", "openai", ODD, b'"gpt-4o"', b'"gpt-4o"'),
        ("/v1/chat/completions", "openai", ODD, b'"openai\\/gpt-4o"', b'"gpt-4o"'),
        ("/v1/messages", "anthropic", ODD_MESSAGES, b'"anthropic/claude-haiku-4-5"', None),
    ],
)
async def test_all_but_the_models_name_arrives_as_it_was_sent(
    world: World, path: str, kind: str, body: bytes, asked: bytes, upstream: bytes | None
) -> None:
    await post(world, path, body % (asked, b"false"))
    arrived = only_call(world, kind).body
    assert arrived == body % (upstream or b'"claude-haiku-4-5"', b"false")


async def test_a_stream_is_asked_for_its_usage_and_nothing_else_is_changed(world: World) -> None:
    await post(world, "/v1/chat/completions", ODD % (b'"gpt-4o"', b"true"))
    added = b'\n{"stream_options":{"include_usage":true},'
    sent = (ODD % (b'"gpt-4o"', b"true")).replace(b"\n{", added, 1)
    assert only_call(world).body == sent


@pytest.mark.parametrize(
    "options", [b'{"include_usage" : true}', b'{ "include_usage":true, "x":1 }']
)
async def test_a_client_that_asks_for_usage_itself_is_not_helped(
    world: World, options: bytes
) -> None:
    body = b'{"stream_options":%b,%b' % (options, json.dumps(chat(stream=True)).encode()[1:])
    reply = await post(world, "/v1/chat/completions", body)
    assert only_call(world).body == body
    assert json.loads(reply.events[-2].removeprefix(b"data: "))["choices"] == []


async def test_a_renamed_model_goes_out_under_its_upstream_name(world: World) -> None:
    await world.admin.add_model(
        {
            "id": "smart",
            "provider_id": "openai",
            "upstream_name": "gpt-4o",
            "input_per_1k": 1,
            "output_per_1k": 1,
            "max_context_tokens": 1000,
            "max_output_tokens": 1000,
        }
    )
    reply = await post(world, "/v1/chat/completions", b'{"model":"smart",%b' % REST)
    assert only_call(world).body == b'{"model":"gpt-4o",%b' % REST
    assert reply.headers["X-TokenHub-Model"] == "smart"


async def test_a_key_twice_is_a_400_that_names_it(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", b'{"model":"a","model":"b",%b' % REST)
    assert reply.status == 400
    assert "'model'" in reply.json["error"]["message"]
    assert world.simulators["openai"].calls == []


@pytest.mark.parametrize("query", ["?beta=true", "?a=%2Fx+y&a=2&b", "?q=%C3%A9;c"])
async def test_the_query_goes_along_as_it_is(world: World, query: str) -> None:
    request = b"POST /v1/messages%b HTTP/1.1\r\n" % query.encode()
    body = ODD_MESSAGES % (b'"claude-haiku-4-5"', b"false")
    await raw(world, request, body)
    assert world.simulators["anthropic"].calls[0].path == "/v1/messages"
    arrived = world.simulators["anthropic"].calls[0].query
    assert arrived == query[1:].replace("%2F", "/").replace("+", " ").replace("%C3%A9", "é")


async def test_the_clients_headers_pass_but_for_those_that_are_between_us(world: World) -> None:
    passing = {
        "anthropic-beta": "a-2025-01-01,b",
        "Anthropic-Version": "2023-06-01",
        "User-Agent": "claude-cli/1.0",
        "X-Stainless-Lang": "js",
        "OpenAI-Organization": "org",
        "x-claude-code-session-id": "s-1",
        "Accept": "application/json",
    }
    withheld = {
        "Cookie": "a=b",
        "Origin": world.url,
        "Referer": "http://localhost/",
        "Forwarded": "for=1.2.3.4",
        "X-Forwarded-For": "1.2.3.4",
        "X-TokenHub-Key": world.key,
        "Idempotency-Key": "i",
        "Accept-Encoding": "gzip, br",
        "TE": "trailers",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
    }
    body = json.dumps(chat("claude-haiku-4-5", max_tokens=9)).encode()
    await fetch(
        world,
        world.url + "/v1/messages",
        body,
        passing | withheld | {"x-api-key": "another", "Content-Type": "application/json"},
    )
    call = only_call(world, "anthropic")
    arrived = {name.lower(): value for name, value in call.headers}
    assert {name: arrived[name.lower()] for name in passing} == passing
    left = {name.lower() for name in withheld} & set(arrived)
    assert left == {"accept-encoding"}
    assert arrived["accept-encoding"] == "identity"
    assert arrived["x-api-key"] == KEYS["anthropic"]
    assert arrived["host"] in world.simulators["anthropic"].base_url
    assert "authorization" not in arrived
    assert world.key not in str(call.headers)


@pytest.mark.parametrize("value", ["Grüße".encode(), b"a\tb"])
async def test_a_header_beyond_ascii_goes_along(world: World, value: bytes) -> None:
    body = json.dumps(chat()).encode()
    await raw(world, b"POST /v1/chat/completions HTTP/1.1", body, b"X-Title: " + value)
    assert only_call(world).header("x-title") == value.decode("latin-1")


async def test_a_header_that_is_not_utf_8_breaks_nothing(world: World) -> None:
    body = json.dumps(chat()).encode()
    await raw(world, b"POST /v1/chat/completions HTTP/1.1", body, b"X-Title: caf\xe9")
    assert only_call(world).complete


# The answer


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("openai", "/v1/chat/completions", chat()),
        ("openai", "/v1/chat/completions", chat(n=3, logprobs=True, top_logprobs=2)),
        ("openai", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"]}),
        ("openai", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
        ("anthropic", "/v1/messages", chat("claude-sonnet-4-5", max_tokens=99)),
    ],
)
async def test_an_answer_is_what_the_provider_sent(
    world: World, kind: str, path: str, body: dict[str, Any]
) -> None:
    reply = await post(world, path, body)
    alone = await directly(world, kind, path, json.dumps(body).encode())
    assert reply.status == alone.status == 200
    assert reply.body == alone.body
    assert reply.headers["Content-Type"] == alone.headers["Content-Type"]


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("openai", "/v1/chat/completions", chat(stream=True, n=2)),
        (
            "openai",
            "/v1/completions",
            {"model": "gpt-3.5-turbo-instruct", "prompt": "a", "stream": True},
        ),
        ("anthropic", "/v1/messages", chat("claude-sonnet-4-5", max_tokens=99, stream=True)),
        (
            "anthropic",
            "/v1/messages",
            chat(
                "claude-sonnet-4-5",
                max_tokens=2048,
                stream=True,
                thinking={"type": "enabled", "budget_tokens": 1024},
            ),
        ),
    ],
)
async def test_a_stream_is_what_the_provider_sent_but_for_the_usage_nobody_asked_for(
    world: World, kind: str, path: str, body: dict[str, Any]
) -> None:
    reply = await post(world, path, body)
    alone = await directly(world, kind, path, only_call(world, kind).body)
    sent = [event for event in alone.events if b'"choices":[]' not in event]
    assert reply.events == sent
    assert len(alone.events) - len(sent) == (1 if kind == "openai" else 0)
    assert reply.headers["Content-Type"] == alone.headers["Content-Type"]


async def test_the_providers_headers_pass_but_for_those_that_are_between_us(world: World) -> None:
    headers = {"X-Own": "1", "Set-Cookie": "a=b", "request-id": "req_theirs"}
    failure = Failure.answer(
        400, headers=headers, body='{"type":"error","error":{"type":"invalid_request_error"}}'
    )
    world.simulators["anthropic"].fail(failure)
    reply = await post(world, "/v1/messages", chat("claude-haiku-4-5", max_tokens=9))
    assert reply.headers["X-Own"] == "1"
    assert reply.headers["anthropic-organization-id"] == "sim-organization"
    assert reply.headers["anthropic-ratelimit-requests-limit"] == "4000"
    assert reply.headers["request-id"].startswith("req_")
    assert "Set-Cookie" not in reply.headers


async def test_a_request_keeps_the_id_that_its_client_gave_it(world: World) -> None:
    reply = await post(world, "/v1/chat/completions", chat(), **{"X-Request-Id": "mine-1"})
    assert reply.headers.getall("X-Request-Id") == ["mine-1"]
    assert reply.headers["X-Inferoute-Request-Id"] == "mine-1"
    assert (await world.log_of("mine-1"))["status"] == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_routed_answer_tells_where_it_came_from(world: World, stream: bool) -> None:
    reply = await post(
        world, "/v1/chat/completions", chat("openai/gpt-4o", stream=stream, max_tokens=9)
    )
    told = {name.lower(): value for name, value in reply.headers.items()}
    assert told["x-tokenhub-model"] == "gpt-4o"
    assert told["x-tokenhub-provider"] == "openai"
    assert told["x-tokenhub-reason"] == "pinned"
    assert told["x-tokenhub-attempts"] == "1"
    assert float(told["x-tokenhub-estimated-cost-usd"]) > 0
    assert ("x-tokenhub-cost-usd" in told) is not stream


# Errors


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/v1/chat/completions", "openai", chat(temperature=9)),
        ("/v1/chat/completions", "openai", chat("gpt-5", max_tokens=5)),
        ("/v1/chat/completions", "openai", chat(stream=True, temperature=9)),
        ("/v1/messages", "anthropic", chat("claude-haiku-4-5")),
        ("/v1/messages", "anthropic", chat("claude-haiku-4-5", max_tokens=9, stream=True, tools=5)),
    ],
)
async def test_an_error_about_the_request_comes_back_unmodified(
    world: World, path: str, kind: str, body: dict[str, Any]
) -> None:
    reply = await post(world, path, body)
    alone = await directly(world, kind, path, only_call(world, kind).body)
    assert reply.status == alone.status == 400
    assert reply.body == alone.body
    assert reply.headers["Content-Type"] == alone.headers["Content-Type"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [401, 402, 403, 500, 503])
async def test_a_providers_own_trouble_is_a_502_of_ours(
    world: World, status: int, stream: bool
) -> None:
    world.simulators["openai"].fail(Failure.answer(status, body='{"error":{"message":"SECRET"}}'))
    alone = {"X-TokenHub-Fallback": "off"}
    reply = await post(world, "/v1/chat/completions", chat(stream=stream), **alone)
    assert reply.status == 502
    assert reply.json["error"]["code"] == "upstream_failed"
    assert "openai/gpt-4o" in reply.json["error"]["message"]
    assert b"SECRET" not in reply.body


async def test_a_rate_limit_keeps_its_wait(world: World) -> None:
    world.simulators["anthropic"].fail(Failure.answer(429, retry_after="17"))
    alone = {"X-TokenHub-Fallback": "off"}
    reply = await post(world, "/v1/messages", chat("claude-haiku-4-5", max_tokens=9), **alone)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "17")
    assert reply.json["error"]["type"] == "rate_limit_error"


async def test_a_stream_option_that_a_provider_refuses_is_learned_off(world: World) -> None:
    world.simulators["openai"].set(Profile(refused_fields=("stream_options",)))
    for calls in (2, 1):
        world.simulators["openai"].clear_calls()
        reply = await post(world, "/v1/chat/completions", chat(stream=True))
        assert reply.status == 200
        assert reply.events[-1] == b"data: [DONE]\n\n"
        assert reply.headers["X-TokenHub-Attempts"] == str(calls)
        assert len(world.simulators["openai"].calls) == calls
