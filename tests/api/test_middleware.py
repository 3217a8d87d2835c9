import asyncio
import logging
from typing import Any

import pytest
from aiohttp import web

from tests.api.edge import Reply, hello, serving
from tokenhub.api.identity import REQUEST_ID
from tokenhub.api.middleware import ACCOUNTED
from tokenhub.errors import (
    BadRequest,
    RateLimited,
    RequestError,
    StorageError,
    UpstreamError,
    VaultThrottled,
    VaultUnavailable,
    WrongPassword,
)
from tokenhub.types import ErrorClass

SECRET = "sk-this-must-not-be-seen"
IDS = ("x-request-id", "x-inferoute-request-id")


def _ids(reply: Reply) -> set[str]:
    return {reply.headers[name] for name in IDS}


async def _failing(error: Exception, path: str = "/v1/chat", *headers: str) -> Reply:
    async def fail(_: web.Request) -> web.Response:
        raise error

    async with serving([web.get("/{path:.*}", fail)]) as hub:
        return await hub.get(path, *headers)


async def test_a_clients_request_id_comes_back() -> None:
    async with serving([web.get("/", hello)]) as hub:
        assert _ids(await hub.get("/", "X-Request-Id: my-id.1")) == {"my-id.1"}


async def test_a_handler_knows_the_request_id() -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=request[REQUEST_ID])

    async with serving([web.get("/", tell)]) as hub:
        assert (await hub.get("/", "X-Request-Id: abc")).body == b"abc"


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_every_answer_has_a_request_id(path: str) -> None:
    async with serving([web.get("/", hello)]) as hub:
        replies = [await hub.get(path) for _ in range(2)]
    ids = [_ids(reply) for reply in replies]
    assert all(len(pair) == 1 for pair in ids)
    assert ids[0] != ids[1]


async def test_an_invalid_request_id_is_not_repeated() -> None:
    async with serving([web.get("/", hello)]) as hub:
        assert "<b>" not in _ids(await hub.get("/", "X-Request-Id: <b>")).pop()


async def test_a_providers_request_id_does_not_replace_ours() -> None:
    async def passing_on(_: web.Request) -> web.Response:
        return web.Response(headers={"X-Request-Id": "theirs", "request-id": "theirs"})

    async with serving([web.get("/", passing_on)]) as hub:
        reply = await hub.get("/", "X-Request-Id: ours")
    assert _ids(reply) == {"ours"}
    assert reply.headers["request-id"] == "theirs"


async def test_a_stream_has_a_request_id() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        return response

    async with serving([web.get("/", stream)]) as hub:
        assert _ids(await hub.get("/", "X-Request-Id: ours")) == {"ours"}


@pytest.mark.parametrize(
    ("path", "header", "expected"),
    [
        (
            "/v1/chat/completions",
            "",
            {
                "error": {
                    "message": "'model' is wrong",
                    "type": "invalid_request_error",
                    "param": "model",
                    "code": "invalid_request",
                }
            },
        ),
        (
            "/v1/messages?beta=true",
            "",
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "'model' is wrong"},
                "request_id": "r1",
            },
        ),
        (
            "/v1/models",
            "anthropic-version: 2023-06-01",
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "'model' is wrong"},
                "request_id": "r1",
            },
        ),
    ],
)
async def test_an_error_has_the_shape_of_its_protocol(
    path: str, header: str, expected: dict[str, Any]
) -> None:
    headers = ["X-Request-Id: r1", *([header] if header else [])]
    error = BadRequest("'model' is wrong", param="model")
    reply = await _failing(error, path, *headers)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == expected


async def test_an_own_endpoint_has_its_own_shape() -> None:
    reply = await _failing(BadRequest("no"), "/admin/v1/info", "X-Request-Id: r1")
    error = reply.json["error"]
    assert (error["code"], error["message"], error["request_id"]) == ("invalid_request", "no", "r1")


async def test_what_a_client_may_act_on_is_told_where_its_protocol_has_a_place_for_it() -> None:
    error = BadRequest("no", details={"unsupported": ["thread"]})
    reply = await _failing(error, "/v1/messages")
    assert reply.json["error"]["details"] == {"unsupported": ["thread"]}


async def test_anthropics_sdk_finds_the_id_where_it_looks() -> None:
    reply = await _failing(BadRequest("no"), "/v1/messages", "X-Request-Id: r1")
    assert reply.headers["request-id"] == "r1"


async def test_the_headers_of_an_error_go_out() -> None:
    reply = await _failing(RateLimited("slower", retry_after_s=2.2))
    assert reply.status == 429
    assert reply.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RequestError(402, "budget_exceeded", "no money"), 402, "budget_exceeded"),
        (StorageError("disk full"), 503, "storage_unavailable"),
        (VaultUnavailable("locked"), 503, "vault_locked"),
        (VaultUnavailable("uninitialised"), 503, "vault_uninitialised"),
        (WrongPassword(), 401, "wrong_password"),
        (VaultThrottled(30), 429, "rate_limited"),
        (UpstreamError(ErrorClass.AUTH, SECRET, body=SECRET.encode()), 502, "upstream_error"),
        (web.HTTPRequestEntityTooLarge(1), 413, "refused"),
        (ValueError(SECRET), 500, "internal_error"),
        (TimeoutError(), 500, "internal_error"),
        (ConnectionResetError(SECRET), 500, "internal_error"),
    ],
)
async def test_an_error_becomes_an_answer(error: Exception, status: int, code: str) -> None:
    reply = await _failing(error)
    assert reply.status == status
    assert reply.json["error"]["code"] == code
    assert SECRET not in reply.body.decode()


