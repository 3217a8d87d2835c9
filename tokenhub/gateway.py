"""The road that every request takes: admit, read, choose, reserve, dispatch, settle.

Each step is another room's; here is only their order, and the `finally` that no endpoint can
forget. What a step raises ends the road: a RequestError is answered as it is, a provider's
failure becomes one, and whatever happened is settled and recorded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.models import allows
from tokenhub.dispatch.attempts import Attempts
from tokenhub.dispatch.order import Headers, Order, ProviderAnswer, StreamClient, Target
from tokenhub.dispatch.refusal import last_event, passed_on, refusal
from tokenhub.dispatch.routing_headers import routing_headers
from tokenhub.dispatch.trip import Trip
from tokenhub.errors import RequestError, UpstreamError, VaultUnavailable
from tokenhub.ledger.ledger import NOTHING, Charge, Ledger
from tokenhub.observe.recorder import Recorder
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import RegistryHolder
from tokenhub.routing.choice import Question, choose
from tokenhub.types import Api, Clock, ErrorClass, Scope
from tokenhub.wire.body import Document
from tokenhub.wire.request import read_request

SCOPES = {
    Api.CHAT: Scope.CHAT,
    Api.COMPLETIONS: Scope.CHAT,
    Api.MESSAGES: Scope.CHAT,
    Api.EMBEDDINGS: Scope.EMBEDDINGS,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A client's request as the edge hands it over.

    `read` gives the body, and is called once, after the key was found good. `headers` are the
    client's own, `client` its name from the user agent, `query` the query string with its `?`.
    """

    request_id: str
    api: Api
    endpoint: str
    address: str
    token: str | None
    client_authorization: str | None
    client: str
    headers: Headers
    query: str
    read: Callable[[], Awaitable[Document]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client, and the trip it came from."""

    status: int
    headers: Headers
    body: bytes
    trip: Trip
    charge: Charge


class Gateway:
    """Takes every call down the road."""

    def __init__(  # noqa: PLR0913 - the road goes through all these rooms
        self,
        *,
        desk: FrontDesk,
        registry: RegistryHolder,
        keys: ProviderKeys,
        ledger: Ledger,
        attempts: Attempts,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._keys = keys
        self._ledger = ledger
        self._attempts = attempts
        self._recorder = recorder
        self._clock = clock

    async def serve(self, call: Call, client: StreamClient) -> Answer | None:
        """Serve `call`: return its answer, or None when it was streamed to `client`.

        Raises RequestError for what the client is to be told in its protocol's shape.
        """
        key = self._desk.admit(call.token, SCOPES[call.api], call.address)
        now_ms, now = self._clock.now_ms(), self._clock.monotonic()
        trip = Trip(call.request_id, call.endpoint, call.client, key, now_ms, now)
        with self._accounted(trip):
            order = await self._read(call, trip)
            target = self._choose(order, trip)
            estimate = self._ledger.estimate(target.deployment, target.provider, order.facts)
            trip.reservation = self._ledger.reserve(key, estimate)
            try:
                return await self._dispatch(order, target, client, trip)
            except UpstreamError as error:
                return await self._fail(error, order, client, trip)

    async def _read(self, call: Call, trip: Trip) -> Order:
        document = await call.read()
        facts = read_request(call.api, document)
        trip.asks(facts)
        return Order(
            request_id=call.request_id,
            api=call.api,
            document=document,
            facts=facts,
            headers=call.headers,
            query=call.query,
            client_authorization=call.client_authorization,
            received_at=trip.arrived_at,
        )

    def _choose(self, order: Order, trip: Trip) -> Target:
        facts = order.facts
        question = Question(
            model=facts.model,
            api=order.api,
            capabilities=facts.capabilities,
            needs_price=self._ledger.has_budget(trip.key),
            input_tokens=partial(self._ledger.corrected, tokens=facts.input_tokens),
            allowed=partial(allows, trip.key),
            missing=partial(self._keys.missing, client_authorization=order.client_authorization),
            priced=self._ledger.knows_price,
        )
        choice = choose(self._registry.current, question)
        for left_out in choice.rejected:
            self._recorder.skipped(left_out.deployment.provider_id, left_out.reason)
        trip.reason = choice.reason
        trip.target = Target(choice.deployment, choice.provider)
        return trip.target

    async def _dispatch(
        self, order: Order, target: Target, client: StreamClient, trip: Trip
    ) -> Answer | None:
        if order.facts.stream:
            headers = partial(routing_headers, trip)
            await self._attempts.stream(order, target, client, trip.progress, headers)
            trip.answered()
            return None
        answer = await self._attempts.answer(order, target, trip.progress)
        trip.answered()
        return self._answer(answer, trip)

    async def _fail(
        self, error: UpstreamError, order: Order, client: StreamClient, trip: Trip
    ) -> Answer | None:
        """Tell the client of a provider's failure: as its answer, or in the stream that began."""
        if client.started:
            trip.failed(200, error.error_class)
            await client.write(last_event(error, order, trip.progress.attempts))
            return None
        if (answer := passed_on(error)) is not None:
            trip.failed(answer.status, error.error_class)
            return self._answer(answer, trip)
        own = refusal(error, trip.progress.attempts)
        trip.failed(own.status, error.error_class)
        own.headers = {**own.headers, **dict(routing_headers(trip))}
        raise own

    def _answer(self, answer: ProviderAnswer, trip: Trip) -> Answer:
        charge = self._charge(trip)
        headers = [*answer.headers, *routing_headers(trip, charge.cost_nano)]
        return Answer(answer.status, headers, answer.body, trip, charge)

    def _charge(self, trip: Trip) -> Charge:
        if (target := trip.target) is None:
            return NOTHING
        return self._ledger.charge(target.deployment, target.provider, trip.usage())

    @contextmanager
    def _accounted(self, trip: Trip) -> Iterator[None]:
        """Settle and record the trip, however it ends."""
        try:
            yield
        except RequestError as error:
            if not trip.progress.attempts:
                trip.failed(error.status, error.code)
            raise
        except VaultUnavailable as error:
            trip.failed(503, f"vault_{error.state}")
            raise
        except (asyncio.CancelledError, ConnectionError):
            trip.failed(499, ErrorClass.CANCELLED)
            raise
        finally:
            outcome = trip.outcome(self._clock.monotonic(), self._charge(trip))
            self._ledger.settle(trip.reservation, outcome)
            self._recorder.record(outcome)
