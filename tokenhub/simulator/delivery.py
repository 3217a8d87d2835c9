"""Sends an answer at the profile's speed, with the failure that befell the call."""

import random
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from tokenhub.simulator.calls import Call
from tokenhub.simulator.frames import Answer, Frame
from tokenhub.simulator.profile import Failure, FailureKind, Profile

DRIP_BYTES = 7
"""A piece of a slow drip; odd, so that it cuts everywhere."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for some seconds, as asyncio.sleep does."""

_LINGER_AND_RESET = struct.pack("ii", 1, 0)


class _Ended(Exception):
    """The failure ended the answer; `gone` when the connection is no more."""

    def __init__(self, *, gone: bool) -> None:
        super().__init__()
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Delivery:
    """The sending of one answer. `ending` makes the events of a failure inside a stream."""

    request: web.Request
    call: Call
    profile: Profile
    failure: Failure | None
    ending: Callable[[], Iterable[Frame]]
    rng: random.Random
    sleep: Sleep

    async def send(self, answer: Answer) -> web.StreamResponse:
        """Send `answer`; ConnectionError or CancelledError when the client goes away."""
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_type = answer.content_type
        if answer.frames is None:
            response.content_length = len(answer.body)
        else:
            response.charset = "utf-8"
        try:
            if self.failure is not None and self.failure.after_events is None:
                await self._strike(response)
            await self._pause(self.profile.ttft_ms / 1000)
            self.call.status = answer.status
            await response.prepare(self.request)
            if answer.frames is None:
                await self._send_body(response, answer)
            else:
                await self._send_frames(response, answer)
        except _Ended as ended:
            self.call.complete = True
            if ended.gone:
                return response
        self.call.complete = True
        await response.write_eof()
        return response

    async def _send_frames(self, response: web.StreamResponse, answer: Answer) -> None:
        for frame in answer.frames or ():
            await self._strike_after(response, self.call.events_sent)
            await self._tokens(frame.tokens)
            await self._write(response, frame.data)
            self.call.events_sent += 1

    async def _send_body(self, response: web.StreamResponse, answer: Answer) -> None:
        await self._tokens(answer.tokens)
        half = len(answer.body) // 2
        await self._strike_after(response, 0)
        await self._write(response, answer.body[:half])
        if self.failure is not None and (self.failure.after_events or 0) >= 1:
            await self._strike(response)
        await self._write(response, answer.body[half:])
        self.call.events_sent = 1

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        if self.failure is None or self.failure.kind is not FailureKind.SLOW_DRIP:
            await response.write(data)
            return
        for start in range(0, len(data), DRIP_BYTES):
            await self._pause(self.failure.seconds)
            await response.write(data[start : start + DRIP_BYTES])

    async def _strike_after(self, response: web.StreamResponse, events: int) -> None:
        if self.failure is not None and self.failure.after_events == events:
            await self._strike(response)

    async def _strike(self, response: web.StreamResponse) -> None:
        """Let the failure happen, here and now."""
        failure = self.failure
        if failure is None:
            return
        match failure.kind:
            case FailureKind.HANG:
                await self.sleep(failure.seconds)
            case FailureKind.RESET:
                self._disconnect(reset=True)
            case FailureKind.CUT:
                if not failure.clean or response.content_length is not None:
                    self._disconnect(reset=False)
                raise _Ended(gone=False)
            case FailureKind.ERROR_EVENT | FailureKind.FAILED_RESPONSE:
                for frame in self.ending():
                    await response.write(frame.data)
                raise _Ended(gone=False)
            case FailureKind.ANSWER | FailureKind.GARBAGE | FailureKind.SLOW_DRIP:
                pass

    def _disconnect(self, *, reset: bool) -> None:
        transport = self.request.transport
        if transport is not None and reset:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
            transport.abort()
        elif transport is not None:
            transport.close()
        raise _Ended(gone=True)

    async def _tokens(self, tokens: int) -> None:
        if tokens and self.profile.tokens_per_s > 0:
            await self._pause(tokens / self.profile.tokens_per_s)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            varied = seconds * (1 + self.profile.jitter * self.rng.uniform(-1, 1))
            await self.sleep(varied)
