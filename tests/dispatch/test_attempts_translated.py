"""Calls to providers by another protocol than the client's."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.dispatch.fakes import (
    ANTHROPIC,
    DONE,
    FINISH,
    HI,
    PROVIDER,
    ROLE,
    START,
    STOP,
    STOPPED,
    TEXT,
    USAGE,
    Response,
    Road,
    Upstream,
    chunk,
    named,
    order,
    order_of,
)
from tokenhub.dispatch.order import Order, Progress, ProviderAnswer
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, ErrorClass, Usage
from tokenhub.wire.thinking import seals_in
from tokenhub.wire.translation.interpreter import LONG_BYTES
from tokenhub.wire.translation.seals import own_seal

CHAT_ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "model": "theirs",
        "choices": [
            {
                "message": {"role": "assistant", "content": "Hi", "reasoning_content": "hm"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }
).encode()
CLAUDES_ANSWER = json.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sealed-by-claude"},
            {"type": "text", "text": "Hi"},
        ],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 5},
    }
).encode()
NO_EFFORT = b'{"error":{"message":"Unrecognized request argument supplied: reasoning_effort"}}'
NO_USAGE = b'{"error":{"message":"Unrecognized request argument supplied: stream_options"}}'
THINKING = {"type": "enabled", "budget_tokens": 8192}


def to_chat(*answers: Any) -> Road:
    return Road(Upstream(*answers), PROVIDER, Api.CHAT)


def to_messages(*answers: Any) -> Road:
    return Road(Upstream(*answers), ANTHROPIC, Api.MESSAGES)


def claude_asks(**fields: Any) -> Order:
    return order(Api.MESSAGES, **{"max_tokens": 16384, "stream": False, **fields})


async def answered(where: Road, wanted: Order) -> ProviderAnswer:
    return await where.attempts.answer(wanted, where.target, where.progress)


def sent(where: Road) -> list[Any]:
    return [json.loads(request.body or b"") for request in where.upstream.requests]


async def test_an_answer_comes_back_in_the_clients_protocol() -> None:
    where = to_chat(Response(CHAT_ANSWER, headers={"Openai-Version": "1", "X-Of": "them"}))
    answer = await answered(where, claude_asks())
    assert answer.status == 200
    assert answer.headers == [
        ("X-Of", "them"),
        ("request-id", "req_1"),
        ("Content-Type", "application/json"),
    ]
    told = json.loads(answer.body)
    assert [block["type"] for block in told["content"]] == ["thinking", "text"]
    assert told["usage"]["output_tokens"] == 3
    assert where.progress.usage == Usage(input_tokens=7, output_tokens=3)
    assert where.progress.answered


async def test_the_call_goes_to_the_providers_path_without_what_is_of_the_clients_protocol() -> (
    None
):
    headers = [
        ("anthropic-beta", "x"),
        ("anthropic-version", "2023-06-01"),
        ("X-Stainless-Lang", "python"),
        ("User-Agent", "claude"),
    ]
    where = to_chat(Response(CHAT_ANSWER))
    await answered(where, replace(claude_asks(headers=headers), query="?beta=true"))
    (request,) = where.upstream.requests
    assert request.url == "http://provider.example/v1/chat/completions"
    names = {name.lower() for name, _ in request.headers}
    assert "user-agent" in names
    assert not [name for name in names if name.startswith(("anthropic-", "x-stainless-"))]
    assert sent(where)[0]["messages"] == [HI]


async def test_anthropics_version_is_said_for_a_client_that_knows_none() -> None:
    where = to_messages(Response(CLAUDES_ANSWER))
    answer = await answered(where, order(stream=False))
    (request,) = where.upstream.requests
    assert request.url == "http://provider.example/v1/messages"
    assert ("anthropic-version", "2023-06-01") in request.headers
    told = json.loads(answer.body)
    assert told["choices"][0]["message"]["content"] == "Hi"
    assert told["usage"]["prompt_tokens"] == 12
    usage = Usage(input_tokens=12, output_tokens=3, cached_input_tokens=5)
    assert where.progress.usage == usage


async def test_what_was_left_out_is_told_with_the_answer_and_with_a_stream() -> None:
    cached = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    said = [{"role": "user", "content": [cached]}]
    where = to_chat(Response(CHAT_ANSWER), Response(chunk("a"), FINISH, DONE))
    answer = await answered(where, claude_asks(messages=said))
    assert answer.headers[-1][0] == "X-TokenHub-Warning"
    await where.stream(claude_asks(messages=said, stream=True))
    assert where.client.headers is not None
    assert where.client.headers[-1] == answer.headers[-1]
    kept = [one.left_out for one in where.progress.attempts]
    assert kept == [("cache_control",), ("cache_control",)]


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"choices":[]}'])
async def test_garbage_is_a_transient_failure(body: bytes) -> None:
    where = to_chat(Response(body))
    with pytest.raises(UpstreamError) as caught:
        await answered(where, claude_asks())
    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert not where.progress.answered


async def test_an_answer_that_cannot_be_told_is_a_transient_failure() -> None:
    calls = [{"id": "c", "type": "function", "function": {"arguments": "{}"}}]
    body = {"choices": [{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}
    where = to_chat(Response(json.dumps(body).encode()))
    with pytest.raises(UpstreamError, match="unreadable answer") as caught:
        await answered(where, claude_asks())
    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert not where.progress.answered


async def test_a_stream_is_relayed_under_headers_of_the_clients_protocol() -> None:
    headers = {"Content-Type": "text/event-stream", "Openai-Version": "1"}
    where = to_chat(Response(ROLE, chunk("a"), FINISH, USAGE, DONE, headers=headers))
    await where.stream(claude_asks(stream=True))
    assert where.client.headers == [
        ("request-id", "req_1"),
        ("Content-Type", "text/event-stream; charset=utf-8"),
        ("X-Calls", "1"),
    ]
    assert where.client.got.startswith(b"event: message_start")
    assert b'"output_tokens":3' in where.client.got
    assert where.progress.usage == Usage(input_tokens=7, output_tokens=3)
    assert where.progress.attempts[0].error_class is None


async def test_a_translated_chat_stream_is_asked_for_its_usage_until_that_is_refused() -> None:
    whole = [chunk("a"), FINISH, DONE]
    where = to_chat(Response(NO_USAGE, status=400), Response(*whole), Response(*whole))
    await where.stream(claude_asks(stream=True))
    await where.stream(claude_asks(stream=True))
    assert ["stream_options" in body for body in sent(where)] == [True, False, False]


@pytest.mark.parametrize("asked", [True, False])
async def test_a_chat_client_gets_the_usage_of_a_claude_only_where_it_asked(asked: bool) -> None:
    where = to_messages(Response(START, TEXT, STOPPED, STOP))
    await where.stream(order(stream_options={"include_usage": asked}))
    assert "stream_options" not in sent(where)[0]
    assert (b'"choices":[],"usage":{' in where.client.got) is asked


async def test_a_model_that_knows_no_effort_is_asked_without_it_and_that_is_remembered() -> None:
    where = to_chat(Response(NO_EFFORT, status=400), *[Response(CHAT_ANSWER) for _ in range(2)])
    first = await answered(where, claude_asks(thinking=THINKING))
    second = await answered(where, claude_asks(thinking=THINKING))
    assert ["reasoning_effort" in body for body in sent(where)] == [True, False, False]
    assert first.headers[-1] == second.headers[-1]
    assert "how much to think" in first.headers[-1][1]


async def test_in_a_stream_too() -> None:
    events = [chunk("a"), FINISH, DONE]
    where = to_chat(Response(NO_EFFORT, status=400), Response(*events), Response(*events))
    for _ in range(2):
        await where.stream(claude_asks(thinking=THINKING, stream=True))
    assert ["reasoning_effort" in body for body in sent(where)] == [True, False, False]
    assert all("stream_options" in body for body in sent(where))


async def test_a_refusal_for_another_reason_proves_nothing() -> None:
    refused = [Response(NO_EFFORT, status=400) for _ in range(2)]
    where = to_chat(*refused, Response(CHAT_ANSWER))
    with pytest.raises(UpstreamError):
        await answered(where, claude_asks(thinking=THINKING))
    where.progress = Progress()
    await answered(where, claude_asks(thinking=THINKING))
    assert ["reasoning_effort" in body for body in sent(where)] == [True, False, True]


@pytest.mark.parametrize(
    ("status", "fields"),
    [(400, {}), (401, {"thinking": THINKING}), (500, {"thinking": THINKING})],
    ids=["nothing to leave out", "a wrong key", "a fault"],
)
async def test_a_call_that_would_be_the_same_is_not_repeated(
    status: int, fields: dict[str, Any]
) -> None:
    where = to_chat(Response(NO_EFFORT, status=status))
    with pytest.raises(UpstreamError):
        await answered(where, claude_asks(**fields))
    assert len(where.upstream.requests) == 1


def codex_asks(seal: str) -> Order:
    """A request of responses with reasoning that came from somewhere."""
    reasoning = {"type": "reasoning", "summary": [], "encrypted_content": seal}
    said = [HI, reasoning, {"role": "assistant", "content": "Hi"}, HI]
    body = {"model": "m", "input": said, "reasoning": {"effort": "medium"}, "store": False}
    return order_of(body, Api.RESPONSES)


async def known(where: Road, wanted: Order) -> Order:
    knowledge = await where.provenance.know(seals_in(wanted.api, wanted.document))
    return replace(wanted, knowledge=knowledge)


async def test_thinking_that_its_maker_refuses_is_left_out_once_and_for_all() -> None:
    refused = {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
        },
    }
    where = to_messages(
        Response(CLAUDES_ANSWER),
        Response(json.dumps(refused).encode(), status=400),
        *[Response(CLAUDES_ANSWER) for _ in range(2)],
    )
    await answered(where, codex_asks("other"))
    for _ in range(2):
        await answered(where, await known(where, codex_asks("sealed-by-claude")))
    seals = [b"sealed-by-claude" in (request.body or b"") for request in where.upstream.requests]
    assert seals == [False, True, False, False]


async def test_seals_that_are_made_are_known_as_the_makers_own() -> None:
    where = to_chat(*[Response(CHAT_ANSWER) for _ in range(2)])
    answer = json.loads((await answered(where, claude_asks())).body)
    assert answer["content"][0]["signature"] == own_seal("hm")
    said = [HI, {"role": "assistant", "content": answer["content"]}, HI]
    await answered(where, await known(where, claude_asks(messages=said)))
    assert sent(where)[1]["messages"][1]["reasoning_content"] == "hm"


async def test_a_stream_of_claudes_thinking_is_known_too() -> None:
    thought = [
        START,
        named("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        named(
            "content_block_delta",
            index=0,
            delta={"type": "signature_delta", "signature": "sealed-by-claude"},
        ),
        named("content_block_stop", index=0),
        TEXT,
        STOPPED,
        STOP,
    ]
    where = to_messages(Response(*thought), Response(CLAUDES_ANSWER))
    await where.stream(order_of({"model": "m", "input": "hi", "stream": True}, Api.RESPONSES))
    assert b"sealed-by-claude" in where.client.got
    await answered(where, await known(where, codex_asks("sealed-by-claude")))
    assert sent(where)[1]["messages"][1]["content"][0]["signature"] == "sealed-by-claude"


async def test_an_error_is_classified_by_the_providers_own_words() -> None:
    full = b'{"error":{"message":"maximum context length","code":"context_length_exceeded"}}'
    where = to_chat(Response(full, status=400))
    with pytest.raises(UpstreamError) as caught:
        await answered(where, claude_asks())
    assert caught.value.error_class is ErrorClass.CONTEXT_OVERFLOW
    assert caught.value.body == full


@pytest.mark.parametrize("status", [404, 405])
async def test_it_is_the_api_that_was_asked_which_the_provider_lacks(status: int) -> None:
    where = to_chat(Response(b"<html>not here</html>", status=status))
    with pytest.raises(UpstreamError):
        await answered(where, claude_asks())
    assert where.health.lacking.lacks(PROVIDER, Api.CHAT)
    assert not where.health.lacking.lacks(PROVIDER, Api.MESSAGES)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """What is done in threads; here at once, since no thread knows of virtual time."""
    done: list[Callable[[], Any]] = []

    async def at_once(work: Callable[[], Any]) -> Any:
        done.append(work)
        return work()

    monkeypatch.setattr("asyncio.to_thread", at_once)
    return done


def long_talk(size: int) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "a" * size}]


@pytest.mark.parametrize(("size", "number"), [(10, 0), (LONG_BYTES, 2)], ids=["short", "long"])
async def test_a_long_request_is_translated_in_a_thread(
    threads: list[Callable[[], Any]], size: int, number: int
) -> None:
    where = to_chat(Response(CHAT_ANSWER), Response(chunk("a"), FINISH, DONE))
    await answered(where, claude_asks(messages=long_talk(size)))
    await where.stream(claude_asks(messages=long_talk(size), stream=True))
    assert len(threads) == number
    assert [body["messages"] for body in sent(where)] == [long_talk(size)] * 2


async def test_a_long_request_that_is_passed_on_is_not(threads: list[Callable[[], Any]]) -> None:
    where = to_chat(Response(CHAT_ANSWER))
    await answered(where, order(stream=False, messages=long_talk(LONG_BYTES)))
    assert threads == []
