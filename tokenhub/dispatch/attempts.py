"""Calls to providers: one attempt at a time, streamed or not, and what each came to."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tokenhub.dispatch.concessions import Concessions
from tokenhub.dispatch.letter import Letter
from tokenhub.dispatch.order import Headers, Order, Progress, ProviderAnswer, StreamClient
from tokenhub.dispatch.provenance import Provenance
from tokenhub.dispatch.relay import Relay, StreamTerms
from tokenhub.dispatch.repair import Repair
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.voice import answer_headers, setting_of, stream_headers, voice_for
from tokenhub.errors import NotOfProtocol, NotPermitted, UpstreamError
from tokenhub.health.monitor import CallEnd, HealthMonitor
from tokenhub.health.record import Permit
from tokenhub.observe.failures import FailureLog
from tokenhub.providers.adapters import build_headers, path, url
from tokenhub.providers.failure import classify, classify_answer
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.upstream import Upstream, UpstreamRequest, UpstreamResponse
from tokenhub.types import Attempt, Clock, ErrorClass, per_request
from tokenhub.wire.answer import AnswerFacts, read_answer
from tokenhub.wire.headers import neutral
from tokenhub.wire.stream import reader_for
from tokenhub.wire.translation import translator

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""A provider's non-streamed answer may be this long."""
MAX_ERROR_BYTES = 1024 * 1024
"""A provider's error body may be this long."""
ERROR_BODY_S = 10.0
"""A provider's error body may take this long."""


