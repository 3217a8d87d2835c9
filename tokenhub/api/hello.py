"""`/api/hello`, by which Claude Code sees whether its base URL can be reached."""

from typing import Final

from aiohttp import web

PATH: Final = "/api/hello"


def hello_routes() -> list[web.RouteDef]:
    """The route, for GET and HEAD.

    It needs no key, as at Anthropic: Claude Code asks before it logs in, to open a connection that
    its first request then finds open, and tells a user with a wrong key so itself.
    """

    async def hello(_: web.Request) -> web.Response:
        return web.json_response({"message": "hello"})

    return [web.get(PATH, hello)]
