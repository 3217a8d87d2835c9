"""Reading the one JSON document that a request carries."""

import asyncio
from typing import Final

from aiohttp import StreamReader, web

from tokenhub.errors import BadRequest, RequestError
from tokenhub.wire.body import MAX_BODY_BYTES, Document, parse_steps

BODY_TIMEOUT_S: Final = 60.0


async def read_document(
    request: web.Request, *, timeout_s: float = BODY_TIMEOUT_S, most_bytes: int = MAX_BODY_BYTES
) -> Document:
    """Return the JSON object that is the body of `request`.

    Raises RequestError: 413 over `most_bytes`, 408 when the body is not complete after `timeout_s`
    seconds, 400 for anything that is not one JSON object, saying why. The content type was
    checked by the perimeter.
    """
    return await parsed(await _read(request, timeout_s, most_bytes))


async def parsed(body: bytes) -> Document:
    """Return `body` as a document, letting others run while a long one is read; see `parse`."""
    steps = parse_steps(body)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            document: Document = end.value
            return document
        # Twice: what becomes ready during a step gets its turn after the first one only.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def _read(request: web.Request, timeout_s: float, most_bytes: int) -> bytes:
    if (request.content_length or 0) > most_bytes:
        raise _too_large(most_bytes)
    content = request.content
    try:
        if content.is_eof():  # a short one mostly comes along with the header
            return content.read_nowait()
        async with asyncio.timeout(timeout_s):
            return await _read_parts(content, most_bytes)
    except TimeoutError:
        message = f"the body was not complete after {timeout_s:g} s"
        raise RequestError(408, "body_timeout", message) from None
    except web.RequestPayloadError:
        raise BadRequest("the body's transfer coding is broken") from None


async def _read_parts(content: StreamReader, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await content.readany():
        size += len(part)
        if size > most_bytes:
            raise _too_large(most_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(most_bytes: int) -> RequestError:
    message = f"the body is larger than {most_bytes} bytes ({most_bytes >> 20} MiB)"
    return RequestError(413, "request_too_large", message)
