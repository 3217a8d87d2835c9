"""What the client of a hedged request hears, and what its leaving ends."""

import pytest

from tests.dispatch.fakes import ROLE, TRANSPORT, USAGE, Client, Response, chunk
from tests.dispatch.hedging import (
    ASKED,
    CHARGE,
    LIMIT,
    NEVER,
    calls,
    headers_of,
    heard,
    lost,
    now,
    road,
    spoken,
)
from tests.support.scripted_road import WHOLE
from tests.support.virtual_time import cancelled_after
from tokenhub.routing.policy import Steering
from tokenhub.types import Api, ErrorClass
from tokenhub.wire.errors import keep_alive


async def test_a_client_that_leaves_ends_both_and_pays_nothing() -> None:
    slow = [Response(NEVER), Response(ROLE, NEVER)]
    where = road(*slow)
    await cancelled_after(5.0, where.serve(stream=True))
    assert all(one.closed for one in slow)
    cancelled = ErrorClass.CANCELLED
    assert calls(where) == [("q", cancelled, 0), ("p", cancelled, 0)]
    assert (where.outcome.status, where.outcome.cost_nano, where.outcome.fee_nano) == (499, 0, 0)


async def test_a_client_that_leaves_pays_what_either_has_reported() -> None:
    where = road(Response(NEVER), Response(ROLE, USAGE, NEVER))
    await cancelled_after(5.0, where.serve(stream=True))
    cancelled = ErrorClass.CANCELLED
    assert calls(where) == [("q", cancelled, CHARGE), ("p", cancelled, 0)]
    assert (where.outcome.cost_nano, where.outcome.estimated) == (CHARGE, True)


async def test_a_client_that_leaves_the_winners_stream_pays_for_both() -> None:
    where = road(Response(NEVER), Response(chunk("b" * 400), 5.0, chunk("c" * 400), NEVER))
    where.client = Client(leaves_after=1)
    with pytest.raises(ConnectionError):
        await where.serve(stream=True)
    assert calls(where) == [lost("p"), ("q", ErrorClass.CANCELLED, ASKED + 2 * 200)]
    assert where.outcome.cost_nano == ASKED + ASKED + 2 * 200


async def test_a_client_that_is_gone_at_a_keep_alive_ends_both() -> None:
    slow = [Response(NEVER), Response(NEVER)]
    where = road(*slow)
    where.client = Client(leaves_after=0)
    with pytest.raises(ConnectionError):
        await where.serve(stream=True)
    assert all(one.closed for one in slow)
    assert (where.outcome.status, where.outcome.cost_nano) == (499, 0)


async def test_while_both_are_silent_the_client_is_kept_alive_by_one() -> None:
    where = road(Response(40.0, *spoken("a")), Response(50.0, *spoken("b")))
    headers = await headers_of(where, stream=True)
    assert [at for at, _ in where.client.writes[:2]] == [15.0, 30.0]
    assert where.client.got == 2 * keep_alive(Api.CHAT) + heard("a")
    assert headers["X-TokenHub-Provider"] == "p"


async def test_the_one_that_is_left_keeps_the_client_alive_in_time() -> None:
    where = road(Response(29.0, LIMIT), Response(40.0, *spoken("b")))
    await where.serve(stream=True)
    assert [at for at, _ in where.client.writes[:2]] == [15.0, 30.0]
    assert where.client.got == 2 * keep_alive(Api.CHAT) + heard("b")
    assert where.outcome.provider_id == "q"


async def test_the_silent_one_does_not_speak_while_the_first_pauses() -> None:
    broken, again = Response(14.99, TRANSPORT), Response(30.0, *spoken("a"))
    where = road(broken, Response(NEVER), again)
    await where.serve(stream=True)
    at, first = where.client.writes[0]
    assert (first, 15.0 < at < 15.1) == (keep_alive(Api.CHAT), True)
    assert dict(where.client.headers or ())["X-TokenHub-Provider"] == "p"
    assert where.client.got.endswith(heard("a"))


async def test_a_client_of_the_winner_is_told_when_the_hub_stops() -> None:
    where = road(Response(NEVER), Response(chunk("b"), NEVER))
    await cancelled_after(5.0, where.serve(stream=True))
    assert where.client.got.startswith(chunk("b"))
    assert b"draining" in where.client.got


async def test_a_deadline_counts_for_both() -> None:
    steering = Steering(max_latency_ms=8000)
    where, began = road((NEVER, WHOLE), (NEVER, WHOLE), steering=steering), now()
    error = await where.refused()
    assert (error.status, error.code) == (504, "deadline")
    assert now() - began == 8.0
    assert len(where.upstream.requests) == 2


async def test_a_stream_that_has_won_may_outlast_the_deadline() -> None:
    steering = Steering(max_latency_ms=8000)
    where = road((NEVER, WHOLE), Response(chunk("b"), 9.0, *spoken("c")), steering=steering)
    await where.serve(stream=True)
    assert where.client.got == chunk("b") + heard("c")
