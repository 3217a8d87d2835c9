"""Failures and speed, as a client meets them."""

from dataclasses import replace
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.simulator.raw import Answered, Raw
from tokenhub.simulator import Failure, Profile, Simulator

BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = BODY | {"stream": True}
QUOTA = "insufficient_quota"


def chat(simulator: Simulator) -> str:
    return f"{simulator.base_url}/v1/chat/completions"


async def ask(raw: Raw, simulator: Simulator, body: dict[str, Any] = BODY) -> Answered:
    return await raw.post(chat(simulator), body)


async def read_until_broken(raw: Raw, simulator: Simulator, body: dict[str, Any]) -> bytes:
    """What came of an answer before its connection broke."""
    received = bytearray()

    async def read(content: aiohttp.StreamReader) -> None:
        async for chunk in content.iter_any():
            received.extend(chunk)

    async with raw.session.post(chat(simulator), json=body) as response:
        with pytest.raises(aiohttp.ClientError):
            await read(response.content)
    return bytes(received)


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (Failure.answer(401), "invalid_request_error", "invalid_api_key"),
        (Failure.answer(429), "requests", "rate_limit_exceeded"),
        (
            Failure.answer(429, code="insufficient_quota"),
            "insufficient_quota",
            "insufficient_quota",
        ),
        (Failure.answer(500), "server_error", None),
        (Failure.answer(418, code="teapot"), "invalid_request_error", "teapot"),
    ],
)
async def test_a_failure_answers_as_openai_would(
    openai_sim: Simulator, raw: Raw, failure: Failure, kind: str, code: str | None
) -> None:
    openai_sim.fail(failure)
    answer = await ask(raw, openai_sim)
    assert answer.status == failure.status
    assert (answer.json["error"]["type"], answer.json["error"]["code"]) == (kind, code)


async def test_retry_after_headers_and_body_are_as_given(openai_sim: Simulator, raw: Raw) -> None:
    headers = {"x-should-retry": "false", "content-type": "text/plain"}
    openai_sim.fail(Failure.answer(429, retry_after="3", headers=headers, body="slow down"))
    answer = await ask(raw, openai_sim)
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.body == b"slow down"


async def test_the_sdks_raise_their_own_errors(
    openai_sim: Simulator,
    openai_client: AsyncOpenAI,
    anthropic_sim: Simulator,
    anthropic_client: AsyncAnthropic,
) -> None:
    openai_sim.fail(Failure.answer(429))
    with pytest.raises(openai.RateLimitError):
        await openai_client.models.list()
    anthropic_sim.fail(Failure.answer(529))
    with pytest.raises(anthropic.InternalServerError) as overloaded:
        await anthropic_client.models.list()
    assert overloaded.value.body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": overloaded.value.request_id,
    }
    anthropic_sim.fail(Failure.answer(422))
    with pytest.raises(anthropic.UnprocessableEntityError):
        await anthropic_client.models.list()


async def test_vllm_has_no_code_of_its_own(vllm_sim: Simulator, raw: Raw) -> None:
    vllm_sim.fail(Failure.answer(503))
    answer = await ask(raw, vllm_sim)
    assert answer.json["error"]["type"] == "ServiceUnavailableError"
    assert answer.json["error"]["code"] == 503


async def test_only_the_next_calls_fail_when_they_are_counted(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.answer(500), times=2)
    listed = await raw.get(f"{openai_sim.base_url}/v1/models")
    statuses = [(await ask(raw, openai_sim)).status for _ in range(3)]
    assert listed.status == 200
    assert statuses == [500, 500, 200]
    assert [call.failed for call in openai_sim.calls] == [False, True, True, False]


async def test_a_share_of_the_calls_fails_and_the_same_ones_under_a_seed(raw: Raw) -> None:
    async def statuses() -> list[int]:
        profile = Profile(failure=Failure.answer(500), fail_rate=0.5)
        async with Simulator("openai", profile, seed=3) as simulator:
            return [(await ask(raw, simulator)).status for _ in range(20)]

    first = await statuses()
    assert first == await statuses()
    assert 4 < first.count(500) < 16


async def test_garbage_is_a_200_of_no_protocol(openai_sim: Simulator, raw: Raw) -> None:
    openai_sim.fail(Failure.garbage())
    page = await ask(raw, openai_sim, STREAM)
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html"
    assert page.body.startswith(b"<!DOCTYPE html>")
    openai_sim.fail(Failure.garbage("{}"))
    assert (await ask(raw, openai_sim)).body == b"{}"


async def test_a_reset_before_the_status_line_breaks_the_connection(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.reset())
    with pytest.raises(aiohttp.ClientOSError):
        await ask(raw, openai_sim)
    assert openai_sim.calls[0].status is None
    assert not openai_sim.calls[0].aborted


