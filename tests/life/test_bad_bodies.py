"""Every bad body on every endpoint that takes one: refused by name, in the endpoint's own shape."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.life import bodies
from tests.life.bodies import JSON, Body
from tests.support.cast import ADMIN_TOKEN
from tests.support.raw import exchange
from tests.support.world import World

CLIENT_PATHS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/messages",
    "/v1/embeddings",
    "/v1/chat",
    "/v1/responses",
    "/v1/messages/count_tokens",
)
WITHOUT_BODY = (
    ("POST", "/admin/v1/vault/lock"),
    ("POST", "/admin/v1/apikeys/{key_id}/rotate"),
    ("POST", "/admin/v1/admin-token/rotate"),
)
ENDPOINTS = (
    *(("POST", path) for path in CLIENT_PATHS),
    *WITHOUT_BODY,
    ("POST", "/admin/v1/providers"),
    ("POST", "/admin/v1/models"),
    ("POST", "/admin/v1/apikeys"),
    ("POST", "/admin/v1/vault/init"),
    ("POST", "/admin/v1/vault/unlock"),
    ("POST", "/admin/v1/vault/rotate"),
    ("PUT", "/admin/v1/routing-config"),
    ("PATCH", "/admin/v1/providers/openai"),
    ("PATCH", "/admin/v1/models/gpt-4o"),
    ("PATCH", "/admin/v1/apikeys/{key_id}"),
)
LARGE_ON = (ENDPOINTS[0], ENDPOINTS[2], ENDPOINTS[4], ("POST", "/admin/v1/apikeys"))
"""One endpoint of each protocol."""

HELLO = [{"role": "user", "content": "hi"}]
CHAT = {"model": "gpt-4o", "messages": HELLO}
CROSSING = {"model": "openai/gpt-4o", "max_tokens": 9}
KEYED = {"name": "a"}


def wrong(**fields: Any) -> dict[str, Any]:
    """A chat request with `fields` in it."""
    return {**CHAT, **fields}


WRONG_FIELDS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/v1/chat/completions", {}, "messages"),
    ("/v1/chat/completions", wrong(model=5), "model"),
    ("/v1/chat/completions", wrong(model=["gpt-4o"]), "model"),
    ("/v1/chat/completions", wrong(messages="hi"), "messages"),
    ("/v1/chat/completions", wrong(messages=None), "messages"),
    ("/v1/chat/completions", wrong(messages=[]), "messages"),
    ("/v1/chat/completions", wrong(messages=[None]), "messages.0"),
    ("/v1/chat/completions", wrong(messages=[[]]), "messages.0"),
    ("/v1/chat/completions", wrong(stream="yes"), "stream"),
    ("/v1/chat/completions", wrong(stream=1), "stream"),
    ("/v1/chat/completions", wrong(stream_options=[]), "stream_options"),
    ("/v1/chat/completions", wrong(max_tokens=0), "max_tokens"),
    ("/v1/chat/completions", wrong(max_tokens=1.5), "max_tokens"),
    ("/v1/chat/completions", wrong(max_tokens=True), "max_tokens"),
    ("/v1/chat/completions", wrong(max_tokens=10**30), "max_tokens"),
    ("/v1/chat/completions", wrong(max_completion_tokens="9"), "max_completion_tokens"),
    ("/v1/chat/completions", wrong(n=-1), "n"),
    ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "a", "n": "2"}, "n"),
    ("/v1/completions", {"model": {}, "prompt": "a"}, "model"),
    ("/v1/messages", {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": {}}, "messages"),
    (
        "/v1/messages",
        {"model": "claude-haiku-4-5", "max_tokens": [], "messages": HELLO},
        "max_tokens",
    ),
    ("/v1/messages", {"model": 1, "max_tokens": 9, "messages": HELLO}, "model"),
    ("/v1/embeddings", {"model": "text-embedding-3-small"}, "input"),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": 5}, "input"),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": []}, "input"),
    ("/v1/responses", {"model": "gpt-4o"}, "input"),
    ("/v1/responses", {"model": "gpt-4o", "input": 5}, "input"),
    ("/v1/responses", {"model": "gpt-4o", "input": [5]}, "input.0"),
    ("/v1/responses", {"model": "gpt-4o", "input": "a", "max_output_tokens": 0}, "max_output"),
    ("/v1/responses", {"model": "gpt-4o", "input": "a", "previous_response_id": "r"}, "previous_"),
    ("/v1/responses", {"model": "gpt-4o", "input": "a", "conversation": "c"}, "conversation"),
    ("/v1/responses", {"model": "anthropic/claude-haiku-4-5", "input": [{"type": "x"}]}, "input.0"),
    ("/v1/messages", CROSSING | {"messages": [{}]}, "messages.0.role"),
    (
        "/v1/messages",
        CROSSING | {"messages": [{"role": "user", "content": [5]}]},
        "messages.0.content.0",
    ),
    ("/v1/chat/completions", wrong(model="anthropic/claude-haiku-4-5", stop=5), "stop"),
    ("/v1/messages/count_tokens", {"model": "claude-haiku-4-5"}, "messages"),
    ("/v1/chat", {"request": None}, "request"),
    ("/v1/chat", {"request": []}, "request"),
    ("/v1/chat", {"request": wrong(parameters=5)}, "request.parameters"),
    ("/v1/chat", {"request": wrong(parameters={"model": "x"})}, "request.parameters.model"),
    ("/v1/chat", {"request": wrong(surprise=5)}, "request.surprise"),
    ("/v1/chat", {"request": CHAT, "policy": "cheap"}, "policy"),
    ("/v1/chat", {"request": CHAT, "policy": {"mode": "dear"}}, "policy.mode"),
    ("/v1/chat", {"request": CHAT, "policy": {"max_budget_usd": -1}}, "policy.max_budget_usd"),
    ("/v1/chat", {"request": CHAT, "capabilities": {"fly": True}}, "capabilities.fly"),
    ("/admin/v1/providers", {}, "id"),
    ("/admin/v1/providers", {"id": 5}, "id"),
    ("/admin/v1/providers", {"id": "a b"}, "id"),
    ("/admin/v1/providers", {"id": "x", "type": "telnet"}, "type"),
    ("/admin/v1/providers", {"id": "x", "type": "openai", "base_url": "ftp://x"}, "base_url"),
    (
        "/admin/v1/providers",
        {"id": "x", "type": "openai", "headers": {"a": "b\r\nc: d"}},
        "headers",
    ),
    ("/admin/v1/providers", {"id": "x", "type": "openai", "timeout_secs": "9"}, "timeout_secs"),
    ("/admin/v1/providers", {"id": "x", "type": "openai", "surprise": 1}, "surprise"),
    ("/admin/v1/models", {"id": "x"}, "provider_id"),
    ("/admin/v1/models", {"id": "x", "provider_id": "nobody"}, "provider_id"),
    ("/admin/v1/models", {"id": "x", "provider_id": "openai", "weight": 11}, "weight"),
    ("/admin/v1/models", {"id": "x", "provider_id": "openai", "input_per_1k": -1}, "input_per_1k"),
    (
        "/admin/v1/models",
        {"id": "x", "provider_id": "openai", "input_per_1k": 1e300},
        "input_per_1k",
    ),
    ("/admin/v1/models", {"id": "x", "provider_id": "openai", "tiers": [5]}, "tiers"),
    ("/admin/v1/apikeys", {}, "name"),
    ("/admin/v1/apikeys", KEYED | {"scopes": []}, "scopes"),
    ("/admin/v1/apikeys", KEYED | {"scopes": "[" * 5000}, "scopes"),
    ("/admin/v1/apikeys", KEYED | {"scopes": "[" * 500 + "]" * 500}, "recursion limit"),
    ("/admin/v1/apikeys", KEYED | {"scopes": "[NaN]"}, "scopes"),
    ("/admin/v1/apikeys", KEYED | {"scopes": "1" * 5000}, "scopes"),
    ("/admin/v1/apikeys", KEYED | {"expires_in": "٣d"}, "expires_in"),
    ("/admin/v1/apikeys", KEYED | {"expires_in": 30}, "expires_in"),
    ("/admin/v1/apikeys", KEYED | {"monthly_budget_usd": "5"}, "monthly_budget_usd"),
    ("/admin/v1/apikeys", KEYED | {"monthly_budget_usd": 1e300}, "monthly_budget_usd"),
    ("/admin/v1/apikeys", KEYED | {"rate_limit_rps": -1}, "rate_limit_rps"),
    ("/admin/v1/apikeys", KEYED | {"allowed_models": [[]]}, "allowed_models"),
    ("/admin/v1/apikeys", KEYED | {"enabled": "yes"}, "enabled"),
    ("/admin/v1/vault/init", {"admin_password": "short"}, "8 characters"),
    ("/admin/v1/vault/init", {"admin_password": None}, "admin_password"),
    ("/admin/v1/vault/init", {"password": "long enough"}, "password"),
    ("/admin/v1/vault/unlock", {"admin_password": 12345678}, "admin_password"),
    ("/admin/v1/vault/rotate", {"old_password": "long enough", "new_password": 5}, "new_password"),
    ("/admin/v1/vault/lock", {"force": True}, "force"),
    ("/admin/v1/apikeys/{key_id}/rotate", {"grace": "1h"}, "grace"),
    ("/admin/v1/admin-token/rotate", {"token": "mine"}, "token"),
)


class Sender:
    """Sends bodies to one hub, and checks the shape of every refusal."""

    def __init__(self, world: World, key_id: str) -> None:
        self._world = world
        self._key_id = key_id

    async def refused(self, endpoint: tuple[str, str], body: Body) -> str:
        """Send `body`, expecting one of its statuses; return the message of the refusal."""
        method, path = endpoint
        token = ADMIN_TOKEN if path.startswith("/admin/") else self._world.key
        async with self._world.http.request(
            method,
            self._world.url + path.replace("{key_id}", self._key_id),
            data=_pieces(body.content) if body.chunked else io.BytesIO(body.content),
            headers={**body.headers, "Authorization": f"Bearer {token}"},
            skip_auto_headers=("Content-Type",),
        ) as answer:
            text = await answer.read()
            assert answer.status in body.statuses, text[:300]
            assert answer.content_type == JSON
            request_id = answer.headers["X-Request-Id"]
        return _message(path, json.loads(text), request_id)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]


def _message(path: str, answer: dict[str, Any], request_id: str) -> str:
    """The message in an error answer, which must have the shape of the endpoint's protocol."""
    error = answer["error"]
    if path.startswith("/v1/messages"):
        assert answer.keys() == {"type", "error", "request_id"}
        assert (answer["type"], answer["request_id"]) == ("error", request_id)
        assert error.keys() == {"type", "message"}
    elif path == "/v1/chat" or path.startswith("/admin/"):
        assert error.keys() == {"code", "message", "request_id"}
        assert error["request_id"] == request_id
    else:
        assert error.keys() == {"message", "type", "param", "code"}
    return str(error["message"])


