"""Streams that are relayed to a client of another protocol."""

from dataclasses import dataclass, field
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
    Step,
    chunk,
    clock,
    data,
    named,
    order,
    order_of,
)
from tests.dispatch.relaying import Relaying
from tests.support.virtual_time import cancelled_after
from tokenhub.dispatch.order import Order, Progress
from tokenhub.dispatch.relay import Relay, StreamTerms
from tokenhub.dispatch.target import Target
from tokenhub.dispatch.voice import setting_of, voice_for
from tokenhub.types import Api, ErrorClass, Usage
from tokenhub.wire.errors import keep_alive
from tokenhub.wire.stream import Part, reader_for
from tokenhub.wire.translation.seals import own_seal

OVERLOADED = named("error", error={"type": "overloaded_error", "message": "Overloaded"})
THOUGHT = data({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]})
CHAT_SCRIPT: list[Step] = [ROLE, chunk("Hello")]
MESSAGES_SCRIPT: list[Step] = [START, BLOCK, TEXT]
SCRIPTS = {Api.CHAT: CHAT_SCRIPT, Api.MESSAGES: MESSAGES_SCRIPT}
WAYS = [
    (Api.CHAT, Api.MESSAGES),
    (Api.MESSAGES, Api.CHAT),
    (Api.RESPONSES, Api.CHAT),
    (Api.RESPONSES, Api.MESSAGES),
]
"""From the client's API to the provider's."""


def asked_in(api: Api) -> Order:
    if api is Api.RESPONSES:
        return order_of({"model": "m", "input": "hi", "stream": True}, api)
    return order(api, max_tokens=9)


@dataclass
class Stage(Relaying):
    """A relay from a provider that speaks `spoken` to a client of `api`."""

    api: Api = Api.MESSAGES
    spoken: Api = Api.CHAT
    client: Client = field(default_factory=Client)
    progress: Progress = field(default_factory=Progress)
    learned: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        provider = ANTHROPIC if self.spoken is Api.MESSAGES else PROVIDER
        target, wanted = Target(DEPLOYMENT, provider, self.spoken), asked_in(self.api)
        reader = reader_for(self.spoken)
        voice = voice_for(wanted, target, reader, setting_of(wanted, target, 1_700_000_000))
        terms = StreamTerms(self.api, provider.type, QUICK, hide_usage=False)
        self.relay = Relay(terms, reader, voice, self.client, self.progress, self._learn, clock())

    def _learn(self, seals: Any) -> None:
        self.learned += [(seal, len(self.client.writes)) for seal in seals]

    @property
    def moments(self) -> list[float]:
        return [at for at, _ in self.client.writes]


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_each_word_goes_on_when_it_comes(api: Api, spoken: Api) -> None:
    stage = Stage(api, spoken)
    more = chunk("more") if spoken is Api.CHAT else TEXT
    end = [FINISH, DONE] if spoken is Api.CHAT else [STOPPED, STOP]
    await stage.run(*SCRIPTS[spoken], 1.0, more, 1.0, more, 1.0, *end)
    assert stage.moments[:3] == [0.0, 1.0, 2.0]
    assert stage.parts[-1] is Part.END
    assert stage.progress.stream_error is None
    assert stage.progress.whole
    assert stage.client.finished


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_openings_are_held_until_the_first_content(api: Api, spoken: Api) -> None:
    stage = Stage(api, spoken)
    *opening, text = SCRIPTS[spoken]
    await stage.run(*opening, 3.0, text, FINISH if spoken is Api.CHAT else STOPPED)
    assert stage.moments[0] == 3.0
    assert stage.progress.first_token_at == 1003.0


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_openings_are_held_for_ten_seconds_at_most(api: Api, spoken: Api) -> None:
    stage = Stage(api, spoken)
    *opening, text = SCRIPTS[spoken]
    await stage.run(*opening, 12.0, text, FINISH if spoken is Api.CHAT else STOPPED)
    assert stage.moments[0] == 10.0


@pytest.mark.parametrize(("api", "spoken"), WAYS)
@pytest.mark.parametrize("cut", [[], [TRANSPORT], [b"data: {"]], ids=["clean", "reset", "within"])
async def test_a_cut_stream_ends_with_the_clients_error_and_not_with_its_end(
    api: Api, spoken: Api, cut: list[Step]
) -> None:
    stage = Stage(api, spoken)
    await stage.run(*SCRIPTS[spoken], *cut)
    parts = stage.parts
    assert parts[-1] is Part.ERROR
    assert Part.END not in parts
    assert stage.progress.stream_error is ErrorClass.TRANSIENT
    assert stage.progress.output_tokens_seen > 0


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_a_stream_that_fails_before_any_content_has_told_the_client_nothing(
    api: Api, spoken: Api
) -> None:
    *opening, _ = SCRIPTS[spoken]
    ends: list[Step] = [TRANSPORT, ERROR if spoken is Api.CHAT else OVERLOADED, b"data: <html>\n\n"]
    for end in ends:
        stage = Stage(api, spoken)
        await stage.fails(*opening, 2.0, end)
        assert not stage.client.started
        assert not stage.progress.answered


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_a_providers_error_event_after_content_is_the_clients_last_event(
    api: Api, spoken: Api
) -> None:
    stage = Stage(api, spoken)
    error, word = (ERROR, b"overloaded") if spoken is Api.CHAT else (OVERLOADED, b"Overloaded")
    await stage.run(*SCRIPTS[spoken], error, chunk("late"))
    assert stage.parts[-1] is Part.ERROR
    assert word in stage.client.got
    assert b"late" not in stage.client.got
    assert stage.progress.stream_error is not None


