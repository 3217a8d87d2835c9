"""`/admin/v1/models`; a model's id may contain slashes."""

from aiohttp import web

from tokenhub.administration.models import Models
from tokenhub.api.admin.messages import author, done, listing, payload


def routes(service: Models) -> list[web.RouteDef]:
    """Return the routes of models."""

    async def show_all(request: web.Request) -> web.Response:
        return listing(request, service.list())

    async def show(request: web.Request) -> web.Response:
        return web.json_response(service.get(request.match_info["name"]))

    async def upsert(request: web.Request) -> web.Response:
        row, new = await service.upsert(await payload(request), author(request))
        return done(row, new=new)

    async def patch(request: web.Request) -> web.Response:
        changes = await payload(request)
        await service.patch(request.match_info["name"], changes, author(request))
        return done()

    async def delete(request: web.Request) -> web.Response:
        await service.delete(request.match_info["name"], author(request))
        return done()

    base, one = "/admin/v1/models", "/admin/v1/models/{name:.+}"
    return [
        web.get(base, show_all),
        web.post(base, upsert),
        web.get(one, show),
        web.patch(one, patch),
        web.delete(one, delete),
    ]