async def _all_refused(endpoint: tuple[str, str], sent: list[Body]) -> None:
    async with World() as world:
        key_id = (await world.admin.api_keys())[0]["id"]
        sender = Sender(world, key_id)
        for body in sent:
            if endpoint in WITHOUT_BODY and not body.content:
                continue  # to send nothing is right there
            message = await sender.refused(endpoint, body)
            assert any(word in message for word in body.words), (body.name, message)
        assert (await world.admin.vault())["state"] == "uninitialised"
        assert [key["id"] for key in await world.admin.api_keys()] == [key_id]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids="{0[1]}".format)
async def test_a_bad_body_is_refused_saying_what_is_wrong(endpoint: tuple[str, str]) -> None:
    await _all_refused(endpoint, bodies.small())


@pytest.mark.parametrize("endpoint", LARGE_ON, ids="{0[1]}".format)
async def test_a_body_too_dear_to_read_is_refused(endpoint: tuple[str, str]) -> None:
    await _all_refused(endpoint, bodies.large())


@pytest.mark.long
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids="{0[1]}".format)
async def test_no_endpoint_reads_a_body_that_is_too_dear(endpoint: tuple[str, str]) -> None:
    await _all_refused(endpoint, bodies.large())


async def test_a_wrong_field_is_named() -> None:
    async with World() as world:
        sender = Sender(world, (await world.admin.api_keys())[0]["id"])
        for path, fields, name in WRONG_FIELDS:
            body = Body(path, json.dumps(fields).encode(), ())
            message = await sender.refused(("POST", path), body)
            assert name in message, (path, fields, message)


