"""A hub whose models are at two providers of different protocols, and how it is asked."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.road.asking import NOW_S, Reply, post
from tests.support.cast import MODELS
from tests.support.world import World
from tokenhub.simulator import Call, Profile, Simulator

SAID: Final = "One two three four five six seven eight nine ten."
HELLO: Final = [{"role": "user", "content": "hi"}]
LIMIT: Final = 50
PATIENT_S: Final = 5.0
"""Seconds that a provider may take: long enough for any test."""

NAMES: Final = {"gpt-4o": "claude-haiku-4-5", "claude-haiku-4-5": "gpt-4o"}
"""What each model is at the second provider, of the other kind, which has it too."""
KINDS: Final = {"gpt-4o": "openai", "claude-haiku-4-5": "anthropic"}
"""Who has a model first, and cheaper."""
OTHER: Final = {"openai": "anthropic", "anthropic": "openai"}
SPOKEN: Final = {
    ("chat", "openai"): "chat",
    ("native", "openai"): "chat",
    ("messages", "openai"): "chat",
    ("responses", "openai"): "responses",
}
"""By which API a provider is asked; Anthropic has but one."""
OPENING: Final = {"chat": 1, "messages": 2, "responses": 4}
"""So many events of a provider's stream come before any content."""


@dataclass(frozen=True)
class Road:
    """One way to ask for a model."""

    client: str
    model: str
    stream: bool

    def __str__(self) -> str:
        return f"{self.client}-{self.model}{'-stream' if self.stream else ''}"

    @property
    def kind(self) -> str:
        """The kind of the first provider."""
        return KINDS[self.model]

    @property
    def second(self) -> str:
        """The second provider's id."""
        return f"{self.kind}-{OTHER[self.kind]}"

    def spoken(self, *, second: bool = False) -> str:
        """The API by which a provider is asked."""
        kind = OTHER[self.kind] if second else self.kind
        return SPOKEN.get((self.client, kind), "messages")

    def translated(self, *, second: bool = False) -> bool:
        """Whether the request to a provider is another one than the client's."""
        own = "chat" if self.client == "native" else self.client
        return self.spoken(second=second) != own

    @property
    def path(self) -> str:
        return {
            "chat": "/v1/chat/completions",
            "native": "/v1/chat",
            "messages": "/v1/messages",
            "responses": "/v1/responses",
        }[self.client]

    def body(self, **fields: Any) -> dict[str, Any]:
        """What the client sends."""
        stream = {"stream": True} if self.stream else {}
        if self.client == "native":
            parameters = {"max_tokens": LIMIT} | fields
            asked = {"model_hint": self.model, "messages": HELLO, "parameters": parameters}
            return {"request": asked | stream}
        if self.client == "responses":
            return {
                "model": self.model,
                "input": "hi",
                "max_output_tokens": LIMIT,
                "store": False,
                **stream,
                **fields,
            }
        return {"model": self.model, "messages": HELLO, "max_tokens": LIMIT, **stream, **fields}


ROADS: Final = [
    Road(client, model, stream)
    for client in ("chat", "messages", "responses", "native")
    for model in KINDS
    for stream in (False, True)
]


