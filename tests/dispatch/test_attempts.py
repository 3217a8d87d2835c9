import asyncio
import json
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.dispatch.fakes import (
    ANTHROPIC,
    DONE,
    FINISH,
    PROVIDER,
    QUICK,
    START,
    STOP,
    STOPPED,
    TEXT,
    TRANSPORT,
    USAGE,
    Client,
    Response,
    Road,
    Upstream,
    chunk,
    order,
)
from tests.support.virtual_time import cancelled_after
from tokenhub.dispatch.attempts import ERROR_BODY_S
from tokenhub.dispatch.order import Progress, ProviderAnswer
from tokenhub.errors import NotPermitted, UpstreamError
from tokenhub.types import Api, ErrorClass, Provider, ProviderType, Usage

WHOLE = (
    b'{ "choices":[{"message":{"content":"Hi"}}],'
    b' "usage":{"prompt_tokens":7,"completion_tokens":3}}'
)
REFUSED = json.dumps(
    {"error": {"message": "Unrecognized request argument supplied: stream_options"}}
).encode()
POOL = Provider(
    "p", ProviderType.VLLM, ("http://a.example/v1", "http://b.example/v1"), timeouts=QUICK
)


def road(*answers: Any, provider: Provider = PROVIDER, api: Api = Api.CHAT) -> Road:
    return Road(Upstream(*answers), provider, api)


async def answered(where: Road, **fields: Any) -> ProviderAnswer:
    return await where.attempts.answer(order(stream=False, **fields), where.target, where.progress)


async def fails(where: Road) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await answered(where)
    return caught.value


async def test_an_answer_comes_back_byte_for_byte_with_the_headers_that_may_pass() -> None:
    headers = CIMultiDict(
        [("Openai-Version", "1"), ("Set-Cookie", "a=b"), ("X-Request-Id", "theirs")]
    )
    where = road(Response(WHOLE[:20], WHOLE[20:], headers=headers))
    answer = await answered(where)
    assert answer == ProviderAnswer(200, [("Openai-Version", "1")], WHOLE)
    assert where.progress.usage == Usage(input_tokens=7, output_tokens=3)
    assert where.progress.answered


async def test_the_call_has_the_clients_bytes_with_the_models_name_exchanged() -> None:
    where = road(Response(WHOLE))
    await answered(where, temperature=1.0)
    (request,) = where.upstream.requests
    assert request.url == "http://provider.example/v1/chat/completions"
    assert request.body == (
        b'{"model": "upstream-m", "messages": [{"role": "user", "content": "hi"}], '
        b'"stream": false, "temperature": 1.0}'
    )


async def test_a_good_answer_is_noted_as_an_attempt() -> None:
    where = road((2.0, Response(3.0, WHOLE)))
    await answered(where)
    (attempt,) = where.progress.attempts
    assert (attempt.provider_id, attempt.model_id) == ("p", "m")
    assert attempt.endpoint == "http://provider.example/v1"
    assert (attempt.start_ms, attempt.end_ms) == (0, 5000)
    assert (attempt.status, attempt.error_class) == (200, None)
    assert where.progress.waited_s == 5.0


async def test_a_pool_takes_its_endpoints_in_turn() -> None:
    where = road(*[Response(WHOLE) for _ in range(4)], provider=POOL)
    for _ in range(4):
        await answered(where)
    hosts = [request.url[7:8] for request in where.upstream.requests]
    assert hosts == ["a", "b", "a", "b"]


async def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    response = Response(1000.0, WHOLE)
    where = road(response, provider=POOL)
    error = await fails(where)
    assert error.error_class is ErrorClass.TRANSIENT
    assert "no answer within 50 s" in str(error)
    assert response.closed
    assert where.progress.attempts[0].error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize("garbage", [b"<html>It works!</html>", b"{}", b"", b'{"choices":1}'])
async def test_garbage_with_status_200_is_a_transient_failure(garbage: bytes) -> None:
    where = road(Response(garbage))
    error = await fails(where)
    assert error.error_class is ErrorClass.TRANSIENT
    assert not where.progress.answered
    assert where.health.of("p").consecutive_errors == 1


