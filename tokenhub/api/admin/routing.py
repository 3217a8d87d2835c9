"""`/admin/v1/routing-config`, `routing/simulate`, `decisions`: how models are chosen, and why."""

from aiohttp import web

from tokenhub.administration.decisions import Decisions
from tokenhub.administration.routing_config import RoutingRules
from tokenhub.administration.simulation import Simulation
from tokenhub.api.admin.messages import author, bounds, page, payload, query


def routes(rules: RoutingRules, simulation: Simulation, decisions: Decisions) -> list[web.RouteDef]:
    """Return the routes of choosing."""

    async def show_config(_: web.Request) -> web.Response:
        return web.json_response(rules.get())

    async def put_config(request: web.Request) -> web.Response:
        return web.json_response(await rules.put(await payload(request), author(request)))

    async def simulate(request: web.Request) -> web.Response:
        return web.json_response(simulation.run(await payload(request)))

    async def show_all(request: web.Request) -> web.Response:
        limit, offset = bounds(query(request))
        items, total = await decisions.page(limit, offset)
        return page(items, total, limit, offset)

    async def show(request: web.Request) -> web.Response:
        return web.json_response(await decisions.get(request.match_info["request_id"]))

    return [
        web.get("/admin/v1/routing-config", show_config),
        web.put("/admin/v1/routing-config", put_config),
        web.post("/admin/v1/routing/simulate", simulate),
        web.get("/admin/v1/decisions", show_all),
        web.get("/admin/v1/decisions/{request_id}", show),
    ]
