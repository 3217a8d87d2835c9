"""`/admin/v1/info` and `admin-token`: the hub itself."""

from aiohttp import web

from tokenhub.administration.admin_token import AdminToken
from tokenhub.administration.changes import Changes
from tokenhub.administration.info import HubInfo
from tokenhub.api.admin.messages import author, no_payload


def routes(info: HubInfo, token: AdminToken, changes: Changes) -> list[web.RouteDef]:
    """Return the routes of the hub itself."""

    async def show_info(_: web.Request) -> web.Response:
        return web.json_response(info.now())

    async def rotate_token(request: web.Request) -> web.Response:
        await no_payload(request)
        return web.json_response({"token": await token.rotate(changes, author(request))})

    return [
        web.get("/admin/v1/info", show_info),
        web.post("/admin/v1/admin-token/rotate", rotate_token),
    ]
