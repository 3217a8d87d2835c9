import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.dispatch.fakes import (
    ANTHROPIC,
    BLOCK,
    DEPLOYMENT,
    DONE,
    ERROR,
    FINISH,
    PING,
    PROVIDER,
    ROLE,
    START,
    TEXT,
    USAGE,
    chunk,
    data,
    named,
    order,
)
from tokenhub.dispatch import voice
from tokenhub.dispatch.order import Order
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.voice import (
    Voice,
    answer_headers,
    setting_of,
    stream_headers,
    voice_for,
)
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.stream import StreamReader, reader_for
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.seals import own_seal

CHAT = Target(DEPLOYMENT, PROVIDER, Api.CHAT)
MESSAGES = Target(DEPLOYMENT, ANTHROPIC, Api.MESSAGES)
RESPONSES = Target(DEPLOYMENT, PROVIDER, Api.RESPONSES)
WHOLE = b'{ "id":"1","model":"theirs","choices":[{"message":{"content":"Hi"}}]}'
OVERLOADED = named("error", error={"type": "overloaded_error", "message": "Overloaded"})


def thinks(text: str) -> bytes:
    return data({"choices": [{"index": 0, "delta": {"reasoning_content": text}}]})


def messages(**fields: Any) -> Order:
    return order(Api.MESSAGES, max_tokens=9, **fields)


class Said:
    """What a client of `wanted` hears of the events of `target`."""

    def __init__(self, wanted: Order, target: Target) -> None:
        self.reader: StreamReader = reader_for(target.api)
        setting = setting_of(wanted, target, 1_700_000_000)
        self.voice: Voice = voice_for(wanted, target, self.reader, setting)

    def of(self, *events: bytes) -> list[bytes]:
        heard: list[bytes] = []
        for event in events:
            heard += self.voice.event(event, self.reader.read(event))
        return heard


def values(events: Sequence[bytes]) -> list[Any]:
    found = [data_of(event)[1] for one in events for event in EventSplitter().feed(one)]
    return [json.loads(one) if one.startswith(b"{") else one for one in found]


def kinds(events: Sequence[bytes]) -> list[str]:
    return [value["type"] for value in values(events)]


async def test_in_the_clients_own_api_events_go_on_as_they_are() -> None:
    said = Said(order(), CHAT)
    events = [ROLE, chunk("a"), FINISH, USAGE, DONE]
    assert said.voice.verbatim
    assert said.of(*events) == events


async def test_there_the_end_and_our_error_are_those_of_the_protocol() -> None:
    said = Said(messages(), MESSAGES)
    assert kinds([said.voice.end()]) == ["message_stop"]
    assert values([said.voice.failed("draining", "bye", 503)])[0]["error"]["message"] == "bye"


async def test_there_a_response_that_fails_is_ended_for_those_who_wait_for_its_end() -> None:
    error = named("error", code="server_error", message="no", sequence_number=0)
    passed, after = Said(order(Api.RESPONSES, input="hi"), RESPONSES).of(error)
    assert passed == error
    assert kinds([after])[-1] == "response.failed"


async def test_in_another_api_events_are_told_in_the_clients() -> None:
    said = Said(messages(), CHAT)
    assert not said.voice.verbatim
    heard = said.of(b": comment\n\n", ROLE, chunk("a"), chunk("b"), FINISH, USAGE, DONE)
    assert kinds(heard) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert values(heard)[-2]["usage"]["output_tokens"] == 3


async def test_each_event_is_told_at_once() -> None:
    said = Said(order(), MESSAGES)
    (role,) = values(said.of(START))
    assert role["choices"][0]["delta"]["role"] == "assistant"
    assert said.of(PING, BLOCK) == []
    (text,) = values(said.of(TEXT))
    assert text["choices"][0]["delta"] == {"content": "Hello"}


async def test_like_events_are_all_read() -> None:
    """A reader may skim what repeats itself; a translation needs each word."""
    said = Said(messages(), CHAT)
    heard = said.of(*[chunk(f"word{n} ") for n in range(50)])
    texts = [one["delta"]["text"] for one in values(heard) if "delta" in one]
    assert texts == [f"word{n} " for n in range(50)]


async def test_a_providers_error_is_told_in_the_clients_words() -> None:
    said = Said(order(), MESSAGES)
    said.of(START, TEXT)
    (told,) = values(said.of(OVERLOADED))
    assert told["error"]["message"] == "Overloaded"
    assert said.reader.error


