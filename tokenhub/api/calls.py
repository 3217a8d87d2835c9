"""From an HTTP request of a client to the call that the gateway takes."""

from aiohttp import web

from tokenhub.api.body import read_document
from tokenhub.api.identity import REQUEST_ID
from tokenhub.errors import BadRequest
from tokenhub.gateway import Call
from tokenhub.text import clean
from tokenhub.types import Api
from tokenhub.wire.body import Document

CLIENT_NAME_CHARS = 64
_STEERING = (
    "X-TokenHub-Mode",
    "X-TokenHub-Max-Budget-USD",
    "X-TokenHub-Max-Latency-Ms",
    "X-TokenHub-Min-Weight",
    "X-TokenHub-Fallback",
)


def credentials(request: web.Request) -> tuple[str | None, str | None]:
    """The client's key, and its own `Authorization` where that is for the provider.

    The key comes as `X-TokenHub-Key`, else `Authorization: Bearer`, else `x-api-key`.
    """
    headers = request.headers
    authorization = headers.get("Authorization")
    if (own := headers.get("X-TokenHub-Key")) is not None:
        return own, authorization
    if authorization is not None:
        scheme, _, value = authorization.partition(" ")
        return (value.strip() if scheme.lower() == "bearer" else ""), None
    return headers.get("x-api-key"), None


def client_name(request: web.Request) -> str:
    """The product that the user agent names first (`openai/python`), sanitised."""
    agent = request.headers.get("User-Agent", "").split(" ", 1)[0]
    return clean(agent, CLIENT_NAME_CHARS)


def call_from(request: web.Request, api: Api) -> Call:
    """The call that `request` makes of `api`; its body is not read yet."""

    async def read() -> Document:
        for name in _STEERING:
            if name in request.headers:
                raise BadRequest(f"{name}: steering by headers is not available", param=name)
        return await read_document(request)

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
