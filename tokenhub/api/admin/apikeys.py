"""`/admin/v1/apikeys`."""

from aiohttp import web

from tokenhub.administration.apikeys import ApiKeys
from tokenhub.api.admin.messages import author, done, listing, no_payload, payload


def routes(service: ApiKeys) -> list[web.RouteDef]:
    """Return the routes of client keys."""

    async def show_all(request: web.Request) -> web.Response:
        return listing(request, service.list())

    async def show(request: web.Request) -> web.Response:
        return web.json_response(service.get(request.match_info["id"]))

    async def create(request: web.Request) -> web.Response:
        key = await service.create(await payload(request), author(request))
        return web.json_response(key, status=201)

    async def rotate(request: web.Request) -> web.Response:
        await no_payload(request)
        key = await service.rotate(request.match_info["id"], author(request))
        return web.json_response(key)

    async def patch(request: web.Request) -> web.Response:
        changes = await payload(request)
        await service.patch(request.match_info["id"], changes, author(request))
        return done()

    async def revoke(request: web.Request) -> web.Response:
        await service.revoke(request.match_info["id"], author(request))
        return done()

    base = "/admin/v1/apikeys"
    return [
        web.get(base, show_all),
        web.post(base, create),
        web.get(f"{base}/{{id}}", show),
        web.patch(f"{base}/{{id}}", patch),
        web.delete(f"{base}/{{id}}", revoke),
        web.post(f"{base}/{{id}}/rotate", rotate),
    ]
