"""The streaming loop: a provider's events go to the client as they come.

Opening events are held until the first content and go out with it in one write: that commits the
stream. Before it a failure raises, so that the caller may still answer otherwise; after it the
client gets its protocol's error event. Every wait ends: by the provider's bytes, by the first of
the provider's timeouts, or to keep a silent connection alive.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from tokenhub.dispatch.order import Headers, Progress, StreamClient
from tokenhub.dispatch.voice import Voice
from tokenhub.errors import NotOfProtocol, UpstreamError
from tokenhub.providers.failure import classify_event
from tokenhub.providers.upstream import UpstreamResponse
from tokenhub.types import Api, Clock, ErrorClass, ProviderType, Timeouts, per_request
from tokenhub.wire.errors import keep_alive
from tokenhub.wire.sse import EventSplitter
from tokenhub.wire.stream import Part, StreamReader

HOLD_S = 10.0
"""Opening events are held no longer than this."""
KEEP_ALIVE_S = 15.0
"""Silence towards the client after which a keep-alive goes out."""
MAX_HELD_BYTES = 1024 * 1024
"""No provider has so much to say before it says something."""
STOP_S = 1.0
"""How long the last words to a client may take when the hub stops."""
TRAILER_S = 1.0
"""How long to wait for the body's end after the protocol's own, to reuse the connection."""


@per_request
class StreamTerms:
    """How one stream is to be relayed to a client of `api`.

    `hide_usage` drops the usage-only event that the client did not ask for.
    """

    api: Api
    provider_type: ProviderType
    timeouts: Timeouts
    hide_usage: bool


class Relay:
    """Relays one provider's stream to one client; `learn` is told of the seals in it."""

    def __init__(  # noqa: PLR0913 - what is relayed, how, and to whom
        self,
        terms: StreamTerms,
        reader: StreamReader,
        voice: Voice,
        client: StreamClient,
        progress: Progress,
        learn: Callable[[Sequence[str]], None],
        clock: Clock,
    ) -> None:
        self._terms = terms
        self._learn = learn
        self._reader = reader
        self._voice = voice
        self._client = client
        self._progress = progress
        self._clock = clock
        self._monotonic = clock.monotonic
        self._headers: Headers = ()
        self._held: list[bytes] = []
        self._held_since = 0.0
        self._committed = False
        self._ended = False
        self._failure: Exception | None = None
        self._held_bytes = 0
        self._began = self._heard_at = clock.monotonic()
        if progress.spoke_at is None:
            progress.spoke_at = self._began
        self._heard = False

    async def open(
        self, sending: asyncio.Task[UpstreamResponse], headers: Headers
    ) -> UpstreamResponse:
        """Wait for the provider's response head, keeping the client's connection alive meanwhile.

        `headers` are what a keep-alive starts the client's response with. Raises UpstreamError.
        """
        self._headers = headers
        while not sending.done():
            before = self._monotonic()
            await asyncio.wait({sending}, timeout=self._wait_s(before))
            self._progress.waited_s += self._monotonic() - before
            if not sending.done():
                await self._silence()
        return sending.result()

    async def run(self, response: UpstreamResponse, headers: Headers) -> None:
        """Relay `response` to its end; `headers` start the client's response if nothing did yet.

        Raises UpstreamError while the stream is not committed. After that it always returns, and
        `progress.stream_error` says how a stream that was not whole ended.
        """
        if not self._client.started:
            self._headers = headers
        splitter, chunks = EventSplitter(), response.chunks()
        try:
            while not self._ended and self._failure is None:
                chunk = await self._next(chunks)
                if chunk is None:
                    continue
                if not chunk:
                    break
                if ready := self._take(splitter.feed(chunk)):
                    await self._send(ready)
            if self._failure is not None:
                raise self._failure
            await self._finish(chunks)
        except NotOfProtocol as error:
            await self._fail(UpstreamError(ErrorClass.TRANSIENT, f"unreadable stream: {error}"))
        except UpstreamError as error:
            await self._fail(error)
        except asyncio.CancelledError:
            await self._stopped()
            raise

    async def _stopped(self) -> None:
        """Tell a client that is still there why its stream ends: the hub stops, not the client."""
        if self._committed and self._client.connected and not self._progress.whole:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._write(
                        self._voice.failed("draining", "the hub is shutting down", 503)
                    )

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next bytes, b"" at the end, None when a timer came first (and was served)."""
        before = self._monotonic()
        try:
            async with asyncio.timeout(self._wait_s(before)):
                chunk = await anext(chunks, b"")
        except TimeoutError:
            self._progress.waited_s += self._monotonic() - before
            await self._silence()
            return None
        now = self._monotonic()
        self._progress.waited_s += now - before
        self._heard_at = now
        return chunk

    def _wait_s(self, now: float | None = None) -> float:
        """Seconds until the nearest timer."""
        due = min(self._gives_up_at(), self._keep_alive_at())
        if self._held and not self._committed:
            due = min(due, self._held_since + HOLD_S)
        return max(0.0, due - (self._monotonic() if now is None else now))

    def _keep_alive_at(self) -> float:
        return (self._progress.spoke_at or self._began) + KEEP_ALIVE_S

    def _gives_up_at(self) -> float:
        if self._heard:
            return self._heard_at + self._terms.timeouts.idle_s
        return self._began + self._terms.timeouts.first_event_s

    async def _silence(self) -> None:
        """Serve the timer that is due: give up, let go of held events, or keep alive."""
        now = self._monotonic()
        if now >= self._gives_up_at():
            what = "no bytes for" if self._heard else "no first event within"
            timeouts = self._terms.timeouts
            limit_s = timeouts.idle_s if self._heard else timeouts.first_event_s
            raise UpstreamError(ErrorClass.TRANSIENT, f"timeout: {what} {limit_s:g} s")
        if self._held and not self._committed and now >= self._held_since + HOLD_S:
            self._commit()
            await self._send([])
        elif now >= self._keep_alive_at():
            await self._write(keep_alive(self._terms.api))

    def _take(self, events: list[bytes]) -> list[bytes]:
        """Read the events; return the ones that go out now, those before a failure too."""
        self._heard = self._heard or bool(events)
        ready: list[bytes] = []
        verbatim = self._voice.verbatim
        try:
            for event in events:
                part = self._reader.read(event)
                if not (part is Part.CONTENT and self._committed) and not self._goes_out(part):
                    continue
                if verbatim and part is not Part.ERROR:
                    ready.append(event)
                else:
                    ready += self._voice.event(event, part)
                if self._ended:
                    break
        except (NotOfProtocol, UpstreamError) as error:
            self._failure = error
        self._note()
        self._learn_seals()
        if self._committed:
            return ready
        if ready and not self._held:
            self._held_since = self._monotonic()
        self._held += ready
        self._held_bytes += sum(map(len, ready))
        if self._held_bytes > MAX_HELD_BYTES and self._failure is None:
            self._failure = NotOfProtocol(f"more than {MAX_HELD_BYTES} bytes before any content")
        return []

    def _goes_out(self, part: Part) -> bool:
        """Note what an event is; tell whether the client gets it."""
        if part is Part.USAGE and self._terms.hide_usage:
            return False
        if part is Part.ERROR:
            self._failed_inside()
        elif part is Part.CONTENT and self._progress.first_token_at is None:
            self._progress.first_token_at = self._monotonic()
        if part is Part.END or part is Part.ERROR:
            self._ended = True
        if self._ended or part is Part.CONTENT:
            self._commit()
        return True

    def _commit(self) -> None:
        self._committed = True
        self._progress.commit()

    def _failed_inside(self) -> None:
        """An error event came: it fails an attempt that is not committed, else ends the stream."""
        error = classify_event(self._terms.provider_type, self._reader.error)
        if not self._committed:
            raise error
        self._progress.stream_error = error.error_class

    def _note(self) -> None:
        self._progress.usage = self._reader.usage
        self._progress.output_tokens_seen = self._reader.output_tokens_seen

    def _learn_seals(self) -> None:
        """Tell of the seals that came before the client has them, and may send them back."""
        if seals := self._voice.seals():
            self._learn(seals)

    async def _send(self, ready: list[bytes]) -> None:
        """Write `ready`, after the events held until now."""
        if self._held:
            ready = self._held + ready
            self._held = []
        if ready:
            await self._write(ready[0] if len(ready) == 1 else b"".join(ready))

    async def _write(self, data: bytes) -> None:
        if not self._client.started:
            await self._client.start(self._headers)
        await self._client.write(data)
        self._progress.spoke_at = self._monotonic()

    async def _finish(self, chunks: AsyncIterator[bytes]) -> None:
        """End the client's stream as its protocol wants, whole or cut."""
        if self._ended:
            await self._whole()
            await _drain(chunks)
        elif self._reader.finished:
            self._commit()
            end = self._voice.end()
            self._learn_seals()
            await self._send([end])
            await self._whole()
        else:
            raise UpstreamError(ErrorClass.TRANSIENT, "the stream was cut off")

    async def _whole(self) -> None:
        """The client has everything: that it may leave now is no abort."""
        self._progress.whole = True
        await self._client.finish()

    async def _fail(self, error: UpstreamError) -> None:
        """Raise `error` while the stream is not committed, else tell the client in its stream."""
        self._note()
        if not self._committed:
            raise error
        self._progress.stream_error = error.error_class
        message = f"the provider's stream failed: {error}"
        await self._write(self._voice.failed("upstream_error", message, 502))


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what follows the protocol's end: usually nothing, then the connection is reused."""
    try:
        async with asyncio.timeout(TRAILER_S):
            async for _ in chunks:
                pass
    except (TimeoutError, UpstreamError):
        return
