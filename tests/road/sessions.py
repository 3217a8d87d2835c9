"""Conversations that go on for many turns, with tools and thinking, over restarts of the hub."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.support.cast import ADMIN_TOKEN, environment, furnish, provider, simulators
from tokenhub import config
from tokenhub.client import Client
from tokenhub.hub import SYSTEM_CLOCK, Hub
from tokenhub.simulator import Call, Simulator
from tokenhub.wire.body import parse

OPUS_4: Final = "claude-opus-4-5"
HAIKU: Final = "claude-haiku-4-5"
OPUS: Final = "claude-opus-5-5"
GPT: Final = "gpt-5"
MINI: Final = "o4-mini"
"""At a provider that has only responses."""
QWEN: Final = "Qwen/Qwen3-8B"

_MORE: Final = (
    (OPUS_4, "anthropic"),
    (OPUS, "anthropic"),
    (MINI, "openai-responses"),
    (QWEN, "vllm"),
)
_SCHEMA: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
_ASKED: Final = "Please call get_weather"
_FOUND: Final = "It rains."
_LISTS: Final = {
    "/v1/messages": "messages",
    "/v1/chat/completions": "messages",
    "/v1/responses": "input",
}

Json = dict[str, Any]
Pick = Callable[[], str]
"""Gives the model for the next request."""


class House:
    """`async with House(folder) as house`: a hub that can be restarted, and its simulators."""

    def __init__(self, home: Path) -> None:
        self.simulators: dict[str, Simulator] = simulators()
        self.key = "none yet"
        self._home = home
        self._parts = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            for simulator in self.simulators.values():
                await parts.enter_async_context(simulator)
            await self._open()
            parts.push_async_callback(self._close)
            base_urls = {kind: one.base_url for kind, one in self.simulators.items()}
            async with Client(self.url, ADMIN_TOKEN) as admin:
                self.key = await furnish(admin, base_urls)
                self.anthropic.api_key = self.openai.api_key = self.key
                row = provider("openai", base_urls["openai"])
                await admin.add_provider({**row, "id": "openai-responses", "apis": ["responses"]})
                for name, provider_id in _MORE:
                    await admin.add_model(
                        {
                            "id": name,
                            "provider_id": provider_id,
                            "max_context_tokens": 1_000_000,
                            "max_output_tokens": 8192,
                            "input_per_1k": 0.001,
                            "output_per_1k": 0.002,
                        }
                    )
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def restart(self) -> None:
        """Stop the hub and start another one on the same home."""
        await self._close()
        await self._open()

    async def _open(self) -> None:
        self._hub = Hub(config.load(environment(), home=self._home), SYSTEM_CLOCK)
        self.url = await self._hub.start()
        own: Any = {"api_key": self.key, "max_retries": 0}
        self.anthropic = AsyncAnthropic(base_url=self.url, **own)
        self.openai = AsyncOpenAI(base_url=f"{self.url}/v1", **own)

    async def _close(self) -> None:
        await self.anthropic.close()
        await self.openai.close()
        await self._hub.stop()

    @property
    def calls(self) -> list[Call]:
        """What came to all simulators."""
        return [call for one in self.simulators.values() for call in one.calls]

    @property
    def statuses(self) -> list[int | None]:
        """How all calls of models were answered."""
        return [call.status for call in self.calls]


def histories(house: House) -> dict[tuple[str, str], list[bytes]]:
    """The bytes of each conversation that came, without its last bracket, by path and model."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for call in house.calls:
        document = parse(call.body)
        name = _LISTS[call.path]
        key = (call.path, str(document.value["model"]))
        found.setdefault(key, []).append(document.raw(name).rstrip()[:-1].rstrip())
    return found


def begin_alike(bodies: Sequence[bytes]) -> bool:
    """Whether each body begins with all bytes of the one before."""
    return all(later.startswith(one) for one, later in pairwise(bodies))


class Talk:
    """One conversation of a client, of which each request may go to another model."""

    def __init__(self, house: House) -> None:
        self.said: list[Json] = []
        self.house = house

    async def turn(self, pick: Pick, *, stream: bool) -> None:
        """Ask for a tool and answer its calls until none comes."""
        self.said.append({"role": "user", "content": _ASKED})
        while True:
            calls = await self.one(pick(), stream=stream)
            if not calls:
                return
            self.said += self.results(calls)

    async def one(self, model: str, *, stream: bool) -> list[str]:
        """One request; the ids of the calls in the answer, which is added to what was said."""
        raise NotImplementedError

    def results(self, calls: Sequence[str]) -> list[Json]:
        """What is said of the calls."""
        raise NotImplementedError