class Attempts:
    """Carries orders to providers and notes how each call ended."""

    def __init__(
        self,
        upstream: Upstream,
        keys: ProviderKeys,
        health: HealthMonitor,
        failures: FailureLog,
        provenance: Provenance,
        clock: Clock,
    ) -> None:
        self._upstream = upstream
        self._keys = keys
        self._health = health
        self._failures = failures
        self._provenance = provenance
        self._clock = clock
        self._concessions = Concessions(provenance, clock.monotonic)

    async def answer(self, order: Order, target: Target, progress: Progress) -> ProviderAnswer:
        """Get a whole answer. Raises UpstreamError, VaultUnavailable."""
        call = partial(self._answer_once, order, target, progress)
        return await self._concessions.run(order, target, progress, call)

    async def stream(
        self,
        order: Order,
        target: Target,
        client: StreamClient,
        progress: Progress,
        headers: Callable[[], Headers],
    ) -> None:
        """Relay a stream to `client`, whose response also gets what `headers` gives then.

        Raises UpstreamError and VaultUnavailable, both only before the commit.
        """
        delivery = _Delivery(client, progress, headers)
        call = partial(self._stream_once, order, target, delivery)
        await self._concessions.run(order, target, progress, call)

    async def _answer_once(
        self, order: Order, target: Target, progress: Progress, _: Repair, sent: Letter
    ) -> ProviderAnswer:
        with self._attempt(order, target, progress, sent) as permit:
            request = self._request(order, target, permit.url, sent)
            began = self._clock.monotonic()
            try:
                async with asyncio.timeout(target.provider.timeouts.answer_s):
                    response = await self._upstream.send(request)
                    try:
                        body = await self._body(response, target)
                    finally:
                        response.close()
            except TimeoutError:
                limit_s = target.provider.timeouts.answer_s
                raise UpstreamError(
                    ErrorClass.TRANSIENT, f"timeout: no answer within {limit_s:g} s"
                ) from None
            finally:
                progress.waited_s += self._clock.monotonic() - began
            facts = self._facts(target, response, body)
            seals = facts.seals
            if target.api is not order.api:
                body, made = self._translated(order, target, body, facts)
                seals += made
            progress.usage, progress.output_tokens_seen = facts.usage, facts.output_tokens
            progress.commit()
            if seals:
                self._provenance.learn(seals, target)
            headers = answer_headers(order, target, response.headers.items())
            return ProviderAnswer(response.status, [*headers, *sent.headers], body)

    async def _stream_once(
        self,
        order: Order,
        target: Target,
        delivery: "_Delivery",
        repair: Repair,
        sent: Letter,
    ) -> None:
        provider, progress = target.provider, delivery.progress
        with self._attempt(order, target, progress, sent) as permit:
            request = self._request(order, target, permit.url, sent)
            hide_usage = not repair.uncounted and target.api is order.api
            terms = StreamTerms(order.api, provider.type, provider.timeouts, hide_usage=hide_usage)
            progress.on_content = partial(self._health.answered, permit)
            reader = reader_for(target.api)
            setting = setting_of(order, target, self._clock.now_ms() // 1000)
            voice = voice_for(order, target, reader, setting)
            learn = partial(self._provenance.learn, target=target)
            relay = Relay(terms, reader, voice, delivery.client, progress, learn, self._clock)
            sending = asyncio.get_running_loop().create_task(
                self._upstream.send(request), name=f"send {order.request_id}"
            )
            headers = [*delivery.headers(), *sent.headers]
            try:
                response = await relay.open(sending, headers)
                if response.status >= 300:
                    await self._body(response, target)
                if response.headers.get("Content-Type", "").startswith("application/json"):
                    self._facts(target, response, await _short_body(response))
                    raise UpstreamError(
                        ErrorClass.TRANSIENT, "a whole answer where a stream was asked"
                    )
                passed_on = stream_headers(order, target, response.headers.items())
                await relay.run(response, [*passed_on, *headers])
            finally:
                await _abandon(sending)

    def _request(
        self, order: Order, target: Target, base_url: str, sent: Letter
    ) -> UpstreamRequest:
        """What is sent, with the provider's key."""
        provider = target.provider
        key = self._keys.key_for(provider, order.client_authorization)
        asked = order.headers if target.api is order.api else neutral(order.headers)
        query = order.query if target.api is order.api else ""
        return UpstreamRequest(
            method="POST",
            url=url(provider, base_url, target.api) + query,
            headers=build_headers(provider, target.api, asked, key),
            body=sent.body,
            connect_s=provider.timeouts.connect_s,
            proxy=provider.proxy,
            ca_file=provider.ca_file,
        )

    def _translated(
        self, order: Order, target: Target, body: bytes, facts: AnswerFacts
    ) -> tuple[bytes, tuple[str, ...]]:
        """A whole answer, read as `facts`, in the client's API, and the seals made for it.

        Raises UpstreamError where it cannot be told.
        """
        setting = setting_of(order, target, self._clock.now_ms() // 1000)
        try:
            told = translator.answer(target.api, order.api, body, facts.value, setting)
            return told, tuple(setting.seals)
        except NotOfProtocol as error:
            raise UpstreamError(ErrorClass.TRANSIENT, f"unreadable answer: {error}") from None

    def _facts(self, target: Target, response: UpstreamResponse, body: bytes) -> AnswerFacts:
        """What a 2xx answer says; raises UpstreamError for one that is an error, or is none."""
        try:
            return read_answer(target.api, body)
        except NotOfProtocol as error:
            if error.error_body:
                raise classify_answer(
                    target.provider.type,
                    response.headers,
                    error.error_body,
                    now_ms=self._clock.now_ms(),
                ) from None
            raise UpstreamError(ErrorClass.TRANSIENT, f"unreadable answer: {error}") from None

    async def _body(self, response: UpstreamResponse, target: Target) -> bytes:
        """The whole body of a 2xx answer; raises the classified UpstreamError for any other."""
        if response.status < 300:
            return await response.read(MAX_ANSWER_BYTES)
        body = await _short_body(response)
        raise classify(
            target.provider.type,
            response.status,
            response.headers,
            body,
            path=path(target.api),
            model=target.deployment.upstream_name,
            now_ms=self._clock.now_ms(),
        )

    @contextmanager
    def _attempt(
        self, order: Order, target: Target, progress: Progress, sent: Letter
    ) -> Iterator[Permit]:
        """Give the permit to call with what is `sent`, and note the call and its end in any case.

        Raises NotPermitted when the provider is to be left alone.
        """
        permit = self._health.begin(target.provider)
        if permit is None:
            raise NotPermitted(target.provider.id)
        progress.begin(target)
        began = self._clock.monotonic()
        end, status = CallEnd(ErrorClass.CANCELLED), None
        try:
            yield permit
            end, status = self._well_or_cut(progress, began), 200
        except UpstreamError as error:
            end = CallEnd(error.error_class, error.retry_after_s, error.unreachable)
            status = error.status
            self._failures.failed(target.provider.id, target.deployment.id, error)
            if error.api_missing:
                self._health.lacking.mark(target.provider, target.api)
            raise
        finally:
            self._health.finished(permit, target.deployment.key, end)
            progress.attempts.append(
                Attempt(
                    model_id=target.deployment.id,
                    provider_id=target.provider.id,
                    endpoint=permit.url,
                    start_ms=(began - order.received_at) * 1000,
                    end_ms=(self._clock.monotonic() - order.received_at) * 1000,
                    status=status,
                    error_class=end.error_class,
                    api=target.api,
                    left_out=sent.left_out,
                )
            )

    def _well_or_cut(self, progress: Progress, began: float) -> CallEnd:
        """How a call ended that raised nothing; a stream may have failed after its commit."""
        first_token_at, usage = progress.first_token_at, progress.usage
        return CallEnd(
            progress.stream_error,
            latency_s=self._clock.monotonic() - began,
            ttft_s=None if first_token_at is None else first_token_at - began,
            output_tokens=usage.output_tokens if usage else progress.output_tokens_seen,
        )


@per_request
class _Delivery:
    """Where a stream goes: the client, where its progress is noted, our own response headers."""

    client: StreamClient
    progress: Progress
    headers: Callable[[], Headers]


async def _short_body(response: UpstreamResponse) -> bytes:
    """A body that says what went wrong."""
    try:
        async with asyncio.timeout(ERROR_BODY_S):
            return await response.read(MAX_ERROR_BYTES)
    except TimeoutError:
        raise UpstreamError(
            ErrorClass.TRANSIENT, f"timeout: an error body took more than {ERROR_BODY_S:g} s"
        ) from None


async def _abandon(sending: asyncio.Task[UpstreamResponse]) -> None:
    """Close the provider's connection, or stop opening it."""
    if not sending.done():
        sending.cancel()
        await asyncio.wait({sending})
    if not sending.cancelled() and sending.exception() is None:
        sending.result().close()
