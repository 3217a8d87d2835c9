"""The road that every request takes: admit, read, decide, reserve, dispatch, settle.

Each step is another room's; here is only their order, and the `finally` that no endpoint can
forget. What a step raises ends the road: a RequestError is answered as it is, a provider's
failure becomes one, and whatever happened is settled and recorded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.models import allows
from tokenhub.dispatch.attempts import Attempts
from tokenhub.dispatch.failover import Failover, Rest
from tokenhub.dispatch.hedge import Hedge, hedge_after_ms, to_reserve, with_lost
from tokenhub.dispatch.order import Headers, Order, ProviderAnswer, StreamClient
from tokenhub.dispatch.provenance import NOTHING_KNOWN, Provenance
from tokenhub.dispatch.refusal import Unserved, last_event, passed_on, refusal
from tokenhub.dispatch.routing_headers import routing_headers
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.trip import Trip
from tokenhub.errors import AllFailed, DeadlinePassed, RequestError, UpstreamError, VaultUnavailable
from tokenhub.ledger.ledger import NOTHING, Charge, Ledger, Reservation
from tokenhub.observe.recorder import Recorder
from tokenhub.routing.policy import Steering
from tokenhub.routing.question import Reason
from tokenhub.routing.router import Router, Ruling, Wish
from tokenhub.types import Api, ApiKey, Clock, ErrorClass, Scope, per_request
from tokenhub.wire.body import Document
from tokenhub.wire.request import read_request
from tokenhub.wire.thinking import seals_in
from tokenhub.wire.tokens import count_body
from tokenhub.wire.translation.interpreter import LONG_BYTES, Interpreter

Decided = tuple[Rest, float | None]
"""Who is to be tried, and until when (monotonic seconds)."""

_NOBODY = frozenset({402, 429, 502, 503, 504})
"""The statuses that tell that no provider could take a request, or none in time."""
_ESTIMATED = (("Content-Type", "application/json"), ("X-TokenHub-Warning", "estimated"))

SCOPES = {
    Api.CHAT: Scope.CHAT,
    Api.COMPLETIONS: Scope.CHAT,
    Api.RESPONSES: Scope.CHAT,
    Api.MESSAGES: Scope.CHAT,
    Api.COUNT_TOKENS: Scope.CHAT,
    Api.EMBEDDINGS: Scope.EMBEDDINGS,
}


@per_request
class Call:
    """A client's request as the edge hands it over.

    `read` gives the body and what it steers, and is called once, after the key was found good.
    `headers` are the client's own, `client` its name from the user agent, `query` the query string
    with its `?`, `address` where it came from.
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
    read: Callable[[], Awaitable[tuple[Document, Steering]]]


