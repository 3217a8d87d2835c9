"""The road of a request with scripted providers at its end, on virtual time."""

import asyncio
import json
from dataclasses import replace

import pytest

from tests.dispatch.fakes import (
    DONE,
    FINISH,
    TRANSPORT,
    USAGE,
    Client,
    Response,
    chunk,
)
from tests.support.scripted_road import CLOUD, INVALID, KEY, THRICE, WHOLE, Road, other
from tests.support.virtual_time import cancelled_after, on_virtual_time
from tokenhub.errors import BadRequest, VaultUnavailable
from tokenhub.ledger.budgets import HubLimits
from tokenhub.routing.policy import Steering
from tokenhub.types import Api, CredStore, Prices, Rates, Scope
from tokenhub.wire.errors import keep_alive
from tokenhub.wire.translation.interpreter import LONG_BYTES


@on_virtual_time
async def test_an_answer_is_charged_and_recorded_once() -> None:
    road = Road([Response(WHOLE)])
    answer = await road.serve()
    assert answer is not None
    assert (answer.status, answer.body) == (200, WHOLE)
    assert dict(answer.headers)["X-TokenHub-Cost-USD"] == "0.000000013"
    outcome = road.outcome
    assert (outcome.cost_nano, outcome.fee_nano, outcome.estimated) == (13, 7, False)
    assert (outcome.status, outcome.error_class, len(outcome.attempts)) == (200, None, 1)


@on_virtual_time
async def test_a_stream_is_charged_and_recorded_once() -> None:
    road = Road([Response(chunk("a"), FINISH, USAGE, DONE)])
    assert await road.serve(stream=True) is None
    assert road.client.got == chunk("a") + FINISH + DONE
    headers = dict(road.client.headers or ())
    assert headers["X-TokenHub-Attempts"] == "1"
    assert "X-TokenHub-Cost-USD" not in headers
    assert (road.outcome.cost_nano, road.outcome.stream) == (13, True)


@on_virtual_time
async def test_a_stranger_leaves_no_trace_in_the_books() -> None:
    road = Road([])
    error = await road.refused(token="tokenhub_" + "2" * 64)
    assert error.status == 401
    assert road.rows.logged == road.rows.settled == []


@on_virtual_time
async def test_a_key_without_the_scope_is_refused_before_its_body_is_read() -> None:
    road = Road([], key=replace(KEY, scopes=frozenset({Scope.MODELS})))
    assert (await road.refused(body={"nonsense": 1})).status == 403


@on_virtual_time
async def test_a_bad_request_is_recorded_and_costs_nothing() -> None:
    road = Road([])
    error = await road.refused(body={"model": "m", "messages": 5})
    assert isinstance(error, BadRequest)
    assert (road.outcome.status, road.outcome.error_class) == (400, "invalid_request")
    assert road.outcome.cost_nano == road.outcome.fee_nano == 0


@on_virtual_time
async def test_a_request_that_no_budget_covers_is_not_sent() -> None:
    road = Road([], key=replace(KEY, monthly_budget_nano=1))
    error = await road.refused(max_tokens=1000)
    assert error.status == 402
    assert road.upstream.requests == []
    assert road.outcome.status == 402
    assert (road.outcome.model, road.outcome.cost_nano) == (None, 0)
    assert "resets at" in error.message
    (row,) = road.rows.decided
    assert (row.model_id, row.columns()["rejected"]["reason"]) == (None, ["key_budget"])


@on_virtual_time
async def test_what_was_reserved_is_free_again_after_a_failure() -> None:
    limits = HubLimits(daily_nano=2_100_000)
    road = Road([*THRICE, Response(WHOLE)], limits=limits)
    assert (await road.refused(max_tokens=1_000_000)).status == 502
    assert await road.serve(max_tokens=1_000_000) is not None


@on_virtual_time
async def test_a_failure_before_a_stream_begins_is_an_answer() -> None:
    road = Road([(3.0, TRANSPORT), TRANSPORT, TRANSPORT])
    error = await road.refused(stream=True)
    assert (error.status, error.code) == (502, "upstream_failed")
    assert error.headers["X-TokenHub-Provider"] == "p"
    assert not road.client.started
    assert (road.outcome.status, road.outcome.error_class) == (502, "transient")


@on_virtual_time
async def test_a_failure_after_keep_alives_ends_the_stream_with_an_error_event() -> None:
    road = Road([(16.0, TRANSPORT), TRANSPORT, TRANSPORT])
    assert await road.serve(stream=True) is None
    first, last = road.client.got.split(b"\n\n")[:2]
    assert first + b"\n\n" == keep_alive(Api.CHAT)
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_failed"
    assert (road.outcome.status, road.outcome.error_class) == (200, "transient")


