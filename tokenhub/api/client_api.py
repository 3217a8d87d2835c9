"""The routes of `/v1` that go down the gateway's road, in the clients' own protocols."""

import functools
from collections.abc import Sequence

from aiohttp import web
from multidict import CIMultiDict

from tokenhub.api.calls import call_from
from tokenhub.api.streams import WebStream
from tokenhub.gateway import Answer, Gateway
from tokenhub.types import Api

PATHS = {
    "/v1/chat/completions": Api.CHAT,
    "/v1/completions": Api.COMPLETIONS,
    "/v1/embeddings": Api.EMBEDDINGS,
    "/v1/messages": Api.MESSAGES,
    "/v1/messages/count_tokens": Api.COUNT_TOKENS,
    "/v1/responses": Api.RESPONSES,
}


def client_routes(gateway: Gateway) -> Sequence[web.RouteDef]:
    """The POST routes of the OpenAI and Anthropic protocols."""
    return [web.post(path, functools.partial(_serve, gateway, api)) for path, api in PATHS.items()]


async def _serve(gateway: Gateway, api: Api, request: web.Request) -> web.StreamResponse:
    stream = WebStream(request)
    answer = await gateway.serve(call_from(request, api), stream)
    if answer is not None:
        return whole(answer)
    await stream.finish()
    return stream.response


def whole(answer: Answer) -> web.Response:
    """The response for an answer that is not a stream."""
    return web.Response(status=answer.status, headers=CIMultiDict(answer.headers), body=answer.body)