async def test_a_keep_alive_is_in_the_clients_protocol() -> None:
    stage = Stage(Api.MESSAGES, Api.CHAT)
    await stage.run(16.0, ROLE, chunk("a"), FINISH, DONE)
    assert stage.client.writes[0] == (15.0, keep_alive(Api.MESSAGES))
    stage = Stage(Api.CHAT, Api.MESSAGES)
    await stage.run(16.0, START, TEXT, STOPPED, STOP)
    assert stage.client.writes[0] == (15.0, keep_alive(Api.CHAT))


async def test_the_providers_own_keep_alives_commit_nothing() -> None:
    stage = Stage(Api.CHAT, Api.MESSAGES)
    await stage.fails(PING, 1.0, START, 1.0, PING, 1.0, TRANSPORT)
    assert not stage.client.started


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_a_hub_that_stops_says_so_in_the_clients_protocol(api: Api, spoken: Api) -> None:
    stage = Stage(api, spoken)
    await cancelled_after(1.0, stage.run(*SCRIPTS[spoken], 9.0, FINISH))
    assert stage.parts[-1] is Part.ERROR
    assert b"the hub is shutting down" in stage.client.got


@pytest.mark.parametrize(("api", "spoken"), WAYS)
async def test_a_whole_stream_whose_provider_left_out_the_end_is_whole(
    api: Api, spoken: Api
) -> None:
    stage = Stage(api, spoken)
    await stage.run(*SCRIPTS[spoken], FINISH if spoken is Api.CHAT else STOPPED)
    assert stage.parts[-1] is Part.END
    assert stage.progress.stream_error is None


async def test_a_whole_stream_without_any_content_is_whole_by_its_end() -> None:
    stage = Stage(Api.MESSAGES, Api.CHAT)
    await stage.run(ROLE, FINISH, USAGE, DONE)
    assert [part for part in stage.parts if part is Part.CONTENT] == []
    assert stage.parts[-1] is Part.END


async def test_what_came_before_what_cannot_be_told_still_goes_on() -> None:
    nameless = data({"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {}}]}}]})
    stage = Stage(Api.MESSAGES, Api.CHAT)
    await stage.run(ROLE + chunk("Hello") + nameless + chunk("late"))
    assert b"Hello" in stage.client.got
    assert b"late" not in stage.client.got
    assert stage.parts[-1] is Part.ERROR
    assert stage.progress.stream_error is ErrorClass.TRANSIENT


async def test_the_start_of_a_tool_call_is_content() -> None:
    stage = Stage(Api.CHAT, Api.MESSAGES)
    await stage.run(START, TOOL, 1.0, named("content_block_stop", index=0), STOPPED, STOP)
    assert stage.moments[0] == 0.0
    assert b'"name":"f"' in stage.client.got


async def test_usage_and_output_are_those_of_the_provider() -> None:
    stage = Stage(Api.MESSAGES, Api.CHAT)
    await stage.run(ROLE, chunk("a" * 40), FINISH, USAGE, DONE)
    assert stage.progress.usage == Usage(input_tokens=7, output_tokens=3)
    assert stage.progress.output_tokens_seen == 10


@pytest.mark.parametrize(
    "rest",
    [[chunk("a"), FINISH, DONE], [FINISH, DONE], [FINISH]],
    ids=["before text", "before the end", "before an end that was left out"],
)
async def test_a_seal_that_is_made_is_learned_before_the_client_has_it(rest: list[Step]) -> None:
    stage = Stage(Api.MESSAGES, Api.CHAT)
    await stage.run(ROLE, THOUGHT, *[step for event in rest for step in (1.0, event)])
    seal = own_seal("hm")
    ((learned, after),) = stage.learned
    assert learned == seal
    place = next(n for n, (_, sent) in enumerate(stage.client.writes) if seal.encode() in sent)
    assert after <= place


async def test_a_client_that_goes_away_stops_the_relay() -> None:
    stage = Stage(Api.MESSAGES, Api.CHAT, Client(leaves_after=1))
    with pytest.raises(ConnectionError):
        await stage.run(ROLE, chunk("aaaa"), chunk("bbbb"), DONE)
    assert stage.progress.output_tokens_seen == 2
