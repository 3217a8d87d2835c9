import pytest
from aiohttp import web

from tests.api.edge import Reply, serving
from tokenhub.api.ops import Readiness, ops_routes
from tokenhub.errors import RequestError


def _routes(adapters: int = 1, models: int = 1, *, guarded: bool = False) -> list[web.RouteDef]:
    async def render() -> bytes:
        return b"tokenhub_up 1\n"

    def guard(request: web.Request) -> None:
        if guarded and request.headers.get("Authorization") != "Bearer admin":
            raise RequestError(401, "unauthorized", "the admin token is needed")

    return ops_routes(
        readiness=lambda: Readiness(adapters, models),
        render_metrics=render,
        guard_metrics=guard,
    )


async def _get(path: str, routes: list[web.RouteDef], *headers: str) -> Reply:
    async with serving(routes) as hub:
        return await hub.get(path, *headers)


async def test_a_process_that_answers_is_alive() -> None:
    reply = await _get("/healthz", _routes(0, 0))
    assert reply.status == 200
    assert reply.json == {"status": "ok"}


async def test_liveness_may_be_asked_by_head() -> None:
    async with serving(_routes()) as hub, hub.wire() as wire:
        await wire.send(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await wire.rest()).startswith(b"HTTP/1.1 200")


async def test_a_hub_with_providers_and_models_is_ready() -> None:
    reply = await _get("/readyz", _routes(2, 5))
    assert reply.status == 200
    assert reply.json == {"status": "ready", "adapters": 2, "models": 5}


@pytest.mark.parametrize(("adapters", "models"), [(0, 0), (1, 0), (0, 3)])
async def test_a_hub_that_can_route_nothing_is_not_ready(adapters: int, models: int) -> None:
    reply = await _get("/readyz", _routes(adapters, models))
    assert reply.status == 503
    assert reply.json == {"status": "not_ready", "adapters": adapters, "models": models}


async def test_metrics_come_in_the_text_format() -> None:
    reply = await _get("/metrics", _routes())
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.body == b"tokenhub_up 1\n"


async def test_guarded_metrics_need_the_token() -> None:
    routes = _routes(guarded=True)
    assert (await _get("/metrics", routes)).status == 401
    assert (await _get("/metrics", routes, "Authorization: Bearer admin")).status == 200


async def test_the_root_says_what_runs_here_and_its_base_urls() -> None:
    reply = await _get("/", _routes())
    assert (reply.status, reply.json["name"]) == (200, "TokenHub")
    urls = reply.json["base_urls"]
    assert urls["anthropic"].startswith("http://127.0.0.1:")
    assert urls["openai"] == urls["anthropic"] + "/v1"
