"""Sessions that alternate between models, with thinking and tools: no provider refuses a turn."""

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.road.sessions import (
    GPT,
    HAIKU,
    MINI,
    OPUS,
    OPUS_4,
    QWEN,
    ChatTalk,
    ClaudeTalk,
    CodexTalk,
    House,
    Talk,
    begin_alike,
    histories,
    weight,
)
from tests.support.cast import ADMIN_TOKEN
from tokenhub.client import Client
from tokenhub.simulator import Call, Failure, Profile

TURNS = 20
PAIRS = [
    (OPUS_4, GPT),
    (OPUS_4, MINI),
    (OPUS_4, QWEN),
    (GPT, QWEN),
    (MINI, QWEN),
    (OPUS_4, HAIKU),
    (GPT, MINI),
]
CLIENTS: list[type[Talk]] = [ClaudeTalk, CodexTalk, ChatTalk]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as made:
        yield made


async def alternate(
    house: House, talk: Talk, models: Sequence[str], turns: int = TURNS, *, each_request: bool
) -> None:
    """Go through `turns`, with a restart in the middle; every other one is streamed."""
    turn_by_turn = itertools.cycle(models)
    for turn in range(turns):
        if each_request:
            await talk.turn(lambda: next(turn_by_turn), stream=bool(turn % 4 // 2))
        else:
            model = models[turn % len(models)]
            await talk.turn(lambda: model, stream=bool(turn % 4 // 2))  # noqa: B023 - at once
        if turn == turns // 2:
            await house.restart()


CASES = [
    (client, models, each_request)
    for client in CLIENTS
    for models in PAIRS
    for each_request in (False, True)
    if not (each_request and models in PAIRS[4:])
    # In one protocol bytes stay the client's own: OpenAI takes no tool ids as long as vLLM's.
    if not (client is ChatTalk and models == (GPT, QWEN))
]


@pytest.mark.parametrize(("client", "models", "each_request"), CASES)
async def test_a_session_that_alternates_between_two_models_is_never_refused(
    house: House, client: type[Talk], models: tuple[str, str], each_request: bool
) -> None:
    talk = client(house)
    await alternate(house, talk, models, each_request=each_request)
    assert set(house.statuses) == {200}
    assert len(house.statuses) == 2 * TURNS
    asked = histories(house)
    assert len(asked) == 2
    assert all(begin_alike(bodies) for bodies in asked.values())


@pytest.mark.parametrize("client", [CodexTalk, ChatTalk])
async def test_a_model_that_thinks_adaptively_takes_part(house: House, client: type[Talk]) -> None:
    talk = client(house)
    await alternate(house, talk, [OPUS, GPT, OPUS_4], 12, each_request=False)
    assert set(house.statuses) == {200}
    assert all(begin_alike(bodies) for bodies in histories(house).values())


async def test_each_model_gets_its_own_thinking_back_and_nobody_elses(house: House) -> None:
    talk = ClaudeTalk(house)
    await alternate(house, talk, [OPUS_4, MINI, QWEN], 9, each_request=False)
    made = [
        block
        for message in talk.said
        if message["role"] == "assistant"
        for block in message["content"]
        if block["type"] == "thinking"
    ]
    last = {}
    for call in house.calls:
        last[call.json["model"]] = weight(call.body)
    assert len(made) >= 9
    assert set(last) == {OPUS_4, MINI, QWEN}
    assert all(0 < own < len(made) for own in last.values())
    assert sum(last.values()) <= len(made)


async def test_within_one_provider_the_bytes_stay_the_clients_own(house: House) -> None:
    talk = ClaudeTalk(house)
    for turn in range(6):
        await talk.turn(lambda: OPUS_4, stream=bool(turn % 2))
    calls = house.simulators["anthropic"].calls
    sent = [json.loads(call.body)["messages"] for call in calls]
    assert sent[-1] == talk.said[: len(sent[-1])]
    assert begin_alike([body for bodies in histories(house).values() for body in bodies])
    assert weight(calls[-1].body) == len(calls) - 1


@pytest.mark.parametrize(
    ("client", "model"),
    [(ClaudeTalk, OPUS_4), (CodexTalk, GPT)],
    ids=["messages", "responses"],
)
async def test_a_session_that_began_elsewhere_is_refused_once_and_repaired(
    tmp_path: Path, client: type[Talk], model: str
) -> None:
    """Its seals are known to nobody here; another model of the maker refuses them."""
    other = {OPUS_4: HAIKU, GPT: "gpt-5-mini"}[model]
    async with House(tmp_path / "elsewhere") as elsewhere:
        talk = client(elsewhere)
        for turn in range(3):
            await talk.turn(lambda: model, stream=bool(turn % 2))
    async with House(tmp_path / "here") as here:
        if other == "gpt-5-mini":
            await add(here, other)
        talk.house = here
        for turn in range(4):
            await talk.turn(lambda: other, stream=bool(turn % 2))
            await here.restart()
        assert here.statuses.count(400) == 1
        assert here.statuses[0] == 400
        assert set(here.statuses) == {200, 400}
        well = [call for call in here.calls if call.status == 200]
        bodies = [history for one in histories(here).values() for history in one][1:]
        assert len(well) == len(bodies)
        assert begin_alike(bodies)


def sealed(talk: ClaudeTalk) -> list[tuple[str, str]]:
    """The thinking that the client was told and its seals, in their order."""
    return [
        (block["thinking"], block["signature"])
        for message in talk.said
        if message["role"] == "assistant"
        for block in message["content"]
        if block["type"] == "thinking"
    ]


def reasoned(call: Call) -> list[tuple[str, str]]:
    """The reasoning in a request of responses, each of which what came of it must follow."""
    found = []
    for item, following in pairwise(call.json["input"]):
        if item["type"] == "reasoning":
            assert item.keys() == {"type", "summary", "encrypted_content"}
            assert following["type"] == "function_call" or following["role"] == "assistant"
            text = "".join(part["text"] for part in item["summary"])
            found.append((text, item["encrypted_content"]))
    return found


def by_path(house: House) -> dict[str, list[Call]]:
    """The calls by what was asked."""
    calls: dict[str, list[Call]] = {}
    for call in house.calls:
        calls.setdefault(call.path, []).append(call)
    return calls


async def test_an_openai_gets_all_that_it_has_thought_back_in_its_place(house: House) -> None:
    talk = ClaudeTalk(house)
    await alternate(house, talk, [GPT], each_request=False)
    assert house.statuses == [200] * 2 * TURNS
    calls = by_path(house)
    assert calls.keys() == {"/v1/responses"}
    made = sealed(talk)
    assert len(made) == 2 * TURNS
    assert all(text and seal.startswith("gAAAAA") for text, seal in made)
    assert reasoned(house.calls[-1]) == made[:-1]
    (bodies,) = histories(house).values()
    assert begin_alike(bodies)
    first, *others = [
        {name: value for name, value in call.json.items() if name not in ("input", "stream")}
        for call in house.calls
    ]
    assert first["reasoning"] == {"effort": "low", "summary": "auto"}
    assert all(other == first for other in others)


async def test_a_summary_of_several_parts_comes_back_as_one(house: House) -> None:
    talk = ClaudeTalk(house)
    talk.thinking = {"type": "adaptive"}
    for turn in range(3):
        await talk.turn(lambda: GPT, stream=bool(turn % 2))
    assert reasoned(house.calls[-1]) == sealed(talk)[:-1]
    assert all("\n\n" in text for text, _ in sealed(talk))


async def test_nothing_is_lost_where_thinking_is_switched_off_for_a_while(house: House) -> None:
    """What the model has thought stays in its place, and so in the provider's cache."""
    talk = ClaudeTalk(house)
    on, off = ClaudeTalk.thinking, {"type": "disabled"}
    for turn, thinking in enumerate([off, on, on, off, off, on]):
        talk.thinking = thinking
        await talk.turn(lambda: GPT, stream=bool(turn % 2))
        await house.restart()
    calls = by_path(house)
    assert [len(calls[path]) for path in ("/v1/chat/completions", "/v1/responses")] == [2, 10]
    assert set(house.statuses) == {200}
    assert reasoned(house.calls[-1]) == sealed(talk)[:-1]
    assert all(begin_alike(bodies) for bodies in histories(house).values())
    assert ["effort" in call.json.get("reasoning", {}) for call in calls["/v1/responses"]] == [
        *[True] * 4,
        *[False] * 4,
        *[True] * 2,
    ]


async def test_an_organisation_that_is_not_verified_keeps_its_thinking_unseen(
    house: House,
) -> None:
    house.simulators["openai"].set(Profile(verified=False))
    talk = ClaudeTalk(house)
    for turn in range(6):
        await talk.turn(lambda: GPT, stream=bool(turn % 2))
    assert house.statuses == [400, *[200] * 12]
    assert [text for text, _ in sealed(talk)] == [""] * 12
    assert reasoned(house.calls[-1]) == sealed(talk)[:-1]
    asked = [call.json["reasoning"] for call in house.calls]
    assert asked == [{"effort": "low", "summary": "auto"}, *[{"effort": "low"}] * 12]
    (bodies,) = histories(house).values()
    assert begin_alike(bodies)


@pytest.mark.parametrize("status", [404, 405])
async def test_a_session_goes_on_by_chat_while_there_are_no_responses(
    house: House, status: int
) -> None:
    """As where a server in between is replaced; the next hub asks again."""
    talk = ClaudeTalk(house)
    for turn in range(3):
        await talk.turn(lambda: GPT, stream=bool(turn % 2))
    thought = sealed(talk)
    house.simulators["openai"].fail(Failure.answer(status, body="nothing here"), times=1)
    for turn in range(3):
        await talk.turn(lambda: GPT, stream=bool(turn % 2))
    assert house.statuses == [*[200] * 6, status, *[200] * 6]
    in_chat = by_path(house)["/v1/chat/completions"]
    assert len(in_chat) == 6
    assert all(weight(call.body) == 0 for call in in_chat)
    assert {call.json["reasoning_effort"] for call in in_chat} == {"low"}
    assert sealed(talk) == thought
    await house.restart()
    await talk.turn(lambda: GPT, stream=True)
    assert house.calls[-1].path == "/v1/responses"
    assert reasoned(house.calls[-1]) == sealed(talk)[:-1]
    assert all(begin_alike(bodies) for bodies in histories(house).values())


async def add(house: House, model: str) -> None:
    async with Client(house.url, ADMIN_TOKEN) as admin:
        sizes = {"input_per_1k": 1, "output_per_1k": 1, "max_context_tokens": 400_000}
        await admin.add_model({"id": model, "provider_id": "openai", **sizes})


@pytest.mark.parametrize(
    ("client", "began", "goes_on"),
    [(CodexTalk, GPT, OPUS_4), (ClaudeTalk, OPUS_4, MINI), (ClaudeTalk, OPUS_4, QWEN)],
)
async def test_a_session_that_began_elsewhere_crosses_without_a_refusal(
    tmp_path: Path, client: type[Talk], began: str, goes_on: str
) -> None:
    """A block that nobody knows is not translated: only its own maker could read it."""
    async with House(tmp_path / "elsewhere") as elsewhere:
        talk = client(elsewhere)
        for _ in range(3):
            await talk.turn(lambda: began, stream=False)
    async with House(tmp_path / "here") as here:
        talk.house = here
        for turn in range(4):
            await talk.turn(lambda: goes_on, stream=bool(turn % 2))
        assert set(here.statuses) == {200}
        assert all(begin_alike(bodies) for bodies in histories(here).values())


async def test_a_seal_that_its_maker_refuses_after_a_translation_is_left_out_for_good(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the provider has changed its keys."""
    talk = CodexTalk(house)
    for _ in range(2):
        await talk.turn(lambda: OPUS_4, stream=False)
    await house.restart()
    monkeypatch.setattr("tokenhub.simulator.model.signatures._KEY", b"another one")
    house.simulators["anthropic"].clear_calls()
    for turn in range(3):
        await talk.turn(lambda: OPUS_4, stream=bool(turn % 2))
        await house.restart()
    statuses = house.statuses
    assert statuses.count(400) == 1
    assert set(statuses) == {200, 400}
    bodies: list[Any] = next(iter(histories(house).values()))
    assert begin_alike(bodies[1:])