async def test_a_reset_inside_a_stream_comes_after_that_many_events(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.reset(after_events=3))
    received = await read_until_broken(raw, openai_sim, STREAM)
    assert received.count(b"\n\n") <= 3
    assert openai_sim.calls[0].events_sent == 3


async def test_a_clean_cut_ends_a_stream_early_without_its_end(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.cut(after_events=3))
    answer = await ask(raw, openai_sim, STREAM)
    assert len(answer.events) == 3
    assert b"[DONE]" not in answer.body


async def test_an_unclean_cut_leaves_out_the_last_chunk(openai_sim: Simulator, raw: Raw) -> None:
    openai_sim.fail(Failure.cut(after_events=3, clean=False))
    received = await read_until_broken(raw, openai_sim, STREAM)
    assert received.count(b"\n\n") == 3


@pytest.mark.parametrize("events", [0, 1])
async def test_a_cut_answer_is_shorter_than_it_says(
    openai_sim: Simulator, raw: Raw, events: int
) -> None:
    openai_sim.fail(Failure.cut(after_events=events))
    received = await read_until_broken(raw, openai_sim, BODY)
    assert bool(received) == bool(events)


async def test_an_error_event_ends_a_stream_that_began_well(
    openai_sim: Simulator,
    openai_client: AsyncOpenAI,
    anthropic_sim: Simulator,
    anthropic_client: AsyncAnthropic,
) -> None:
    openai_sim.fail(Failure.error_event(after_events=2))
    stream = await openai_client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    with pytest.raises(openai.APIError, match="had an error while processing"):
        _ = [chunk async for chunk in stream]
    anthropic_sim.fail(Failure.error_event(after_events=4, status=529))
    async with anthropic_client.messages.stream(
        model="claude-haiku-4-5", max_tokens=50, messages=[{"role": "user", "content": "Hi"}]
    ) as events:
        with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
            await events.get_final_message()


async def test_the_error_event_of_responses_carries_its_number(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.error_event(after_events=3, status=429))
    body = {"model": "gpt-4o", "input": "Hi", "stream": True}
    answer = await raw.post(f"{openai_sim.base_url}/v1/responses", body)
    name, data = answer.events[-1]
    assert name == "error"
    assert (data["sequence_number"], data["code"]) == (3, "rate_limit_exceeded")


async def test_an_error_event_is_an_error_answer_where_there_is_no_stream(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.error_event(status=503))
    assert (await ask(raw, openai_sim)).status == 503


async def test_a_hang_ends_when_the_client_goes_away_and_is_noted(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.hang())
    timeout = aiohttp.ClientTimeout(total=0.2)
    with pytest.raises(TimeoutError):
        await raw.session.post(chat(openai_sim), json=BODY, timeout=timeout)
    call = await openai_sim.wait_for_call()
    await call.wait_ended()
    assert call.aborted
    assert call.status is None


async def test_a_hang_inside_a_stream_comes_after_that_many_events(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.fail(Failure.hang(after_events=2))
    async with raw.session.post(chat(openai_sim), json=STREAM) as response:
        assert response.status == 200
        await response.content.readuntil(b"\n\n")
        await response.content.readuntil(b"\n\n")
        response.close()
    await openai_sim.calls[0].wait_ended()
    assert openai_sim.calls[0].aborted
    assert openai_sim.calls[0].events_sent == 2


async def test_after_a_short_hang_the_answer_goes_on(openai_sim: Simulator, raw: Raw) -> None:
    openai_sim.fail(Failure.hang(after_events=1, seconds=0.01))
    answer = await ask(raw, openai_sim, STREAM)
    assert answer.events[-1] == ("", "[DONE]")
    assert openai_sim.calls[0].complete


async def test_a_slow_drip_cuts_events_anywhere_and_is_complete(
    openai_sim: Simulator, raw: Raw
) -> None:
    openai_sim.set(Profile(answer="Hi"))
    whole = await ask(raw, openai_sim)
    openai_sim.set(Profile(answer="Hi", failure=Failure.slow_drip(seconds=0.0001)))
    dripped = await ask(raw, openai_sim)
    assert dripped.json["choices"] == whole.json["choices"]


async def test_a_profile_sets_the_pace(raw: Raw) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    profile = Profile(ttft_ms=400, tokens_per_s=10, output_tokens=40)
    async with Simulator("openai", profile, sleep=sleep) as simulator:
        await ask(raw, simulator, STREAM)
        assert waits == pytest.approx([0.4] + [0.1] * 40)
        waits.clear()
        await ask(raw, simulator)
        assert waits == pytest.approx([0.4, 4.0])
        waits.clear()
        simulator.set(replace(profile, jitter=0.5))
        await ask(raw, simulator, STREAM)
    assert all(0.05 <= wait <= 0.15 for wait in waits[1:])
    assert len(set(waits)) == 41
