"""Requests to a hub that no HTTP client would send."""

import asyncio

PATIENCE_S = 15.0


async def exchange(url: str, data: bytes) -> bytes:
    """Send `data` to the hub at `url` as it is; return what it says until it closes."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        async with asyncio.timeout(PATIENCE_S):
            return await reader.read()
    finally:
        writer.close()
