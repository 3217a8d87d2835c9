"""`/admin/v1/providers`."""

from aiohttp import web

from tokenhub.administration.discovery import Discovery
from tokenhub.administration.providers import Providers
from tokenhub.administration.rows import preset_rows
from tokenhub.api.admin.messages import author, done, listing, payload


def routes(service: Providers, discovery: Discovery) -> list[web.RouteDef]:
    """Return the routes of providers."""

    async def show_all(request: web.Request) -> web.Response:
        return listing(request, service.list())

    async def presets(request: web.Request) -> web.Response:
        return listing(request, preset_rows())

    async def show(request: web.Request) -> web.Response:
        return web.json_response(service.get(request.match_info["id"]))

    async def upsert(request: web.Request) -> web.Response:
        row, new = await service.upsert(await payload(request), author(request))
        return done(row, new=new)

    async def patch(request: web.Request) -> web.Response:
        changes = await payload(request)
        detached = await service.patch(request.match_info["id"], changes, author(request))
        return done({"key_detached": True} if detached else None)

    async def delete(request: web.Request) -> web.Response:
        await service.delete(request.match_info["id"], author(request))
        return done()

    async def discover(request: web.Request) -> web.Response:
        found = await discovery.discover(request.match_info["id"], author(request))
        return web.json_response({"models": found})

    base = "/admin/v1/providers"
    return [
        web.get(base, show_all),
        web.post(base, upsert),
        web.get(f"{base}/presets", presets),
        web.get(f"{base}/{{id}}", show),
        web.patch(f"{base}/{{id}}", patch),
        web.delete(f"{base}/{{id}}", delete),
        web.get(f"{base}/{{id}}/discover", discover),
    ]
