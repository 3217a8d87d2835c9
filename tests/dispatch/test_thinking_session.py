"""Sessions that alternate between two models, against the simulators, over restarts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tokenhub.dispatch.provenance import Provenance
from tokenhub.dispatch.repair import AS_IT_IS, edits, repair_of
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError
from tokenhub.simulator import Simulator
from tokenhub.storage.database import Database
from tokenhub.types import Api, Deployment, ErrorClass, Provider, ProviderType
from tokenhub.wire.body import parse, set_model, splice
from tokenhub.wire.thinking import seals_in

Json = dict[str, Any]
PATHS = {Api.MESSAGES: "/v1/messages", Api.RESPONSES: "/v1/responses"}
TURNS = 20
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass
class Road:
    """What the hub does with a request, in short, and what it sent."""

    api: Api
    home: Path
    simulator: Simulator
    session: aiohttp.ClientSession
    statuses: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    async def start(self) -> None:
        self.database = Database.open(self.home / "tokenhub.sqlite", now_ms=lambda: 1)
        self.provenance = Provenance(self.database, lambda: 1)

    async def restart(self) -> None:
        await self.database.close()
        await self.start()

    def target(self, model: str) -> Target:
        kind = ProviderType.ANTHROPIC if self.api is Api.MESSAGES else ProviderType.OPENAI
        provider = Provider("p", kind, (self.simulator.base_url,))
        return Target(Deployment(model, "p", model), provider, self.api)

    async def ask(self, model: str, body: Json) -> Json:
        """The answer of `model`; it may be asked twice."""
        target, document = self.target(model), parse(json.dumps(body).encode())
        known = await self.provenance.know(seals_in(self.api, document))
        repair = AS_IT_IS
        answer: Json = {}
        for _ in range(2):
            changes = edits(self.api, document, known, target, repair)
            self.sent.append(splice(document, [set_model(document, model), *changes]))
            status, answer = await self._post(self.sent[-1])
            if status == 200:
                self.provenance.refused(repair.refused, target)
                self.provenance.learn(seals_of(answer), target)
                return answer
            error = UpstreamError(
                ErrorClass.INVALID, "", status=status, body=json.dumps(answer).encode()
            )
            found = repair_of(error, self.api, self.sent[-1], known, target)
            assert found is not None, answer
            repair = found
        raise AssertionError(answer)

    async def _post(self, body: bytes) -> tuple[int, Json]:
        headers = {"anthropic-version": "2023-06-01", "content-type": "application/json"}
        url = self.simulator.base_url + PATHS[self.api]
        async with self.session.post(url, data=body, headers=headers) as response:
            self.statuses.append(response.status)
            return response.status, await response.json()


def seals_of(answer: Json) -> list[str]:
    blocks = answer.get("content") or answer.get("output") or []
    found = [block.get("signature") or block.get("encrypted_content") for block in blocks]
    return [seal for seal in found if seal]


@asynccontextmanager
async def road(api: Api, home: Path) -> AsyncIterator[Road]:
    kind = "anthropic" if api is Api.MESSAGES else "openai"
    async with Simulator(kind, seed=1) as simulator, aiohttp.ClientSession() as session:
        made = Road(api, home, simulator, session)
        await made.start()
        try:
            yield made
        finally:
            await made.database.close()


async def claude(hub: Road, messages: list[Json], model: str) -> None:
    """One turn of a Claude client, with its tool calls answered."""
    messages.append({"role": "user", "content": "Please call get_weather"})
    while True:
        answer = await hub.ask(
            model,
            {
                "model": "auto",
                "max_tokens": 4000,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "tools": [{"name": "get_weather", "input_schema": SCHEMA}],
                "messages": messages,
            },
        )
        messages.append({"role": "assistant", "content": answer["content"]})
        calls = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
        if not calls:
            return
        given = [{"type": "tool_result", "tool_use_id": id_, "content": "rain"} for id_ in calls]
        messages.append({"role": "user", "content": given})


async def codex(hub: Road, items: list[Json], model: str) -> None:
    """One turn of a client of responses, with its tool calls answered."""
    items.append({"role": "user", "content": "Please call get_weather"})
    while True:
        answer = await hub.ask(
            model,
            {
                "model": "auto",
                "store": False,
                "include": ["reasoning.encrypted_content"],
                "tools": [
                    {
                        "type": "function",
                        "name": "get_weather",
                        "parameters": SCHEMA,
                        "strict": False,
                    }
                ],
                "input": items,
            },
        )
        items += answer["output"]
        calls = [item for item in answer["output"] if item["type"] == "function_call"]
        if not calls:
            return
        items += [
            {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
            for call in calls
        ]


CLIENTS = {
    Api.MESSAGES: (claude, ["claude-opus-4-5", "claude-sonnet-4-5"]),
    Api.RESPONSES: (codex, ["gpt-5", "o4-mini"]),
}


@pytest.mark.parametrize("api", list(CLIENTS))
def test_a_session_that_alternates_between_two_models_is_never_refused(
    api: Api, tmp_path: Path
) -> None:
    async def play() -> None:
        one_turn, models = CLIENTS[api]
        said: list[Json] = []
        async with road(api, tmp_path) as hub:
            for turn in range(TURNS):
                await one_turn(hub, said, models[turn % 2])
                if turn == TURNS // 2:
                    await hub.restart()
            assert set(hub.statuses) == {200}
            assert len(hub.statuses) >= 2 * TURNS
            ours = seals_in(api, parse(hub.sent[-1]))
            assert 0 < len(ours) < len(seals_in(api, parse(json.dumps({key(api): said}).encode())))

    asyncio.run(play())


@pytest.mark.parametrize("api", list(CLIENTS))
def test_a_session_that_began_elsewhere_is_refused_once_a_model(api: Api, tmp_path: Path) -> None:
    async def play() -> None:
        one_turn, models = CLIENTS[api]
        said: list[Json] = []
        async with road(api, tmp_path / "elsewhere") as other:
            for turn in range(6):
                await one_turn(other, said, models[turn % 2])
        async with road(api, tmp_path / "here") as hub:
            for turn in range(6):
                await one_turn(hub, said, models[turn % 2])
                await hub.restart()
            assert hub.statuses.count(400) == 2
            assert set(hub.statuses) == {200, 400}

    asyncio.run(play())


@pytest.mark.parametrize("api", list(CLIENTS))
def test_a_model_that_takes_over_in_a_tool_loop_is_not_refused(api: Api, tmp_path: Path) -> None:
    async def play() -> None:
        one_turn, models = CLIENTS[api]
        said: list[Json] = []
        async with road(api, tmp_path) as hub:
            await one_turn(hub, said, models[0])
            # Back to where the tool results had just been given.
            while said[-1].get("type") != "function_call_output" and not (
                isinstance(said[-1].get("content"), list)
                and said[-1]["content"][0]["type"] == "tool_result"
            ):
                said.pop()
            body = json.loads(hub.sent[-1]) | {key(api): said}
            await hub.ask(models[1], body)
            assert set(hub.statuses) == {200}
            if api is Api.MESSAGES:
                assert json.loads(hub.sent[-1])["thinking"] == {"type": "disabled"}

    asyncio.run(play())


def key(api: Api) -> str:
    return "messages" if api is Api.MESSAGES else "input"
