"""What a request costs is what its provider reports, whatever protocol the client speaks.

The report is taken from a second simulator that gets the same bodies in the same order, and read
here by the provider's own documentation.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.road.asking import VERSION, Reply, post
from tests.road.reading import data_of
from tests.support.cast import provider
from tests.support.world import World
from tokenhub.simulator import Simulator

Json = dict[str, Any]
LONG = "The same long story, told once more. " * 400
LONGER = "And what came after that was longer still. " * 300
NANO_A_TOKEN = {
    "claude": {"input": 3000, "output": 15_000, "read": 301, "5m": 3751, "1h": 6007},
    "gpt": {"input": 1250, "output": 10_000, "read": 126, "5m": 1250, "1h": 1250},
    "gpt-responses": {"input": 1250, "output": 10_000, "read": 126, "5m": 1250, "1h": 1250},
    "qwen": {"input": 100, "output": 200, "read": 11, "5m": 100, "1h": 100},
}
"""Numbers by which no two kinds of token can be taken for each other."""
UPSTREAM = {
    "claude": ("anthropic", "claude-opus-4-5"),
    "gpt": ("openai", "gpt-5"),
    "gpt-responses": ("openai-responses", "gpt-5"),
    "qwen": ("vllm", "Qwen/Qwen3-8B"),
}


def cached(text: str, ttl: str) -> Json:
    """A text after which Anthropic's prompt is cached for `ttl`."""
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}


TWICE_CACHED = [
    {"role": "system", "content": [cached(LONG, "1h")]},
    {"role": "user", "content": [cached(LONGER, "5m"), {"type": "text", "text": "Why?"}]},
]
LONG_TALK = [{"role": "user", "content": LONG}]
THINKING = {"type": "enabled", "budget_tokens": 1024}


@dataclass(frozen=True)
class Case:
    """A client, the model it asks for, and what for."""

    client: str
    model: str
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.client}-{self.model}"

    @property
    def path(self) -> str:
        return f"/v1/{'chat/completions' if self.client == 'chat' else self.client}"


CASES = [
    Case("chat", "claude", {"messages": TWICE_CACHED, "max_completion_tokens": 300}),
    Case(
        "chat",
        "claude",
        {"messages": LONG_TALK, "max_completion_tokens": 3000, "reasoning_effort": "low"},
    ),
    Case("chat", "gpt-responses", {"messages": LONG_TALK, "reasoning_effort": "low"}),
    Case("responses", "claude", {"input": LONG_TALK, "reasoning": {"effort": "low"}}),
    Case("messages", "gpt", {"messages": LONG_TALK, "max_tokens": 3000}),
    Case("messages", "gpt", {"messages": LONG_TALK, "max_tokens": 3000, "thinking": THINKING}),
    Case(
        "messages",
        "gpt-responses",
        {"messages": LONG_TALK, "max_tokens": 3000, "thinking": THINKING},
    ),
    Case("messages", "qwen", {"messages": LONG_TALK, "max_tokens": 3000, "thinking": THINKING}),
]


@dataclass(frozen=True)
class Report:
    """Tokens, each counted once but that `thought` ones are output too."""

    plain: int
    read: int
    written_5m: int
    written_1h: int
    output: int
    thought: int

    def nano(self, model: str) -> int:
        price = NANO_A_TOKEN[model]
        return (
            self.plain * price["input"]
            + self.read * price["read"]
            + self.written_5m * price["5m"]
            + self.written_1h * price["1h"]
            + self.output * price["output"]
        )


def claudes(usage: Json) -> Report:
    made = usage.get("cache_creation") or {}
    return Report(
        usage["input_tokens"],
        usage["cache_read_input_tokens"],
        made.get("ephemeral_5m_input_tokens", 0),
        made.get("ephemeral_1h_input_tokens", 0),
        usage["output_tokens"],
        (usage.get("output_tokens_details") or {}).get("thinking_tokens", 0),
    )


def openais(usage: Json) -> Report:
    into, out = (
        ("prompt_tokens", "completion_tokens")
        if "prompt_tokens" in usage
        else ("input_tokens", "output_tokens")
    )
    given = usage.get(f"{into}_details") or {}
    read = given.get("cached_tokens") or 0
    made = usage.get(f"{out}_details") or {}
    return Report(usage[into] - read, read, 0, 0, usage[out], made.get("reasoning_tokens") or 0)