@per_request
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
        router: Router,
        ledger: Ledger,
        attempts: Attempts,
        failover: Failover,
        provenance: Provenance,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._router = router
        self._ledger = ledger
        self._attempts = attempts
        self._failover = failover
        self._provenance = provenance
        self._hedge = Hedge(attempts, failover, ledger.charge)
        self._recorder = recorder
        self._clock = clock

    async def serve(self, call: Call, client: StreamClient) -> Answer | None:
        """Serve `call`: return its answer, or None when it was streamed to `client`.

        Raises RequestError for what the client is to be told in its protocol's shape.
        """
        key = self._desk.admit(call.token, SCOPES[call.api], call.address)
        self._router.used()
        now_ms, now = self._clock.now_ms(), self._clock.monotonic()
        trip = Trip(call.request_id, call.endpoint, call.client, key, now_ms, now)
        try:
            return await self._served_or_estimated(call, client, trip)
        except RequestError as error:
            if not trip.progress.attempts:
                trip.failed(error.status, error.code)
            raise
        except (asyncio.CancelledError, ConnectionError):
            if trip.progress.whole:
                trip.answered()
            else:
                trip.failed(499, ErrorClass.CANCELLED)
            raise
        finally:
            outcome = trip.outcome(self._clock.monotonic(), trip.charge or self._charge(trip))
            self._ledger.settle(trip.reservation, outcome)
            self._recorder.record(outcome, trip.decision_row(outcome))

    async def _served_or_estimated(
        self, call: Call, client: StreamClient, trip: Trip
    ) -> Answer | None:
        """Serve `call`; where nobody can count tokens, our own count will do."""
        try:
            return await self._served(call, client, trip)
        except RequestError as error:
            if trip.counted is None or error.status not in _NOBODY:
                raise
        trip.answered()
        return Answer(200, _ESTIMATED, count_body(trip.counted), trip, NOTHING)

    async def _served(self, call: Call, client: StreamClient, trip: Trip) -> Answer | None:
        """The road between the door and the till."""
        document, steering = await call.read()
        await _others_first(document)
        trip.key = self._desk.look_again(call.token, SCOPES[call.api])
        interpreter = Interpreter(call.api, document)
        wish = self._read(call, trip, document, steering, interpreter)
        ruling = await self._ruling(wish, interpreter)
        rest, deadline = self._decide(ruling, wish, trip)
        seals = seals_in(call.api, document)
        knowledge = await self._provenance.know(seals) if seals else NOTHING_KNOWN
        await _others_first(document)
        trip.reservation = self._reserve(wish, trip)
        order = Order(
            request_id=call.request_id,
            api=call.api,
            document=document,
            facts=wish.facts,
            headers=call.headers,
            query=call.query,
            client_authorization=call.client_authorization,
            received_at=trip.arrived_at,
            interpreter=interpreter,
            knowledge=knowledge,
            deadline=deadline,
        )
        try:
            return await self._dispatch(order, rest, client, trip)
        except UpstreamError as error:
            return await self._pass_on(error, order, client, trip)
        except (AllFailed, DeadlinePassed, VaultUnavailable) as error:
            await self._fail(error, order, client, trip)
            return None

    def _read(
        self,
        call: Call,
        trip: Trip,
        document: Document,
        steering: Steering,
        interpreter: Interpreter,
    ) -> Wish:
        facts = read_request(call.api, document)
        if call.api is Api.COUNT_TOKENS:
            # It takes no tokens, and another model would count otherwise.
            trip.counted, steering = facts.input_tokens, replace(steering, fallback=False)
            facts = replace(facts, input_tokens=0, max_output_tokens=0)
        trip.asks(facts)
        allowed, authorization = partial(allows, trip.key), call.client_authorization
        obstacle, sealed = interpreter.obstacle, interpreter.sealed
        return Wish(facts, steering, trip.key, allowed, authorization, obstacle, sealed)

    async def _ruling(self, wish: Wish, interpreter: Interpreter) -> Ruling:
        """Decide; a long request is read in a thread where that turns on whether it can be said."""
        ruling = self._router.decide(wish)
        if interpreter.put_off:
            await asyncio.to_thread(interpreter.read)
            ruling = self._router.decide(wish)
        return ruling

    def _decide(self, ruling: Ruling, wish: Wish, trip: Trip) -> Decided:
        """Who is to be tried by `ruling`; raises RequestError when nobody can take the request."""
        targets = trip.decided(ruling.decision)
        for left_out in ruling.decision.rejected:
            self._recorder.skipped(left_out.deployment.provider_id, left_out.reason)
        if ruling.decision.refusal is not None:
            raise self._refusal(ruling, wish, trip.key) or ruling.decision.refusal
        if ruling.question.config.hedge_after_ms:
            trip.hedge_after_ms = hedge_after_ms(ruling)

        def substitutes() -> list[Target]:
            return trip.decided(self._router.substitutes(ruling))

        def otherwise(target: Target) -> Target | None:
            api = self._router.other_api(ruling, target.provider)
            return None if api is None else trip.asked_otherwise(target, api)

        rest = Rest(targets, None if ruling.whole else substitutes, otherwise)
        limit_ms = ruling.policy.max_latency_ms if ruling.policy.latency_given else None
        return rest, None if limit_ms is None else trip.arrived_at + limit_ms / 1000

    def _refusal(self, ruling: Ruling, wish: Wish, key: ApiKey) -> RequestError | None:
        """The decision's 402 with what the ledger says of the budget that is used up, if one is."""
        providers = ruling.question.registry.providers
        rows = [
            one.deployment for one in ruling.decision.rejected if one.reason is Reason.KEY_BUDGET
        ]
        quotes = [self._ledger.cost(wish.facts, row, providers[row.provider_id]) for row in rows]
        least_nano = min((quote.most_nano for quote in quotes if quote is not None), default=0)
        own, decided = self._ledger.refusal(key, least_nano), ruling.decision.refusal
        if own is None or decided is None:
            return None
        return RequestError(own.status, own.code, f"{decided.message}; {own.message}")

    def _reserve(self, wish: Wish, trip: Trip) -> Reservation:
        """Hold the price of the dearest that may be tried; without a budget there is none.

        Of a request that may be hedged, the two dearest.
        """
        most_nano = 0
        if self._ledger.has_budget(trip.key):
            plan = trip.plan
            costs = [self._ledger.cost(wish.facts, one.deployment, one.provider) for one in plan]
            amounts = [cost.most_nano for cost in costs if cost is not None]
            most_nano = max(amounts)
            if trip.hedge_after_ms:
                most_nano = to_reserve(trip, amounts, self._ledger.room_nano(trip.key))
        return self._ledger.reserve(trip.key, most_nano, wish.facts.input_tokens)

    async def _dispatch(
        self, order: Order, rest: Rest, client: StreamClient, trip: Trip
    ) -> Answer | None:
        if trip.hedge_after_ms:
            won = await self._hedge.run(order, rest, client, trip)
            trip.answered()
            return None if won is None else self._answer(won, trip)
        attempts, progress = self._attempts, trip.progress
        if order.facts.stream:
            headers = partial(routing_headers, trip)
            await self._failover.run(
                order,
                rest,
                lambda target: attempts.stream(order, target, client, progress, headers),
                progress,
            )
            trip.answered()
            return None
        answer = await self._failover.run(
            order, rest, lambda target: attempts.answer(order, target, progress), progress
        )
        trip.answered()
        return self._answer(answer, trip)

    async def _pass_on(
        self, error: UpstreamError, order: Order, client: StreamClient, trip: Trip
    ) -> Answer | None:
        """Give the client a provider's error about its request, in the provider's own words."""
        answer = passed_on(error, order, trip.target)
        if answer is None:
            await self._fail(AllFailed([error]), order, client, trip)
            return None
        trip.failed(answer.status, error.error_class)
        if client.started:
            trip.status = 200
            await client.write(last_event(error, order, trip.target))
            await client.finish()
            return None
        return self._answer(answer, trip)

    async def _fail(self, error: Unserved, order: Order, client: StreamClient, trip: Trip) -> None:
        """Tell the client that nobody could serve it: by raising, or in the stream that began."""
        own = refusal(error, trip.progress.attempts)
        own.headers = {**own.headers, **dict(routing_headers(trip))}
        failures = error.failures if isinstance(error, AllFailed) else ()
        trip.failed(own.status, failures[-1].error_class if failures else own.code)
        if not client.started:
            raise own
        trip.status = 200
        await client.write(last_event(own, order))
        await client.finish()

    def _answer(self, answer: ProviderAnswer, trip: Trip) -> Answer:
        charge = trip.charge = self._charge(trip)
        headers = [*answer.headers, *routing_headers(trip, charge.cost_nano)]
        return Answer(answer.status, headers, answer.body, trip, charge)

    def _charge(self, trip: Trip) -> Charge:
        if (target := trip.target) is None or trip.counted is not None:
            return NOTHING
        charge = self._ledger.charge(target.deployment, target.provider, trip.usage())
        return charge if trip.lost is None else with_lost(charge, trip.lost)


async def _others_first(document: Document) -> None:
    """Give others a turn between two pieces of work on a long request."""
    if len(document.body) > LONG_BYTES:
        # Twice: what becomes ready during a step gets its turn after the first one only.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
