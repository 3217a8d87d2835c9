"""One client connection, as aiohttp serves it, with what aiohttp leaves open closed.

aiohttp has no limit on how long a request's header may take, and it echoes and logs pieces of a
malformed request, which may be a key.
"""

import asyncio
import logging
from typing import Any, Final, Protocol, runtime_checkable

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong

from tokenhub.api.failures import error_response, log_unexpected, refusal_for
from tokenhub.api.identity import new_request_id
from tokenhub.errors import RequestError

logger = logging.getLogger(__name__)

MAX_HEADER_FIELD_BYTES: Final = 16 * 1024
KEEP_ALIVE_S: Final = 75.0
READ_BYTES: Final = 64 * 1024
"""Read at once: asyncio's own 256 KiB are allocated anew for each read, which takes longer."""


@runtime_checkable
class _SmallReads(Protocol):
    """A transport of asyncio whose reads have a size."""

    max_size: int


class Connection(web.RequestHandler):
    """A connection whose request headers must be complete within `header_timeout_s` seconds.

    The time runs from the connection's start, later from a header's first bytes.
    """

    __slots__ = ("_body", "_header_timeout_s", "_header_timer")

    def __init__(
        self, manager: web.Server, loop: asyncio.AbstractEventLoop, header_timeout_s: float
    ) -> None:
        super().__init__(
            manager,
            loop=loop,
            keepalive_timeout=KEEP_ALIVE_S,
            access_log=None,  # type: ignore[arg-type] # aiohttp's way to switch it off
            max_line_size=MAX_HEADER_FIELD_BYTES,
            max_field_size=MAX_HEADER_FIELD_BYTES,
            auto_decompress=False,
        )
        self._body: StreamReader | None = None
        self._header_timeout_s = header_timeout_s
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first header."""
        super().connection_made(transport)
        if isinstance(transport, _SmallReads):
            transport.max_size = READ_BYTES
        self._await_header()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel the request that runs, but once only: the second time would cut its clean-up."""
        self._end_wait()
        if self._task_handler is not None and self._task_handler.cancelling():
            self._task_handler = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a header that they complete ends the wait, one that they begin starts it."""
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._end_wait()
            self._look_at_last()
        elif data and self._waiter is not None and self._header_timer is None:
            self._await_header()  # no request is being served, so this is part of a header

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a malformed request without a word of it, and close the connection.

        Raises ConnectionError when part of an answer is out already.
        """
        if status >= 500 and exc is not None and not isinstance(exc, ConnectionError):
            log_unexpected(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of the answer is out already")
        if isinstance(exc, LineTooLong):
            text = f"expected header lines of at most {MAX_HEADER_FIELD_BYTES} bytes"
            error = RequestError(431, "header_too_large", text)
        elif status >= 500:
            error = RequestError(status, "internal_error", "an unexpected error: see the log")
        else:
            logger.debug("refused a malformed request (%s)", type(exc).__name__)
            error = RequestError(status, "malformed_request", "the request is not valid HTTP")
        return self._last(request, error)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send `resp`, or in our words what aiohttp refused before the middleware was asked."""
        if isinstance(resp, web.HTTPException):
            resp = self._last(request, refusal_for(resp, request))
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log the kind of an error, where aiohttp would log its text."""
        error = kw.get("exc_info")
        if isinstance(error, BaseException) and not isinstance(error, web.RequestPayloadError):
            log_unexpected(error)

    def _look_at_last(self) -> None:
        """Tell whoever reads a body that nonsense came in the place of its rest.

        aiohttp answers nonsense as if it were a request of its own, after the one that waits.
        """
        message, payload = self._messages[-1]
        if isinstance(message, RawRequestMessage):
            self._body = payload
        elif self._body is not None and not self._body.is_eof():
            self._body.set_exception(web.RequestPayloadError())

    def _last(self, request: web.BaseRequest, error: RequestError) -> web.Response:
        request_id = new_request_id()
        response = error_response(error, request, request_id)
        response.headers["X-Request-Id"] = request_id
        response.headers["X-Inferoute-Request-Id"] = request_id
        response.force_close()
        return response

    def _await_header(self) -> None:
        self._header_timer = self._loop.call_later(self._header_timeout_s, self._give_up)

    def _end_wait(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        self._header_timer = None
        self.force_close()