class ClaudeTalk(Talk):
    """As Claude Code does: the content of each answer is sent back as it came."""

    tools: Final = [{"name": "get_weather", "input_schema": _SCHEMA}]
    thinking: Mapping[str, Any] = MappingProxyType({"type": "enabled", "budget_tokens": 1024})

    async def one(self, model: str, *, stream: bool) -> list[str]:
        asked: Json = {
            "model": model,
            "max_tokens": 4000,
            "thinking": dict(self.thinking),
            "tools": self.tools,
            "messages": self.said,
        }
        if stream:
            async with self.house.anthropic.messages.stream(**asked) as events:
                answer: Any = await events.get_final_message()
        else:
            answer = await self.house.anthropic.messages.create(**asked)
        blocks: list[Json] = [block.to_dict() for block in answer.content]
        for block in blocks:
            block.pop("parsed_output", None)  # what only the SDK's streams add
        self.said.append({"role": "assistant", "content": blocks})
        return [block["id"] for block in blocks if block["type"] == "tool_use"]

    def results(self, calls: Sequence[str]) -> list[Json]:
        given = [{"type": "tool_result", "tool_use_id": id, "content": _FOUND} for id in calls]
        return [{"role": "user", "content": given}]


class CodexTalk(Talk):
    """As Codex does: nothing is stored, the output of each answer is added to the input."""

    tools: Final = [
        {"type": "function", "name": "get_weather", "parameters": _SCHEMA, "strict": False}
    ]

    async def one(self, model: str, *, stream: bool) -> list[str]:
        asked: Json = {
            "model": model,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": "low", "summary": "auto"},
            "tools": self.tools,
            "input": self.said,
        }
        answer: Any = await self.house.openai.responses.create(**asked, stream=stream)
        if stream:
            last = [event async for event in answer][-1]
            assert last.type == "response.completed"
            answer = last.response
        items: list[Json] = [item.to_dict() for item in answer.output]
        self.said += items
        return [item["call_id"] for item in items if item["type"] == "function_call"]

    def results(self, calls: Sequence[str]) -> list[Json]:
        return [{"type": "function_call_output", "call_id": id, "output": _FOUND} for id in calls]


class ChatTalk(Talk):
    """As programs for OpenAI-compatible servers do: the message is sent back as it came."""

    tools: Final = [
        {"type": "function", "function": {"name": "get_weather", "parameters": _SCHEMA}}
    ]

    async def one(self, model: str, *, stream: bool) -> list[str]:
        asked: Json = {
            "model": model,
            "max_completion_tokens": 4000,
            "reasoning_effort": "low",
            "tools": self.tools,
            "messages": self.said,
        }
        answer: Any = await self.house.openai.chat.completions.create(**asked, stream=stream)
        chunks = [chunk async for chunk in answer] if stream else []
        message = _joined(chunks) if stream else answer.choices[0].message.to_dict()
        self.said.append(message)
        return [call["id"] for call in message.get("tool_calls") or []]

    def results(self, calls: Sequence[str]) -> list[Json]:
        return [{"role": "tool", "tool_call_id": id, "content": _FOUND} for id in calls]


def _joined(chunks: Sequence[Any]) -> Json:
    """The message of a stream, with what it thought."""
    message: Json = {"role": "assistant", "content": ""}
    calls: dict[int, Json] = {}
    for chunk in chunks:
        delta = chunk.choices[0].delta.to_dict() if chunk.choices else {}
        for name in ("content", "reasoning_content"):
            if delta.get(name):
                message[name] = message.get(name, "") + delta[name]
        for part in delta.get("tool_calls") or []:
            empty: Json = {"type": "function", "function": {"arguments": ""}}
            call = calls.setdefault(part["index"], empty)
            call["id"] = part.get("id") or call["id"]
            function = part["function"]
            call["function"]["name"] = function.get("name") or call["function"]["name"]
            call["function"]["arguments"] += function.get("arguments") or ""
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return message


def weight(body: bytes) -> int:
    """Blocks of thinking and items of reasoning in a request."""
    value = json.loads(body)
    blocks = [*value.get("input", ()), *value.get("messages", ())]
    for message in value.get("messages", ()):
        content = message.get("content")
        blocks += content if isinstance(content, list) else []
    kinds = ("thinking", "redacted_thinking", "reasoning")
    told = [one for one in blocks if one.get("type") in kinds or one.get("reasoning_content")]
    return len(told)
