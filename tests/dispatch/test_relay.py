import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.dispatch.fakes import (
    BLOCK,
    DONE,
    ERROR,
    FINISH,
    PING,
    QUICK,
    ROLE,
    START,
    STOP,
    STOPPED,
    TEXT,
    TOOL,
    TRANSPORT,
    USAGE,
    Client,
    Response,
    Step,
    chunk,
    clock,
)
from tests.dispatch.relaying import Relaying
from tests.support.virtual_time import cancelled_after
from tokenhub.dispatch.order import Progress
from tokenhub.dispatch.relay import Relay, StreamTerms
from tokenhub.dispatch.voice import Verbatim
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, ErrorClass, ProviderType, Usage
from tokenhub.wire.errors import keep_alive
from tokenhub.wire.stream import Part, reader_for

CHAT = StreamTerms(Api.CHAT, ProviderType.OPENAI, QUICK, hide_usage=False)
MESSAGES = replace(CHAT, api=Api.MESSAGES, provider_type=ProviderType.ANTHROPIC)


class Stage(Relaying):
    """A relay to a client of the provider's own API."""

    def __init__(self, terms: StreamTerms = CHAT, **client: Any) -> None:
        self.api = terms.api
        self.client = Client(**client)
        self.progress = Progress()
        self.seals: list[str] = []
        reader = reader_for(terms.api)
        self.relay = Relay(
            terms,
            reader,
            Verbatim(reader, "req_1"),
            self.client,
            self.progress,
            self.seals.extend,
            clock(),
        )


async def test_events_go_on_one_by_one_as_they_come() -> None:
    stage = Stage()
    events = [chunk("a"), chunk("b"), FINISH, DONE]
    await stage.run(*[step for event in events for step in (1.0, event)])
    assert stage.client.writes == [(1.0, events[0]), (2.0, events[1]), (3.0, FINISH), (4.0, DONE)]
    assert stage.client.headers == [("X-Of", "the provider")]


async def test_events_that_come_together_go_in_one_write() -> None:
    stage = Stage()
    await stage.run(chunk("a") + chunk("b"), FINISH + DONE)
    assert [data for _, data in stage.client.writes] == [chunk("a") + chunk("b"), FINISH + DONE]


async def test_an_event_cut_into_pieces_goes_on_whole() -> None:
    stage = Stage()
    event = chunk("Grüße")
    await stage.run(event[:9], 1.0, event[9:40], 1.0, event[40:] + DONE)
    assert stage.client.writes == [(2.0, event + DONE)]


async def test_opening_events_are_held_until_the_first_content() -> None:
    stage = Stage(MESSAGES)
    await stage.run(START, 2.0, PING, BLOCK, 3.0, TEXT, STOPPED, STOP)
    assert stage.client.writes[0] == (5.0, START + PING + BLOCK + TEXT)
    assert stage.progress.answered
    assert stage.progress.first_token_at == 1005.0


async def test_the_start_of_a_tool_call_is_content() -> None:
    stage = Stage(MESSAGES)
    await stage.run(START, TOOL, 1.0, STOPPED, STOP)
    assert stage.client.writes[0] == (0.0, TOOL.join([START, b""]))


async def test_opening_events_are_held_for_ten_seconds_at_most() -> None:
    stage = Stage(MESSAGES)
    await stage.run(START, 6.0, PING, 20.0, TEXT, STOPPED, STOP)
    assert stage.client.writes[0] == (10.0, START + PING)


async def test_nothing_is_sent_while_a_failure_could_still_be_answered() -> None:
    stage = Stage()
    error = await stage.fails(ROLE, 5.0, TRANSPORT)
    assert error is TRANSPORT
    assert not stage.client.started
    assert not stage.progress.answered


async def test_a_stream_without_content_is_whole_by_its_end() -> None:
    stage = Stage()
    await stage.run(ROLE, FINISH, DONE)
    assert stage.client.got == ROLE + FINISH + DONE


async def test_silence_brings_a_keep_alive_every_fifteen_seconds() -> None:
    stage = Stage()
    await stage.run(chunk("a"), 29.0, chunk("b"), 20.0, DONE)
    alive = keep_alive(Api.CHAT)
    assert [at for at, data in stage.client.writes if data == alive] == [15.0, 44.0]
    assert stage.client.got.replace(alive, b"") == chunk("a") + chunk("b") + DONE