@on_virtual_time
async def test_the_providers_words_about_the_request_come_even_after_keep_alives() -> None:
    road = Road([(16.0, Response(INVALID, status=400))])
    await road.serve(stream=True, stream_options={"include_usage": True})
    assert road.client.got == keep_alive(Api.CHAT) + b"data: %b\n\n" % INVALID
    assert road.outcome.error_class == "invalid"


@on_virtual_time
async def test_an_error_about_the_request_comes_back_as_it_is() -> None:
    road = Road([Response(INVALID, status=422)])
    answer = await road.serve()
    assert answer is not None
    assert (answer.status, answer.body) == (422, INVALID)
    assert (road.outcome.status, road.outcome.error_class) == (422, "invalid")
    assert road.outcome.cost_nano == road.outcome.fee_nano == 0


@on_virtual_time
async def test_a_vault_that_is_locked_at_the_last_moment_is_told() -> None:
    provider = replace(CLOUD, cred_store=CredStore.VAULT)
    road = Road([], provider=provider, vault=["sk-1", *[VaultUnavailable("locked")] * 2])
    assert (await road.refused()).code == "vault_locked"
    assert (road.outcome.status, road.outcome.error_class) == (503, "vault_locked")
    assert road.outcome.cost_nano == 0


@on_virtual_time
async def test_a_vault_that_is_locked_leaves_its_models_out() -> None:
    provider = replace(CLOUD, cred_store=CredStore.VAULT)
    road = Road([], provider=provider, vault=[VaultUnavailable("locked")] * 2)
    error = await road.refused()
    assert (error.status, error.code) == (503, "vault_locked")
    assert road.outcome.model is None


@pytest.mark.parametrize("stream", [False, True])
@on_virtual_time
async def test_a_client_that_leaves_before_anything_came_pays_nothing(stream: bool) -> None:
    road = Road([(100.0, Response(WHOLE))])
    await cancelled_after(1.0, road.serve(stream=stream))
    assert (road.outcome.status, road.outcome.error_class) == (499, "cancelled")
    assert road.outcome.cost_nano == road.outcome.fee_nano == 0


@on_virtual_time
async def test_a_client_that_leaves_a_stream_pays_for_what_came() -> None:
    response = Response(chunk("a" * 400), chunk("b" * 400), FINISH, USAGE, DONE)
    road = Road([response])
    road.client = Client(leaves_after=1)
    with pytest.raises(ConnectionError):
        await road.serve(stream=True)
    outcome = road.outcome
    assert (outcome.status, outcome.error_class, outcome.estimated) == (499, "cancelled", True)
    assert outcome.usage.output_tokens == 200
    assert outcome.cost_nano == outcome.usage.input_tokens + 200 * 2
    assert outcome.fee_nano == 7
    assert response.closed


@on_virtual_time
async def test_a_stream_that_broke_is_charged_by_what_came() -> None:
    road = Road([Response(chunk("a" * 400), TRANSPORT)])
    await road.serve(stream=True)
    outcome = road.outcome
    assert (outcome.status, outcome.error_class, outcome.estimated) == (200, "transient", True)
    assert outcome.usage.output_tokens == 100


@on_virtual_time
async def test_an_unexpected_error_is_recorded_as_ours() -> None:
    road = Road([RuntimeError("a mistake of ours")])
    with pytest.raises(RuntimeError):
        await road.serve()
    assert (road.outcome.status, road.outcome.error_class) == (500, "internal_error")


@on_virtual_time
async def test_a_deployment_that_cannot_take_the_request_is_left_out() -> None:
    road = Road([], provider=replace(CLOUD, enabled=False))
    error = await road.refused()
    assert error.status == 503
    assert "p/m (disabled)" in error.message


@pytest.mark.parametrize("stream", [False, True])
@on_virtual_time
async def test_another_deployment_takes_over_and_the_client_is_told_which(stream: bool) -> None:
    good = Response(chunk("a"), FINISH, USAGE, DONE) if stream else Response(WHOLE)
    road = Road([*THRICE, good], others=[other("q")])
    answer = await road.serve(stream=stream)
    headers = dict(answer.headers if answer else road.client.headers or ())
    assert (headers["X-TokenHub-Provider"], headers["X-TokenHub-Attempts"]) == ("q", "4")
    outcome = road.outcome
    assert (outcome.provider_id, outcome.status, outcome.error_class) == ("q", 200, None)
    assert [one.provider_id for one in outcome.attempts] == ["p", "p", "p", "q"]
    assert outcome.cost_nano == 13
    (row,) = road.rows.decided
    assert (row.provider_id, row.columns()["provider_id"]) == ("p", ["p", "q"])


