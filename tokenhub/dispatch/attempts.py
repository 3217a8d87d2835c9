"""Calls to providers: one attempt at a time, streamed or not, and what each came to."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tokenhub.dispatch.order import Headers, Order, Progress, ProviderAnswer, StreamClient, Target
from tokenhub.dispatch.relay import Relay, StreamTerms
from tokenhub.dispatch.usage_option import UsageOption
from tokenhub.errors import NotOfProtocol, UpstreamError
from tokenhub.health.tracker import HealthTracker
from tokenhub.providers.adapters import build_headers, path, url
from tokenhub.providers.endpoints import Endpoints
from tokenhub.providers.failure import classify
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.upstream import Upstream, UpstreamRequest, UpstreamResponse
from tokenhub.types import Attempt, Clock, ErrorClass
from tokenhub.wire.answer import read_answer
from tokenhub.wire.body import add_include_usage, set_model, splice
from tokenhub.wire.headers import forward_response_headers
from tokenhub.wire.stream import reader_for

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
        endpoints: Endpoints,
        health: HealthTracker,
        clock: Clock,
    ) -> None:
        self._upstream = upstream
        self._keys = keys
        self._endpoints = endpoints
        self._health = health
        self._clock = clock
        self._usage_option = UsageOption()

    async def answer(self, order: Order, target: Target, progress: Progress) -> ProviderAnswer:
        """Get a whole answer. Raises UpstreamError, VaultUnavailable."""
        with self._attempt(order, target, progress) as base_url:
            request = self._request(order, target, base_url, ask_usage=False)
            began = self._clock.monotonic()
            try:
                async with asyncio.timeout(target.provider.timeouts.answer_s):
                    response = await self._upstream.send(request)
                    try:
                        body = await self._body(response, order, target)
                    finally:
                        response.close()
            except TimeoutError:
                limit_s = target.provider.timeouts.answer_s
                raise UpstreamError(
                    ErrorClass.TRANSIENT, f"timeout: no answer within {limit_s:g} s"
                ) from None
            finally:
                progress.waited_s += self._clock.monotonic() - began
            try:
                facts = read_answer(order.api, body)
            except NotOfProtocol as error:
                raise UpstreamError(ErrorClass.TRANSIENT, f"unreadable answer: {error}") from None
            progress.usage, progress.output_tokens_seen = facts.usage, facts.output_tokens
            progress.answered = True
            return ProviderAnswer(
                response.status, forward_response_headers(response.headers.items()), body
            )

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
        ask_usage = self._usage_option.wanted(order, target.provider)
        try:
            await self._stream_once(order, target, delivery, ask_usage=ask_usage)
        except UpstreamError as error:
            if not (ask_usage and self._usage_option.refused_by(error, target.provider)):
                raise
            await self._stream_once(order, target, delivery, ask_usage=False)

    async def _stream_once(
        self, order: Order, target: Target, delivery: "_Delivery", *, ask_usage: bool
    ) -> None:
        provider, progress = target.provider, delivery.progress
        with self._attempt(order, target, progress) as base_url:
            request = self._request(order, target, base_url, ask_usage=ask_usage)
            terms = StreamTerms(
                order.api, provider.type, order.request_id, provider.timeouts, hide_usage=ask_usage
            )
            relay = Relay(terms, reader_for(order.api), delivery.client, progress, self._clock)
            sending = asyncio.get_running_loop().create_task(
                self._upstream.send(request), name=f"send {order.request_id}"
            )
            began = self._clock.monotonic()
            headers = delivery.headers()
            try:
                response = await relay.open(sending, headers)
                progress.waited_s += self._clock.monotonic() - began
                if response.status >= 300:
                    await self._body(response, order, target)
                passed_on = forward_response_headers(response.headers.items())
                await relay.run(response, [*passed_on, *headers])
            finally:
                await _abandon(sending)

    def _request(
        self, order: Order, target: Target, base_url: str, *, ask_usage: bool
    ) -> UpstreamRequest:
        """The client's request with the model's name exchanged, and the provider's key."""
        provider, deployment = target.provider, target.deployment
        document = order.document
        edits = []
        if order.facts.model != deployment.upstream_name:
            edits.append(set_model(document, deployment.upstream_name))
        if ask_usage:
            edits += add_include_usage(document)
        key = self._keys.key_for(provider, order.client_authorization)
        return UpstreamRequest(
            method="POST",
            url=url(provider, base_url, order.api) + order.query,
            headers=build_headers(provider, order.api, order.headers, key),
            body=splice(document, edits),
            connect_s=provider.timeouts.connect_s,
            proxy=provider.proxy,
            ca_file=provider.ca_file,
        )

    async def _body(self, response: UpstreamResponse, order: Order, target: Target) -> bytes:
        """The whole body of a 2xx answer; raises the classified UpstreamError for any other."""
        if response.status < 300:
            return await response.read(MAX_ANSWER_BYTES)
        try:
            async with asyncio.timeout(ERROR_BODY_S):
                body = await response.read(MAX_ERROR_BYTES)
        except TimeoutError:
            raise UpstreamError(
                ErrorClass.TRANSIENT, f"timeout: an error body took more than {ERROR_BODY_S:g} s"
            ) from None
        raise classify(
            target.provider.type,
            response.status,
            response.headers,
            body,
            path=path(order.api),
            model=target.deployment.upstream_name,
            now_ms=self._clock.now_ms(),
        )

    @contextmanager
    def _attempt(self, order: Order, target: Target, progress: Progress) -> Iterator[str]:
        """Give the endpoint to call, and note the attempt and its end whatever that is."""
        base_url = self._endpoints.pick(target.provider)
        progress.calls += 1
        began = self._clock.monotonic()
        status: int | None = None
        error_class: ErrorClass | None = ErrorClass.CANCELLED
        try:
            yield base_url
            status, error_class = 200, progress.stream_error
        except UpstreamError as error:
            status, error_class = error.status, error.error_class
            raise
        finally:
            self._health.record(target.provider.id, error_class)
            progress.attempts.append(
                Attempt(
                    model_id=target.deployment.id,
                    provider_id=target.provider.id,
                    endpoint=base_url,
                    start_ms=(began - order.received_at) * 1000,
                    end_ms=(self._clock.monotonic() - order.received_at) * 1000,
                    status=status,
                    error_class=error_class,
                )
            )


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Where a stream goes: the client, where its progress is noted, our own response headers."""

    client: StreamClient
    progress: Progress
    headers: Callable[[], Headers]


async def _abandon(sending: asyncio.Task[UpstreamResponse]) -> None:
    """Close the provider's connection, or stop opening it."""
    if not sending.done():
        sending.cancel()
        await asyncio.wait({sending})
    if not sending.cancelled() and sending.exception() is None:
        sending.result().close()
