"""The baseline: the least an aiohttp proxy can do, one request out for each request in."""

import asyncio
import sys

import aiohttp
from aiohttp import web

_HOP_BY_HOP = {"transfer-encoding", "content-length", "connection", "keep-alive"}


async def main(port: int, upstream: str) -> None:
    """Pass every request on 127.0.0.1:`port` through to `upstream` until killed."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            headers = {"Content-Type": request.content_type}
            async with session.post(upstream + request.path, data=body, headers=headers) as answer:
                passed = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
                if answer.content_type != "text/event-stream":
                    return web.Response(body=await answer.read(), headers=passed)
                stream = web.StreamResponse(headers=passed)
                await stream.prepare(request)
                async for chunk in answer.content.iter_any():
                    await stream.write(chunk)
                return stream

        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
