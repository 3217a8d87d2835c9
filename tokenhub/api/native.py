"""TokenHub's own endpoint, `POST /v1/chat`: a chat completion in our envelope."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from tokenhub.api.body import parsed
from tokenhub.api.calls import call_from
from tokenhub.api.client_api import whole
from tokenhub.api.streams import WebStream
from tokenhub.gateway import Answer, Gateway
from tokenhub.routing.policy import Steering
from tokenhub.routing.steering import from_envelope
from tokenhub.types import NANO, Api
from tokenhub.wire.body import Document
from tokenhub.wire.native import RoutingFacts, answer, chat_body

Read = Callable[[], Awaitable[tuple[Document, Steering]]]


def native_routes(gateway: Gateway) -> list[web.RouteDef]:
    """The route of the envelope."""

    async def chat(request: web.Request) -> web.StreamResponse:
        stream = WebStream(request)
        call = call_from(request, Api.CHAT)
        reply = await gateway.serve(replace(call, read=_unwrapped(call.read)), stream)
        if reply is None:
            await stream.finish()
            return stream.response
        return whole(_enveloped(reply) if reply.status == 200 else reply)

    return [web.post("/v1/chat", chat)]


def _unwrapped(read: Read) -> Read:
    """Read the envelope, and give the chat completion in it and what it steers."""

    async def inner() -> tuple[Document, Steering]:
        envelope, by_headers = await read()
        value = envelope.value
        steering = from_envelope(value.get("policy"), value.get("capabilities"))
        return await parsed(chat_body(envelope)), steering.over(by_headers)

    return inner


def _enveloped(reply: Answer) -> Answer:
    target = reply.trip.target
    facts = RoutingFacts(
        model=target.deployment.id if target else "",
        provider=target.provider.id if target else "",
        reason=reply.trip.candidate.reason if reply.trip.candidate else "",
        cost_usd=reply.charge.cost_nano / NANO,
    )
    return replace(reply, body=answer(facts, reply.body))