async def test_a_body_that_breaks_off_in_its_transfer_coding_is_refused() -> None:
    async with World() as world:
        host = world.url.removeprefix("http://")
        for path in CLIENT_PATHS:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {JSON}\r\n"
                f"Authorization: Bearer {world.key}\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            broken = b'6\r\n{"a":1\r\n' + b"no chunk at all\r\n\r\n"
            answer = await exchange(world.url, head.encode() + broken)
            assert answer.split()[1] == b"400", (path, answer)


async def test_odd_but_good_json_is_no_server_error() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    odd = [
        wrong(messages=[{"role": "user", "content": deep}]),
        wrong(
            messages=[{"role": "user", "content": [None, 5, {"type": []}, {"type": "image_url"}]}]
        ),
        wrong(messages=[{}]),
        wrong(tools={"a": deep}, response_format=[], thinking=5, user=None),
        wrong(model="\x00\u202e" * 2000),
        wrong(model="a/b/c/" * 1000),
        wrong(**{"\ud83d\ude00": "\u0000"}),
        {
            "model": "claude-haiku-4-5",
            "max_tokens": 1,
            "messages": [{"content": deep}],
            "system": deep,
        },
        {"model": "text-embedding-3-small", "input": [[], None, deep]},
        {"model": "gpt-3.5-turbo-instruct", "prompt": [[], [None]], "suffix": deep},
        {"request": wrong(meta={"a": deep}, parameters={"logit_bias": deep})},
    ]
    async with World() as world:
        for path in CLIENT_PATHS:
            for body in odd:
                headers = {"Authorization": f"Bearer {world.key}"}
                async with world.http.post(world.url + path, json=body, headers=headers) as answer:
                    assert answer.status < 500 or answer.status in (502, 503), (path, body)