class Crossing:
    """`async with Crossing() as hub`: two providers of each kind.

    `anthropic` has the model `claude-haiku-4-5`, for ten times its price `anthropic-openai` has it
    too, which speaks OpenAI's protocols; with `gpt-4o` it is the other way round.
    """

    def __init__(self, **world: Any) -> None:
        self.world = World(substitutes=False, now=lambda: NOW_S, **world)
        self._parts = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            await parts.enter_async_context(self.world)
            admin = self.world.admin
            for model, upstream in NAMES.items():
                kind = KINDS[model]
                id = f"{kind}-{OTHER[kind]}"
                twin = await parts.enter_async_context(Simulator(OTHER[kind]))
                self.world.simulators[id] = twin
                row = {"id": id, "type": OTHER[kind], "base_url": twin.base_url}
                await admin.add_provider(row)
                await admin.add_model(
                    {
                        "id": model,
                        "provider_id": id,
                        "upstream_name": upstream,
                        "max_context_tokens": 400_000,
                        "max_output_tokens": 4096,
                        **{name: 10 * usd for name, usd in prices(model).items()},
                    }
                )
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    def first(self, road: Road) -> Simulator:
        return self.world.simulators[road.kind]

    def second(self, road: Road) -> Simulator:
        return self.world.simulators[road.second]

    async def renew(self, road: Road, patience_s: float = PATIENT_S) -> None:
        """Let both be well and unknown to the hub; the first has so many seconds for anything."""
        for id, seconds in ((road.kind, patience_s), (road.second, PATIENT_S)):
            simulator = self.world.simulators[id]
            simulator.set(Profile(answer=SAID))
            simulator.clear_calls()
            names = ("timeout_secs", "first_event_timeout_secs", "stream_idle_timeout_secs")
            # A provider that was edited may do better: its health is forgotten.
            await self.world.admin.edit_provider(id, dict.fromkeys(names, seconds))

    async def ask(self, road: Road, **fields: Any) -> Reply:
        return await post(self.world, road.path, road.body(**fields))

    def calls(self, road: Road) -> tuple[list[Call], list[Call]]:
        return self.first(road).calls, self.second(road).calls

    async def decision(self, reply: Reply) -> dict[str, Any]:
        return await self.world.admin.decision(reply.headers["X-Request-Id"])

    async def row(self, reply: Reply) -> dict[str, Any]:
        return await self.world.log_of(reply.headers["X-Request-Id"])


def prices(model: str) -> dict[str, float]:
    """The prices of `model` at the first provider."""
    row = next(one for one in MODELS if one["id"] == model)
    return {name: row[name] for name in ("input_per_1k", "output_per_1k")}


def data_of(reply: Reply) -> list[dict[str, Any]]:
    """The data of a stream's events."""
    lines = [line for event in reply.events for line in event.splitlines()]
    found = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    return [json.loads(one) for one in found if one != b"[DONE]"]


def text_of(road: Road, reply: Reply) -> str:
    """All that the client was told by the model, read in its own protocol."""
    if road.stream:
        return "".join(_said(road, event) for event in data_of(reply))
    answer = reply.json.get("response", reply.json) if road.client == "native" else reply.json
    match road.client:
        case "messages":
            return "".join(str(block["text"]) for block in answer["content"])
        case "responses":
            parts = [part for item in answer["output"] for part in item["content"]]
            return "".join(str(part["text"]) for part in parts)
        case _:
            return str(answer["choices"][0]["message"]["content"])


def _said(road: Road, event: Mapping[str, Any]) -> str:
    match road.client:
        case "messages":
            return str(event["delta"]["text"]) if "text" in event.get("delta", ()) else ""
        case "responses":
            is_text = event["type"] == "response.output_text.delta"
            return str(event["delta"]) if is_text else ""
        case _:
            choices = event.get("choices", ())
            return "".join(choice["delta"].get("content") or "" for choice in choices)


def ended_well(road: Road, reply: Reply) -> bool:
    """Whether a stream has its protocol's own end."""
    match road.client:
        case "messages":
            return reply.events[-1].startswith(b"event: message_stop")
        case "responses":
            return reply.events[-1].startswith(b"event: response.completed")
        case _:
            return reply.events[-1] == b"data: [DONE]\n\n"


def error_of(road: Road, reply: Reply) -> dict[str, Any]:
    """The error that a client was told, whose shape must be that of its protocol."""
    told = data_of(reply)[-1] if road.stream and reply.status == 200 else reply.json
    match road.client:
        case "messages":
            assert told["type"] == "error"
            assert told["error"].keys() == {"type", "message"}
        case "responses" if "response" in told:
            assert told["type"] == "response.failed"
            told = told["response"]
            assert told["status"] == "failed"
        case _:
            assert told["error"].keys() >= {"message", "code"}
    return dict(told["error"])


def used(road: Road, reply: Reply) -> tuple[int, int]:
    """Input and output tokens, as a client that gets a whole answer is told them."""
    told = reply.json.get("response", reply.json)["usage"]
    names = ("prompt_tokens", "completion_tokens")
    if road.client in ("messages", "responses"):
        names = ("input_tokens", "output_tokens")
    return told[names[0]], told[names[1]]
