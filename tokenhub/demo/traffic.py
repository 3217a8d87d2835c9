"""Sample clients: requests of every kind, over HTTP, with a seeded choice of what comes next."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import aiohttp

_QUESTIONS = (
    "Summarise the release notes in three bullet points.",
    "Why does this test fail only on the second run?",
    "Write a SQL query that finds customers without orders.",
    "Translate 'a pleasure to look at' into French.",
    "Name a good book about distributed systems.",
    "What changed between HTTP/1.1 and HTTP/2?",
)
_CLIENTS = ("demo-editor/1.4", "demo-agent/0.9", "demo-notebook/2.0")
_CHAT = ("gpt-4o", "gpt-4o-mini", "gpt-4o-mini", "meta-llama/Llama-3.1-8B-Instruct")
_MESSAGES = ("claude-sonnet-5-5", "claude-haiku-4-5")


@dataclass(frozen=True, slots=True)
class Sample:
    """One request to send."""

    path: str
    body: dict[str, Any]
    client: str


def sample(source: random.Random) -> Sample:
    """The next request: mostly chats and messages, half of them streamed, some embeddings."""
    question = source.choice(_QUESTIONS)
    client = source.choice(_CLIENTS)
    dice = source.random()
    if dice < 0.1:
        body: dict[str, Any] = {"model": "text-embedding-3-small", "input": [question]}
        return Sample("/v1/embeddings", body, client)
    body = {
        "messages": [{"role": "user", "content": question}],
        "stream": source.random() < 0.5,
        "max_tokens": source.choice((60, 120, 240)),
    }
    if dice < 0.5:
        return Sample("/v1/messages", {"model": source.choice(_MESSAGES), **body}, client)
    return Sample("/v1/chat/completions", {"model": source.choice(_CHAT), **body}, client)


async def send(session: aiohttp.ClientSession, base_url: str, key: str, one: Sample) -> None:
    """Send `one` and read its answer; what came of it is told by the hub's own events."""
    headers = {"Authorization": f"Bearer {key}", "User-Agent": one.client}
    if one.path == "/v1/messages":
        headers["anthropic-version"] = "2023-06-01"
    try:
        async with session.post(base_url + one.path, json=one.body, headers=headers) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        return


async def keep_sending(base_url: str, key: str, *, seed: int, pause_s: float) -> None:
    """Send one request after the other until cancelled, about `pause_s` seconds apart."""
    source = random.Random(seed)  # noqa: S311 - the same traffic in every demo, no secret
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            await send(session, base_url, key, sample(source))
            await asyncio.sleep(source.uniform(0.5, 1.5) * pause_s)