async def test_a_context_that_was_full_has_the_clients_own_wording() -> None:
    message = "This model's maximum context length is 10 tokens. However, you requested 12 tokens"
    full = data({"error": {"message": message, "code": "context_length_exceeded"}})
    said = Said(messages(), CHAT)
    said.of(chunk("a"))
    told = values(said.of(full))[-1]["error"]
    assert told["type"] == "invalid_request_error"
    assert told["message"].startswith("prompt is too long")


async def test_an_error_without_a_status_is_the_providers_fault() -> None:
    said = Said(messages(), CHAT)
    said.of(chunk("a"))
    assert values(said.of(ERROR))[-1]["error"] == {"type": "api_error", "message": "overloaded"}


async def test_a_whole_stream_without_its_end_is_ended_with_what_was_left_to_be_told() -> None:
    said = Said(messages(), CHAT)
    said.of(chunk("a"), FINISH, USAGE)
    assert kinds([said.voice.end()]) == ["content_block_stop", "message_delta", "message_stop"]


async def test_our_own_error_ends_a_translated_stream() -> None:
    said = Said(messages(), CHAT)
    said.of(chunk("a"))
    assert kinds([said.voice.failed("upstream_error", "cut", 502)])[-1] == "error"


async def test_what_is_not_of_the_protocol_is_refused() -> None:
    broken = data({"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {}}]}}]})
    with pytest.raises(NotOfProtocol):
        Said(messages(), CHAT).of(broken)


async def test_seals_are_the_providers_and_those_that_are_made() -> None:
    said = Said(messages(), CHAT)
    said.of(thinks("hm"))
    assert said.voice.seals() == []
    said.of(chunk("a"))
    assert said.voice.seals() == [own_seal("hm")]
    assert said.voice.seals() == []


async def test_the_seals_of_a_provider_are_told_once() -> None:
    said = Said(order(Api.RESPONSES, input="hi"), MESSAGES)
    redacted = {"type": "redacted_thinking", "data": "opaque"}
    said.of(START, named("content_block_start", index=0, content_block=redacted))
    assert said.voice.seals() == ["opaque"]
    assert said.voice.seals() == []


async def test_a_whole_answer_is_told_under_the_requests_id_and_the_models_name() -> None:
    foreign = messages(stream=False)
    setting = setting_of(foreign, CHAT, 1)
    told = json.loads(translator.answer(Api.CHAT, foreign.api, WHOLE, json.loads(WHOLE), setting))
    assert told["content"] == [{"type": "text", "text": "Hi"}]
    assert (told["id"], told["model"]) == ("msg_req_1", "theirs")


HEADERS = [
    ("Content-Type", "application/json; charset=latin-1"),
    ("Openai-Version", "1"),
    ("anthropic-ratelimit-requests-remaining", "9"),
    ("request-id", "req_theirs"),
    ("X-Request-Id", "theirs"),
    ("Set-Cookie", "a=b"),
    ("Retry-After", "3"),
]


async def test_headers_that_mean_something_in_one_protocol_stay_in_it() -> None:
    assert answer_headers(order(), CHAT, HEADERS) == [
        HEADERS[0],
        HEADERS[1],
        HEADERS[2],
        HEADERS[3],
        HEADERS[6],
    ]
    assert answer_headers(order(), MESSAGES, HEADERS) == [
        ("Retry-After", "3"),
        ("Content-Type", "application/json"),
    ]
    assert stream_headers(order(), MESSAGES, HEADERS)[-1] == (
        "Content-Type",
        "text/event-stream; charset=utf-8",
    )


async def test_a_client_of_messages_is_told_our_own_request_id() -> None:
    assert ("request-id", "req_1") in answer_headers(messages(), CHAT, HEADERS)
    assert ("request-id", "req_1") in stream_headers(messages(), CHAT, HEADERS)
    assert ("request-id", "req_theirs") in stream_headers(messages(), MESSAGES, HEADERS)


async def test_the_setting_is_the_orders() -> None:
    setting = setting_of(order(stream_options={"include_usage": True}), MESSAGES, 7)
    assert (setting.request_id, setting.created_s, setting.model) == ("req_1", 7, "m")
    assert setting.include_usage
    assert setting.input_tokens > 0
    assert setting.asked["model"] == "m"


async def test_a_translated_stream_has_an_end_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "MAX_STREAM_BYTES", len(ROLE) + len(chunk("a")))
    said = Said(messages(), CHAT)
    assert kinds(said.of(ROLE, chunk("a")))[-1] == "content_block_delta"
    with pytest.raises(NotOfProtocol, match="bytes in one stream"):
        said.of(chunk("b"))
