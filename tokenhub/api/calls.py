"""From an HTTP request of a client to the call that the gateway takes."""

from aiohttp import web

from tokenhub.admission.keys import PREFIX
from tokenhub.api.body import read_document
from tokenhub.api.identity import REQUEST_ID
from tokenhub.api.middleware import ACCOUNTED
from tokenhub.gateway import Call
from tokenhub.routing.policy import Steering
from tokenhub.routing.steering import from_headers
from tokenhub.text import clean
from tokenhub.types import Api
from tokenhub.wire.body import Document

CLIENT_NAME_CHARS = 64


def credentials(request: web.Request) -> tuple[str | None, str | None]:
    """The client's key, and its own `Authorization` where that is for the provider.

    The key comes as `X-TokenHub-Key`, else `Authorization: Bearer`, else `x-api-key`. What holds a
    key of ours is never for a provider.
    """
    headers = request.headers
    authorization = headers.get("Authorization", "")
    if (own := headers.get("X-TokenHub-Key")) is not None:
        return own, (authorization if authorization and PREFIX not in authorization else None)
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer" and (value := value.strip()):
        return value, None
    return headers.get("x-api-key"), None


def client_name(request: web.Request) -> str:
    """The product that the user agent names first (`openai/python`), sanitised."""
    agent = request.headers.get("User-Agent", "").split(" ", 1)[0]
    return clean(agent, CLIENT_NAME_CHARS)


def call_from(request: web.Request, api: Api) -> Call:
    """The call that `request` makes of `api`; its body is not read yet."""

    async def read() -> tuple[Document, Steering]:
        request[ACCOUNTED] = True  # the gateway reads once it answers for the request
        steering = from_headers(request.headers.items())
        return await read_document(request), steering

    token, client_authorization = credentials(request)
    query = request.rel_url.raw_query_string
    return Call(
        request_id=request[REQUEST_ID],
        api=api,
        endpoint=request.path,
        address=request.remote or "",
        token=token,
        client_authorization=client_authorization,
        client=client_name(request),
        headers=list(request.headers.items()),
        query=f"?{query}" if query else "",
        read=read,
    )
