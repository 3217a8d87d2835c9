"""`/admin/v1/vault`."""

from aiohttp import web

from tokenhub.administration.vault import VaultDoor
from tokenhub.api.admin.messages import author, no_payload, payload


def routes(door: VaultDoor) -> list[web.RouteDef]:
    """Return the routes of the vault; each answers with its state."""

    async def status(_: web.Request) -> web.Response:
        return web.json_response(await door.status())

    async def init(request: web.Request) -> web.Response:
        return web.json_response(await door.init(await payload(request), author(request)))

    async def unlock(request: web.Request) -> web.Response:
        return web.json_response(await door.unlock(await payload(request), author(request)))

    async def lock(request: web.Request) -> web.Response:
        await no_payload(request)
        return web.json_response(await door.lock(author(request)))

    async def rotate(request: web.Request) -> web.Response:
        return web.json_response(await door.rotate(await payload(request), author(request)))

    base = "/admin/v1/vault"
    return [
        web.get(base, status),
        web.post(f"{base}/init", init),
        web.post(f"{base}/unlock", unlock),
        web.post(f"{base}/lock", lock),
        web.post(f"{base}/rotate", rotate),
    ]