def usage_in(reply: Reply, *, stream: bool) -> Json:
    """The usage in an answer, or gathered from the events of a stream."""
    if not stream:
        return dict(reply.json["usage"])
    found: Json = {}
    for event in data_of(reply):
        holder = event.get("message") or event.get("response") or event
        found |= {name: one for name, one in (holder.get("usage") or {}).items() if one is not None}
    return found


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(substitutes=False) as made:
        row = provider("openai", made.simulators["openai"].base_url)
        await made.admin.add_provider({**row, "id": "openai-responses", "apis": ["responses"]})
        for name, price in NANO_A_TOKEN.items():
            provider_id, upstream = UPSTREAM[name]
            await made.admin.add_model(
                {
                    "id": name,
                    "provider_id": provider_id,
                    "upstream_name": upstream,
                    "max_context_tokens": 200_000,
                    "max_output_tokens": 8192,
                    "input_per_1k": price["input"] / 1e6,
                    "output_per_1k": price["output"] / 1e6,
                    "cached_input_per_1k": price["read"] / 1e6,
                    "cache_write_5m_per_1k": price["5m"] / 1e6,
                    "cache_write_1h_per_1k": price["1h"] / 1e6,
                }
            )
        yield made


async def reports(world: World, kind: str) -> list[Report]:
    """What a simulator reports that gets the bodies which came to the one of `kind`."""
    found = []
    async with Simulator(kind, seed=1) as second:
        for call in world.simulators[kind].calls:
            url = second.base_url.removesuffix("/v1") + call.path
            headers = {"Content-Type": "application/json", **VERSION}
            async with world.http.post(url, data=call.body, headers=headers) as response:
                assert response.status == 200
                reply = Reply(response.status, response.headers, await response.read())
            told = usage_in(reply, stream=bool(call.json.get("stream")))
            found.append(claudes(told) if kind == "anthropic" else openais(told))
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_translated_request_costs_what_its_provider_reports(
    world: World, case: Case, stream: bool
) -> None:
    body: Json = {"model": case.model, **case.body}
    if stream:
        body |= {"stream": True}
        body |= {"stream_options": {"include_usage": True}} if case.client == "chat" else {}
    replies = [await post(world, case.path, body) for _ in range(2)]
    kind = UPSTREAM[case.model][0].removesuffix("-responses")
    if (case.client, case.model) == ("messages", "gpt"):
        path = "/v1/responses" if "thinking" in case.body else "/v1/chat/completions"
        assert {call.path for call in world.simulators[kind].calls} == {path}
    told = await reports(world, kind)
    assert len(told) == 2
    for reply, report in zip(replies, told, strict=True):
        assert reply.status == 200, reply.body
        row = await world.log_of(reply.headers["X-Request-Id"])
        written = report.written_5m + report.written_1h
        assert row["input_tokens"] == report.plain + report.read + written
        assert row["cached_input_tokens"] == report.read
        assert row["cache_write_tokens"] == written
        assert row["output_tokens"] == report.output
        assert row["reasoning_tokens"] == report.thought
        assert not row["estimated"]
        assert round(row["cost_usd"] * 1e9) == report.nano(case.model)

        usage = usage_in(reply, stream=stream)
        heard = claudes(usage) if case.client == "messages" else openais(usage)
        assert heard.plain + heard.read == report.plain + report.read + written
        assert (heard.read, heard.output) == (report.read, report.output)
        assert heard.thought == report.thought
        if not stream:
            cost = float(reply.headers["X-TokenHub-Cost-USD"])
            assert round(cost * 1e9) == report.nano(case.model)

    first, second = told
    if case.body.get("messages") is TWICE_CACHED:
        assert first.written_1h > first.written_5m > 0
        assert second.read == first.written_5m + first.written_1h
    elif kind == "openai":
        assert second.read > 0
    if "thinking" in case.body or "reasoning" in case.body or "reasoning_effort" in case.body:
        assert kind == "vllm" or first.thought > 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_claude_client_is_told_of_both_caches_by_its_own_provider(
    world: World, stream: bool
) -> None:
    system, user = TWICE_CACHED
    body = {
        "model": "claude",
        "max_tokens": 300,
        "system": system["content"],
        "messages": [user],
        "stream": stream,
    }
    reply = await post(world, "/v1/messages", body)
    (report,) = await reports(world, "anthropic")
    row = await world.log_of(reply.headers["X-Request-Id"])
    assert report.written_1h > report.written_5m > 0
    assert round(row["cost_usd"] * 1e9) == report.nano("claude")