@on_virtual_time
async def test_substitutes_are_looked_for_when_the_named_model_has_failed() -> None:
    road = Road([*THRICE, Response(WHOLE)], others=[other("q", "n")])
    answer = await road.serve()
    assert answer is not None
    assert dict(answer.headers)["X-TokenHub-Reason"] == "substitute for 'm' (equivalent)"
    assert road.outcome.reason == "substitute for 'm' (equivalent)"
    (row,) = road.rows.decided
    assert (row.model_id, row.columns()["model_id"]) == ("m", ["m"])
    assert row.columns()["redecided"]["model_id"] == ["m", "n"]


@on_virtual_time
async def test_where_no_substitute_is_to_be_had_the_first_decision_is_kept() -> None:
    road = Road(THRICE, steering=Steering(fallback=False), others=[other("q", "n")])
    assert (await road.refused()).status == 502
    (row,) = road.rows.decided
    assert (row.model_id, row.columns()["model_id"]) == ("m", ["m"])


@on_virtual_time
async def test_the_dearest_that_may_be_tried_is_reserved() -> None:
    dear = Prices(Rates(0, 1_000_000))
    road = Road(
        [(9.0, TRANSPORT), *THRICE[1:], Response(WHOLE)],
        key=replace(KEY, monthly_budget_nano=1_500_000),
        others=[other("q", "n", prices=dear)],
    )
    running = asyncio.get_running_loop().create_task(road.serve(max_tokens=1000))
    await asyncio.sleep(1.0)
    assert (await road.refused_again(max_tokens=1_000_000)).status == 402
    assert await running is not None
    assert road.rows.logged[-1].model == "n"


@pytest.mark.parametrize("keep_alive_first", [False, True])
@on_virtual_time
async def test_a_deadline_of_the_client_ends_the_road(keep_alive_first: bool) -> None:
    limit_ms = 20_000 if keep_alive_first else 2000
    road = Road([(100.0, Response(WHOLE))], steering=Steering(max_latency_ms=limit_ms))
    if keep_alive_first:
        assert await road.serve(stream=True) is None
        assert b"deadline" in road.client.got
        assert road.client.finished
    else:
        error = await road.refused(stream=True)
        assert (error.status, error.code) == (504, "deadline")
        assert error.headers["X-TokenHub-Provider"] == "p"
    assert asyncio.get_running_loop().time() == 1000 + limit_ms / 1000
    outcome = road.outcome
    assert outcome.status == (200 if keep_alive_first else 504)
    assert outcome.error_class == "deadline"


@on_virtual_time
async def test_while_one_request_tries_a_provider_that_was_down_others_wait() -> None:
    road = Road([*THRICE, *THRICE[:2], (50.0, Response(WHOLE)), Response(WHOLE)])
    for _ in range(2):
        assert (await road.refused()).status == 502
    assert (await road.refused()).code == "no_eligible_model"
    await asyncio.sleep(31.0)
    trial = asyncio.get_running_loop().create_task(road.serve())
    await asyncio.sleep(1.0)
    assert (await road.refused_again()).code == "no_eligible_model"
    assert await trial is not None
    assert await road.serve() is not None


@on_virtual_time
async def test_a_complaint_about_the_request_inside_a_stream_comes_back_as_an_answer() -> None:
    complaint = b'{"error":{"message":"no","type":"invalid_request_error"}}'
    road = Road([Response(b"data: %b\n\n" % complaint)], others=[other("q")])
    answer = await road.serve(stream=True)
    assert answer is not None
    assert (answer.status, answer.body) == (400, complaint)
    assert road.outcome.error_class == "invalid"
    assert len(road.upstream.requests) == 1


@on_virtual_time
async def test_a_client_that_leaves_when_it_has_everything_has_been_served() -> None:
    road = Road([Response(chunk("a"), FINISH, USAGE, DONE, 60.0)])
    await cancelled_after(0.5, road.serve(stream=True))
    assert (road.outcome.status, road.outcome.error_class) == (200, None)


@pytest.mark.parametrize("length", [1, LONG_BYTES])
async def test_who_cannot_be_told_a_request_is_left_out_however_long_that_is(length: int) -> None:
    claudes = replace(CLOUD, apis=frozenset({Api.MESSAGES}))
    road = Road([Response(WHOLE)], provider=claudes, others=[other("q")])
    answer = await road.serve(user="x" * length, logprobs=True)
    assert answer is not None
    assert dict(answer.headers)["X-TokenHub-Provider"] == "q"
    assert len(road.outcome.attempts) == 1
