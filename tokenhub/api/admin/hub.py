"""`/admin/v1/info`, `admin-token` and `routing-config`: the hub itself."""

from aiohttp import web

from tokenhub.administration.admin_token import AdminToken
from tokenhub.administration.changes import Changes
from tokenhub.administration.info import HubInfo
from tokenhub.administration.routing_config import RoutingConfig
from tokenhub.api.admin.messages import author, no_payload, payload


def routes(
    info: HubInfo, token: AdminToken, changes: Changes, config: RoutingConfig
) -> list[web.RouteDef]:
    """Return the routes of the hub itself."""

    async def show_info(_: web.Request) -> web.Response:
        return web.json_response(info.now())

    async def rotate_token(request: web.Request) -> web.Response:
        await no_payload(request)
        return web.json_response({"token": await token.rotate(changes, author(request))})

    async def show_config(_: web.Request) -> web.Response:
        return web.json_response(config.get())

    async def put_config(request: web.Request) -> web.Response:
        return web.json_response(await config.put(await payload(request), author(request)))

    return [
        web.get("/admin/v1/info", show_info),
        web.post("/admin/v1/admin-token/rotate", rotate_token),
        web.get("/admin/v1/routing-config", show_config),
        web.put("/admin/v1/routing-config", put_config),
    ]