async def test_an_error_answer_is_classified_and_keeps_its_body() -> None:
    body = b'{"error":{"message":"bad","type":"invalid_request_error"}}'
    where = road(Response(body, status=400))
    error = await fails(where)
    assert (error.error_class, error.status, error.body) == (ErrorClass.INVALID, 400, body)
    assert where.progress.attempts[0].status == 400
    assert where.health.of("p").consecutive_errors == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_answer_whose_body_does_not_come_is_a_timeout(stream: bool) -> None:
    response = Response(ERROR_BODY_S + 1, b"{}", status=400)
    where = road(response)
    if stream:
        with pytest.raises(UpstreamError, match="an error body took more than 10 s"):
            await where.stream()
    else:
        assert "an error body took more than 10 s" in str(await fails(where))
    assert response.closed


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_under_status_200_is_the_error_that_it_says(stream: bool) -> None:
    body = b'{"error":{"message":"slow down","code":"rate_limit_exceeded"}}'
    where = road(Response(body, headers={"Content-Type": "application/json"}))
    with pytest.raises(UpstreamError) as caught:
        await (where.stream() if stream else answered(where))
    assert caught.value.error_class is ErrorClass.RATE_LIMITED


async def test_a_whole_answer_where_a_stream_was_asked_is_a_failure() -> None:
    where = road(Response(WHOLE, headers={"Content-Type": "application/json"}))
    with pytest.raises(UpstreamError, match="a whole answer where a stream was asked"):
        await where.stream()
    assert not where.client.started


@pytest.mark.parametrize("status", [404, 405])
async def test_an_api_that_the_provider_has_not_is_marked(status: int) -> None:
    where = road(Response(b"<html>not here</html>", status=status))
    assert (await fails(where)).error_class is ErrorClass.UNSUPPORTED
    assert where.health.lacking.lacks(PROVIDER, Api.CHAT)
    assert not where.health.lacking.lacks(PROVIDER, Api.EMBEDDINGS)


async def test_a_provider_that_is_left_alone_is_not_called() -> None:
    where = road(Response(b"", status=401))
    await fails(where)
    with pytest.raises(NotPermitted):
        await answered(where)
    assert len(where.progress.attempts) == where.progress.calls == 1


async def test_a_provider_that_cannot_be_reached_is_noted() -> None:
    where = road(TRANSPORT)
    assert await fails(where) is TRANSPORT
    assert where.progress.attempts[0].status is None


async def test_an_answer_without_usage_is_estimated() -> None:
    where = road(Response(b'{"choices":[{"message":{"content":"%b"}}]}' % (b"a" * 40)))
    await answered(where)
    assert where.progress.usage is None
    assert where.progress.output_tokens_seen == 10


async def test_a_client_that_leaves_closes_the_providers_answer() -> None:
    response = Response(1000.0, WHOLE)
    where = road(response)
    await cancelled_after(1.0, answered(where))
    assert response.closed
    assert where.progress.attempts[0].error_class is ErrorClass.CANCELLED
    assert where.health.of("p").consecutive_errors == 0


async def test_a_stream_is_relayed_under_the_providers_headers_and_ours() -> None:
    response = Response(chunk("a"), FINISH, USAGE, DONE, headers={"Openai-Version": "1"})
    where = road(response)
    await where.stream()
    assert where.client.headers == [("Openai-Version", "1"), ("X-Calls", "1")]
    assert where.client.got == chunk("a") + FINISH + DONE
    assert where.progress.usage == Usage(input_tokens=7, output_tokens=3)
    assert where.progress.attempts[0].error_class is None
    assert response.closed


async def test_usage_is_asked_for_and_hidden_only_where_the_client_did_not_ask() -> None:
    events = [chunk("a"), FINISH, USAGE, DONE]
    where = road(Response(*events))
    await where.stream(order(stream_options={"include_usage": True}))
    (request,) = where.upstream.requests
    assert b'"stream_options": {"include_usage": true}}' in (request.body or b"")
    assert where.client.got == b"".join(events)


async def test_a_stream_that_is_cut_after_content_is_an_attempt_that_failed() -> None:
    where = road(Response(chunk("Hello")))
    await where.stream()
    assert where.progress.attempts[0].status == 200
    assert where.progress.attempts[0].error_class is ErrorClass.TRANSIENT
    assert where.health.of("p").consecutive_errors == 1