@pytest.mark.parametrize(("state", "advice"), [("locked", "unlock"), ("uninitialised", "init")])
async def test_a_vault_that_is_not_open_says_what_to_do_and_not_to_retry(
    state: str, advice: str
) -> None:
    reply = await _failing(VaultUnavailable(state))
    assert reply.headers["x-should-retry"] == "false"
    assert f"the vault is {state}" in reply.json["error"]["message"]
    assert f"tokenhubctl vault {advice}" in reply.json["error"]["message"]


async def test_an_unexpected_error_is_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = await _failing(LookupError(f"prompt: {SECRET}"))
    assert "Traceback" not in reply.body.decode()
    assert "unexpected LookupError" in caplog.text
    assert "test_middleware.py" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/v1/messages", "must end without it"),
        ("/chat/completions", "must end in /v1"),
        ("/models", "must end in /v1"),
    ],
)
async def test_a_path_of_a_wrong_base_url_is_a_404_that_says_the_right_one(
    path: str, hint: str
) -> None:
    async with serving([]) as hub:
        reply = await hub.get(path)
    assert reply.status == 404
    assert reply.json["error"]["message"].endswith(hint)


async def test_an_unknown_path_is_a_404_that_names_it() -> None:
    async with serving([web.get("/", hello)]) as hub:
        reply = await hub.get("/v1/v1/models?key=" + SECRET)
    assert reply.status == 404
    assert "'/v1/v1/models'" in reply.json["error"]["message"]
    assert SECRET not in reply.body.decode()


async def test_a_long_and_hostile_path_is_cleaned() -> None:
    async with serving([web.get("/", hello)]) as hub:
        reply = await hub.get("/%1b[31m%0a" + "x" * 5000)
    assert reply.status == 404
    assert len(reply.body) < 500
    assert "\\u001b" not in reply.body.decode()
    assert "\\n" not in reply.body.decode()


async def test_a_wrong_method_is_a_405_that_names_the_right_ones() -> None:
    async with serving([web.get("/", hello), web.put("/", hello)]) as hub:
        reply = await hub.post(b"{}")
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD, PUT"
    assert "GET, HEAD, PUT" in reply.json["error"]["message"]


async def test_an_error_after_the_client_left_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def fail_late(request: web.Request) -> web.Response:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert request.transport is None
            left.set()
            raise ConnectionResetError from None
        raise AssertionError

    async with serving([web.get("/", fail_late)]) as hub, asyncio.timeout(5):
        async with hub.wire() as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await entered.wait()
        await left.wait()
        assert await hub.traffic.idle(5)
    assert "unexpected" not in caplog.text


async def test_a_client_that_leaves_cancels_its_request() -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async with serving([web.get("/", wait)]) as hub, asyncio.timeout(5):
        async with hub.wire() as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await entered.wait()
        await cancelled.wait()


async def test_requests_are_counted_while_they_run() -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        entered.set()
        await go.wait()
        return web.Response()

    async with serving([web.get("/", wait)]) as hub:
        asking = asyncio.ensure_future(hub.get("/"))
        await entered.wait()
        assert hub.traffic.running == 1
        go.set()
        assert (await asking).status == 200
        assert hub.traffic.running == 0


async def test_each_answer_that_the_gateway_does_not_account_for_is_told_of_once() -> None:
    async def accounted(request: web.Request) -> web.Response:
        request[ACCOUNTED] = True
        return web.Response()

    async def accounted_failure(request: web.Request) -> web.Response:
        request[ACCOUNTED] = True
        raise BadRequest("no")

    async def refused(_: web.Request) -> web.Response:
        raise RequestError(401, "missing_api_key", "no key")

    told: list[tuple[int, str | None]] = []
    routes = [
        web.get("/v1/models", hello),
        web.post("/v1/chat", refused),
        web.post("/v1/completions", accounted),
        web.post("/v1/messages", accounted_failure),
        web.get("/healthz", hello),
    ]
    async with serving(routes, aside=lambda *one: told.append(one)) as hub:
        await hub.get("/v1/models")
        await hub.post(b"{}", path="/v1/chat")
        await hub.get("/v1/nowhere")
        await hub.get("/v1/chat")
        await hub.get("/v1/models", "Origin: https://evil.example")
        await hub.post(b"{}", path="/v1/completions")
        await hub.post(b"{}", path="/v1/messages")
        await hub.get("/healthz")
        await hub.get("/nowhere")
        hub.traffic.close()
        await hub.post(b"{}", path="/v1/completions")
    assert told == [
        (200, None),
        (401, "missing_api_key"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (403, "origin_not_allowed"),
        (503, "draining"),
    ]