async def test_a_keep_alive_of_messages_is_a_ping() -> None:
    stage = Stage(MESSAGES)
    await stage.run(16.0, START, TEXT, STOPPED, STOP)
    assert stage.client.writes[0] == (15.0, keep_alive(Api.MESSAGES))


async def test_a_keep_alive_comes_between_complete_events() -> None:
    stage = Stage()
    event = chunk("b")
    await stage.run(chunk("a"), event[:20], 16.0, event[20:], DONE)
    assert [data for _, data in stage.client.writes] == [
        chunk("a"),
        keep_alive(Api.CHAT),
        event,
        DONE,
    ]


async def test_keep_alives_commit_nothing() -> None:
    stage = Stage()
    assert await stage.fails(16.0, TRANSPORT) is TRANSPORT
    assert stage.client.got == keep_alive(Api.CHAT)
    assert not stage.progress.answered


async def test_a_first_event_that_does_not_come_is_a_timeout() -> None:
    error = await Stage().fails(39.0, b": half an ev", 39.0, chunk("late"))
    assert error.error_class is ErrorClass.TRANSIENT
    assert "no first event within 40 s" in str(error)


async def test_a_silent_stream_is_ended_with_an_error_event() -> None:
    stage = Stage()
    await stage.run(chunk("a"), 31.0, chunk("late"), DONE)
    assert stage.client.writes[-1][0] == 30.0
    assert b"no bytes for 30 s" in stage.client.got
    assert b"late" not in stage.client.got
    assert stage.parts[-1] is Part.ERROR
    assert stage.progress.stream_error is ErrorClass.TRANSIENT


async def test_a_slow_event_is_not_silence() -> None:
    stage = Stage()
    event = chunk("b")
    await stage.run(chunk("a"), 20.0, event[:10], 20.0, event[10:], DONE)
    assert stage.client.got.endswith(event + DONE)
    assert stage.progress.stream_error is None


@pytest.mark.parametrize(
    ("terms", "script"),
    [(CHAT, [chunk("Hello")]), (MESSAGES, [START, TEXT])],
    ids=["chat", "messages"],
)
@pytest.mark.parametrize("cut", [[], [TRANSPORT], [b"data: {"]], ids=["clean", "reset", "within"])
async def test_a_cut_stream_ends_with_an_error_event_and_not_with_the_protocols_end(
    terms: StreamTerms, script: list[Step], cut: list[Step]
) -> None:
    stage = Stage(terms)
    await stage.run(*script, *cut)
    read = stage.parts
    assert read[-1] is Part.ERROR
    assert Part.END not in read
    assert stage.progress.stream_error is ErrorClass.TRANSIENT
    assert stage.progress.output_tokens_seen > 0


@pytest.mark.parametrize(
    ("terms", "script"),
    [(CHAT, [chunk("a"), FINISH]), (MESSAGES, [START, TEXT, STOPPED]), (CHAT, [ROLE, FINISH])],
)
async def test_a_whole_stream_whose_provider_left_out_the_end_gets_it(
    terms: StreamTerms, script: list[Step]
) -> None:
    stage = Stage(terms)
    await stage.run(*script)
    assert stage.parts[-1] is Part.END
    assert stage.progress.stream_error is None


async def test_a_stream_cut_before_its_commit_is_a_failure() -> None:
    stage = Stage(MESSAGES)
    assert "cut off" in str(await stage.fails(START, BLOCK))
    assert not stage.client.started
    assert stage.progress.usage == Usage(input_tokens=9, output_tokens=1)


async def test_an_error_event_before_the_commit_is_a_failure_with_its_class() -> None:
    stage = Stage(MESSAGES)
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'
    error = await stage.fails(START, event)
    assert error.error_class is ErrorClass.RATE_LIMITED
    assert not stage.client.started


async def test_an_error_event_after_the_commit_goes_on_as_it_is_and_ends_the_stream() -> None:
    stage = Stage()
    await stage.run(chunk("a") + ERROR + DONE)
    assert stage.client.got == chunk("a") + ERROR
    assert stage.progress.stream_error is ErrorClass.TRANSIENT


