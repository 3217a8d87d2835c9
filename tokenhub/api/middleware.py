"""The one middleware: what happens around every request, whatever it asks for."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from tokenhub.api.failures import error_response, refusal_for
from tokenhub.api.identity import REQUEST_ID, new_request_id, request_id_from
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.traffic import Traffic
from tokenhub.errors import RequestError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ENDLESS: Final = frozenset({"/admin/v1/events"})
"""Paths whose answers end only with the process: nobody waits for those."""

ACCOUNTED: Final = web.RequestKey("accounted", bool)
"""Left in a request once the gateway accounts for whatever comes of it."""

Aside = Callable[[int, str | None], None]
"""Takes the HTTP status and, for an error, the code of an answer that was given aside."""

DRAIN_RETRY_AFTER_S: Final = 5


def nobody(_: int, __: str | None) -> None:
    """Do nothing, where nobody counts."""


class Edge:
    """Gives each request its id, keeps strangers out, counts it, and answers its failure.

    `aside` is told of each answer under `/v1` that the gateway does not account for: to requests
    that were refused before it, or that are not for it.
    """

    def __init__(self, perimeter: Perimeter, traffic: Traffic, aside: Aside = nobody) -> None:
        self._perimeter = perimeter
        self._traffic = traffic
        self._aside = aside

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer `request` by `handler`; what goes wrong becomes an answer too."""
        request_id = request_id_from(request.headers.get("X-Request-Id"))
        request[REQUEST_ID] = request_id
        code = None
        try:
            self._perimeter.check(request)
            response = await self._counted(request, handler)
        except Exception as error:
            if _is_lost(request):
                raise
            refusal = refusal_for(error, request)
            code = refusal.code
            response = error_response(refusal, request, request_id)
            if self._traffic.closed:
                response.force_close()
        if request.path.startswith("/v1/") and ACCOUNTED not in request:
            self._aside(response.status, code)
        return response

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Complete the headers of any response, streams included, before they go out."""
        request_id = request.get(REQUEST_ID) or new_request_id()
        headers = response.headers
        headers["X-Request-Id"] = request_id
        headers["X-Inferoute-Request-Id"] = request_id
        if (origin := self._perimeter.listed_origin(request)) is not None:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "*"
            headers["Vary"] = "Origin"

    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._traffic.closed:
            headers = {"Retry-After": str(DRAIN_RETRY_AFTER_S), "x-should-retry": "true"}
            raise RequestError(503, "draining", "the hub is shutting down", headers=headers)
        if request.method == "OPTIONS" and (answer := self._perimeter.preflight(request)):
            return answer
        if request.path in ENDLESS:
            return await handler(request)
        self._traffic.enter()
        try:
            return await handler(request)
        finally:
            self._traffic.leave()


def _is_lost(request: web.Request) -> bool:
    """Whether an error cannot be answered: the client is gone, or half an answer went out."""
    return request.transport is None or request.writer.output_size > 0