async def test_a_stream_is_refused_before_it_begins() -> None:
    body = b'{"error":{"message":"slow down"}}'
    where = road(Response(body, status=429, headers={"Retry-After": "7"}))
    with pytest.raises(UpstreamError) as caught:
        await where.stream()
    assert caught.value.error_class is ErrorClass.RATE_LIMITED
    assert caught.value.retry_after_s == 7
    assert not where.client.started


async def test_include_usage_is_left_out_after_one_refusal_that_names_it() -> None:
    refused = Response(REFUSED, status=400)
    where = road(refused, Response(chunk("a"), DONE), Response(chunk("a"), DONE))
    await where.stream()
    await where.stream()
    asked = [b"include_usage" in (request.body or b"") for request in where.upstream.requests]
    assert asked == [True, False, False]
    assert where.client.headers == [("X-Of", "the provider"), ("X-Calls", "2")]
    assert [one.error_class for one in where.progress.attempts] == [ErrorClass.INVALID, None, None]
    assert refused.closed


async def test_requests_that_are_refused_at_one_time_are_all_repeated() -> None:
    refusals = [(1.0, Response(REFUSED, status=400)), (2.0, Response(REFUSED, status=422))]
    where = road(*refusals, Response(chunk("a"), DONE), Response(chunk("b"), DONE))
    await asyncio.gather(*(where.stream(progress=Progress()) for _ in range(2)))
    assert chunk("a") in where.client.got
    assert chunk("b") in where.client.got


@pytest.mark.parametrize(
    ("status", "body"), [(400, b'{"error":{"message":"bad temperature"}}'), (500, REFUSED)]
)
async def test_another_refusal_is_not_repeated(status: int, body: bytes) -> None:
    where = road(Response(body, status=status))
    with pytest.raises(UpstreamError):
        await where.stream()
    assert len(where.upstream.requests) == 1


async def test_a_refusal_of_the_clients_own_option_is_the_clients() -> None:
    where = road(Response(REFUSED, status=400))
    with pytest.raises(UpstreamError) as caught:
        await where.stream(order(stream_options={"include_usage": True}))
    assert caught.value.body == REFUSED


THOUGHTLESS = json.dumps(
    {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, "
            "but found `tool_use`.",
        },
    }
).encode()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_loop_that_another_protocols_model_began_goes_on_without_thinking(
    stream: bool,
) -> None:
    answer = Response(START, TEXT, STOPPED, STOP) if stream else Response(b'{"content":[]}')
    where = road(Response(THOUGHTLESS, status=400), answer, provider=ANTHROPIC, api=Api.MESSAGES)
    thinking = {"type": "enabled", "budget_tokens": 1024}
    wanted = order(Api.MESSAGES, stream=stream, max_tokens=5000, thinking=thinking)
    if stream:
        await where.stream(wanted)
    else:
        await where.attempts.answer(wanted, where.target, where.progress)
    sent = [json.loads(request.body or b"")["thinking"] for request in where.upstream.requests]
    assert sent == [thinking, {"type": "disabled"}]


async def test_messages_have_no_such_option() -> None:
    where = road(Response(START, TEXT, STOPPED, STOP), provider=ANTHROPIC, api=Api.MESSAGES)
    await where.stream(order(Api.MESSAGES, max_tokens=5))
    assert b"stream_options" not in (where.upstream.requests[0].body or b"")
    assert where.client.got == START + TEXT + STOPPED + STOP


@pytest.mark.parametrize("answer_comes", [False, True])
async def test_a_client_that_leaves_a_stream_closes_the_providers(answer_comes: bool) -> None:
    response = Response(chunk("Hello"), 1000.0)
    where = road(response if answer_comes else (1000.0, response))
    await cancelled_after(1.0, where.stream())
    assert response.closed is answer_comes
    assert where.progress.attempts[0].error_class is ErrorClass.CANCELLED
    assert (where.progress.output_tokens_seen > 0) is answer_comes


async def test_an_answer_that_comes_as_the_client_leaves_is_closed_too() -> None:
    response = Response(chunk("Hello"), DONE)
    where = road(response)
    where.client = Client(leaves_after=0)
    with pytest.raises(ConnectionError):
        await where.stream()
    assert response.closed


async def test_a_provider_that_fails_to_answer_a_stream_is_noted() -> None:
    where = road((3.0, TRANSPORT))
    with pytest.raises(UpstreamError):
        await where.stream()
    assert where.progress.attempts[0].error_class is ErrorClass.TRANSIENT