async def test_what_came_before_garbage_still_goes_on() -> None:
    stage = Stage()
    await stage.run(ROLE + chunk("a") + b"data: <html>\n\n" + chunk("b"))
    assert stage.client.got.startswith(ROLE + chunk("a") + b'data: {"error"')
    assert b"unreadable stream" in stage.client.got


async def test_garbage_before_the_commit_is_a_failure() -> None:
    error = await Stage().fails(b"data: <html>\n\n")
    assert error.error_class is ErrorClass.TRANSIENT
    assert "<html>" not in str(error)


async def test_openings_without_an_end_are_a_failure() -> None:
    stage = Stage()
    error = await stage.fails(*[ROLE * 1000] * 20, chunk("late"))
    assert "before any content" in str(error)
    assert not stage.client.started


async def test_a_hub_that_stops_tells_the_client_in_its_stream() -> None:
    stage = Stage()
    await cancelled_after(1.0, stage.run(chunk("a"), 10.0, chunk("b")))
    assert b'"draining"' in stage.client.got


async def test_an_event_without_an_end_is_a_failure() -> None:
    stage = Stage()
    error = await stage.fails(b"data: " + b"x" * (17 << 20))
    assert error.error_class is ErrorClass.TRANSIENT


async def test_the_usage_event_is_hidden_where_we_asked_for_it() -> None:
    stage = Stage(replace(CHAT, hide_usage=True))
    await stage.run(chunk("a"), FINISH, USAGE, DONE)
    assert stage.client.got == chunk("a") + FINISH + DONE
    assert stage.progress.usage == Usage(input_tokens=7, output_tokens=3)


async def test_the_usage_event_stays_where_the_client_asked_for_it() -> None:
    stage = Stage()
    await stage.run(chunk("a"), FINISH, USAGE, DONE)
    assert stage.client.got == chunk("a") + FINISH + USAGE + DONE
    assert stage.progress.usage == Usage(input_tokens=7, output_tokens=3)


async def test_what_follows_the_end_is_not_passed_on() -> None:
    stage = Stage()
    await stage.run(chunk("a") + DONE + chunk("b"), chunk("c"))
    assert stage.client.got == chunk("a") + DONE


@pytest.mark.parametrize("trailer", [[5.0, b"more"], [TRANSPORT]])
async def test_a_body_that_does_not_end_after_the_protocols_end_is_left(
    trailer: list[Step],
) -> None:
    stage = Stage()
    await stage.run(chunk("a") + DONE, *trailer)
    assert asyncio.get_running_loop().time() <= 1001.0
    assert stage.progress.stream_error is None


async def test_a_client_that_goes_away_stops_the_relay() -> None:
    stage = Stage(leaves_after=1)
    with pytest.raises(ConnectionError):
        await stage.run(chunk("aaaa"), chunk("bbbb"), DONE)
    assert stage.progress.output_tokens_seen == 2


async def test_waiting_for_the_provider_is_not_counted_as_our_time() -> None:
    stage = Stage()
    await stage.run(3.0, chunk("a"), 17.0, chunk("b"), DONE)
    assert stage.progress.waited_s == pytest.approx(20.0)


async def test_the_response_head_is_waited_for_with_keep_alives() -> None:
    stage = Stage()
    response = Response()

    async def late() -> Response:
        await asyncio.sleep(31.0)
        return response

    sending = asyncio.get_running_loop().create_task(late())
    assert await stage.relay.open(sending, [("X-Of", "us")]) is response
    assert [at for at, _ in stage.client.writes] == [15.0, 30.0]
    await stage.relay.run(Response(chunk("a"), DONE), [("X-Of", "the provider")])
    assert stage.client.headers == [("X-Of", "us")]


async def test_a_response_head_that_does_not_come_is_a_timeout() -> None:
    stage = Stage()
    sending = asyncio.get_running_loop().create_task(asyncio.sleep(100.0, Response()))
    with pytest.raises(UpstreamError, match="no first event within 40 s"):
        await stage.relay.open(sending, [])
    sending.cancel()
