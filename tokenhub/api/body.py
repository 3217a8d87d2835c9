"""Reading the one JSON document that a request carries."""

import asyncio
from typing import Final

from aiohttp import StreamReader, web

from tokenhub.errors import BadRequest, RequestError
from tokenhub.wire.body import MAX_BODY_BYTES, Document, parse_steps

BODY_TIMEOUT_S: Final = 60.0


async def read_document(request: web.Request, *, timeout_s: float = BODY_TIMEOUT_S) -> Document:
    """Return the JSON object that is the body of `request`.

    Raises RequestError: 413 over 32 MiB, 408 when the body is not complete after `timeout_s`
    seconds, 400 for anything that is not one JSON object, saying why. The content type was
    checked by the perimeter.
    """
    body = await _read(request, timeout_s)
    steps = parse_steps(body)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            document: Document = end.value
            return document
        await asyncio.sleep(0)


async def _read(request: web.Request, timeout_s: float) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _too_large()
    content = request.content
    try:
        if content.is_eof():  # a short one mostly comes along with the header
            return content.read_nowait()
        async with asyncio.timeout(timeout_s):
            return await _read_parts(content)
    except TimeoutError:
        message = f"the body was not complete after {timeout_s:g} s"
        raise RequestError(408, "body_timeout", message) from None
    except web.RequestPayloadError:
        raise BadRequest("the body's transfer coding is broken") from None


async def _read_parts(content: StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await content.readany():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> RequestError:
    message = f"the body is larger than {MAX_BODY_BYTES} bytes (32 MiB)"
    return RequestError(413, "request_too_large", message)
