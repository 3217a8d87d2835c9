"""`/admin/v1/health` and `engine/models`: how providers and models do."""

from aiohttp import web

from tokenhub.administration.standing import Standing
from tokenhub.api.admin.messages import bounds, listing, page, query

FILTERS = ("model_id", "provider_id")


def routes(standing: Standing) -> list[web.RouteDef]:
    """Return the routes of health."""

    async def providers(request: web.Request) -> web.Response:
        return listing(request, standing.providers())

    async def models(request: web.Request) -> web.Response:
        given = query(request, FILTERS)
        limit, offset = bounds(given)
        items = standing.models({name: given[name] for name in FILTERS if name in given})
        return page(items[offset : offset + limit], len(items), limit, offset)

    return [web.get("/admin/v1/health", providers), web.get("/admin/v1/engine/models", models)]
