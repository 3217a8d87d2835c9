"""The routes for whoever watches over the process: what is it, is it alive, ready, how busy."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from tokenhub import __version__

METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/"""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What there is to route to: enabled providers (`adapters`) and enabled models of theirs."""

    adapters: int
    models: int


def ops_routes(
    *,
    readiness: Callable[[], Readiness],
    render_metrics: Callable[[], Awaitable[bytes]],
    guard_metrics: Callable[[web.Request], None],
) -> list[web.RouteDef]:
    """Return the routes; `guard_metrics` raises RequestError for who may not see the metrics."""

    async def index(request: web.Request) -> web.Response:
        base = f"{request.scheme}://{request.host}"
        urls = {"openai": f"{base}/v1", "anthropic": base}
        return web.json_response(
            {"name": "TokenHub", "version": __version__, "base_urls": urls, "admin": "/admin/v1"}
        )

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        now = readiness()
        ready = now.adapters > 0 and now.models > 0
        body = {
            "status": "ready" if ready else "not_ready",
            "adapters": now.adapters,
            "models": now.models,
        }
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(request: web.Request) -> web.Response:
        guard_metrics(request)
        headers = {"Content-Type": METRICS_CONTENT_TYPE}
        return web.Response(body=await render_metrics(), headers=headers)

    return [
        web.get("/", index),
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/metrics", metrics),
    ]
