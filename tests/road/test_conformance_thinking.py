"""A client sends back what it was told, thinking and all, to the provider that said it or another.

Whoever takes the next turn takes it: thinking comes home to its maker and to nobody else.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.support.conformance.asks import Ask, Call, Result, Text, assistant, user
from tests.support.conformance.features import kind_of
from tests.support.conformance.rows import THINKERS, WEATHER
from tests.support.conformance.sayings import Saying, saying
from tests.support.conformance.stage import Stage
from tests.support.conformance.writing import body_of
from tokenhub.simulator import Profile

CLIENTS: Final = ("chat", "responses", "messages")
PLACES: Final = ("openai", "openai-responses", "anthropic", "vllm")
SESSIONS: Final = [
    (client, first, second)
    for client in CLIENTS
    for first in PLACES
    for second in PLACES
    # The simulators of one kind make the same seals, as two providers do not.
    if first == second or kind_of(first) != kind_of(second)
    # OpenAI's chat takes no ids as long as vLLM's, and bytes of its own protocol stay as they are.
    if (client, first, second) != ("chat", "vllm", "openai")
]
QUESTION: Final = Ask((user("Ask get_weather."),), tools=(WEATHER,), effort="low", limit=9000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage() as made:
        yield made


def next_body(client: str, said: Saying, model: str, *, stream: bool) -> dict[str, Any]:
    """The next turn as a program writes it: all that was said, and the results of the calls."""
    calls = [Call(id, name, arguments) for id, name, arguments in said.calls]
    results = [Result(call.id, (Text("Rain."),)) for call in calls]
    text = [Text(said.text)] if said.text else []
    turns = (*QUESTION.turns, assistant(*text, *calls), user(*results))
    body = body_of(client, replace(QUESTION, turns=turns), model, stream=stream)
    (seal,) = said.seals or [""]
    if client == "messages" and seal:
        block = {"type": "thinking", "thinking": said.thinking, "signature": seal}
        body["messages"][1]["content"].insert(0, block)
    if client == "responses" and seal:
        summary = [{"type": "summary_text", "text": said.thinking}] if said.thinking else []
        item = {"type": "reasoning", "id": said.sealed_in[0], "summary": summary}
        body["input"].insert(1, item | {"encrypted_content": seal})
    return body


def thoughts(body: dict[str, Any]) -> list[str]:
    """The thinking in what a provider was asked: by its seal, in chat by its words."""
    found: list[str] = []
    for turn in body.get("messages") or body["input"]:
        if turn.get("type") == "reasoning":
            found.append(turn["encrypted_content"])
        if turn.get("reasoning_content"):
            found.append(turn["reasoning_content"])
        if turn.get("role") == "assistant" and isinstance(turn["content"], list):
            found += [block["signature"] for block in turn["content"] if "signature" in block]
    return found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("client", "first", "second"), SESSIONS)
async def test_thinking_goes_back_to_its_maker_and_to_nobody_else(
    stage: Stage, client: str, first: str, second: str, stream: bool
) -> None:
    tap = await stage.play(first, Profile())
    model = f"{first}/{THINKERS[first.partition('-')[0]]}"
    reply = await stage.ask(client, body_of(client, QUESTION, model, stream=stream))
    assert reply.wire.status == 200, reply.wire.body
    made_by = tap.calls[-1].api
    made = saying(made_by, tap.calls[-1].answer, strict=False)
    told = saying(client, reply.wire, strict=False)
    assert told.calls
    tap = await stage.play(second, Profile())
    model = f"{second}/{THINKERS[second.partition('-')[0]]}"
    again = await stage.ask(client, next_body(client, told, model, stream=stream))
    assert again.wire.status == 200, again.wire.body
    assert saying(client, again.wire, strict=True).error is None
    *repaired, call = tap.calls
    assert [one.answer.status for one in repaired] in ([], [400])
    back = thoughts(json.loads(call.asked))
    if first != second or client == "chat":
        assert back == []
    elif call.api == "chat":
        assert back == ([made.thinking] if made.thinking else [])
    else:
        assert back == made.seals
    # OpenAI's chat, which is asked for nobody but a client of its own, shows no thinking.
    unshown = (client, first) == ("chat", "openai")
    assert (made_by == "chat" and first == "openai") is unshown
    assert bool(made.seals or made.thinking) is not unshown
