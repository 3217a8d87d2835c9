"""No value of a wrong type makes a simulator fall over."""

from typing import Any

import pytest

from tests.simulator.raw import Raw
from tests.simulator.rich import RICH
from tokenhub.simulator import Simulator

ODD: list[Any] = [1, -1, 1.5, "x", True, None, [], [1], [None], [{}], {}, {"type": 1}, {"a": []}]
HELLO = [{"role": "user", "content": "Hello"}]
SHARED = ("model", "stream", "stream_options", "tools", "tool_choice", "temperature", "metadata")
CHAT = (
    "messages", "max_tokens", "max_completion_tokens", "n", "stop", "logprobs", "top_logprobs",
    "response_format", "reasoning_effort", "parallel_tool_calls",
)  # fmt: skip
RESPONSES = (
    "input", "instructions", "max_output_tokens", "reasoning", "text", "include", "store",
    "previous_response_id", "top_logprobs", "truncation", "top_p",
)  # fmt: skip
MESSAGES = (
    "messages", "max_tokens", "system", "thinking", "stop_sequences", "cache_control",
    "output_config",
)  # fmt: skip
APIS: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("openai", "chat/completions", {"model": "o3", "messages": HELLO}, CHAT),
    ("vllm", "chat/completions", {"model": "Qwen/Qwen3-8B", "messages": HELLO}, CHAT),
    ("openai", "responses", {"model": "gpt-4o", "input": "Hello"}, RESPONSES),
    (
        "openai",
        "completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": "x"},
        ("prompt", "max_tokens", "n", "echo", "logprobs", "stop"),
    ),
    (
        "openai",
        "embeddings",
        {"model": "text-embedding-3-small", "input": "x"},
        ("input", "dimensions", "encoding_format"),
    ),
    (
        "anthropic",
        "messages",
        {"model": "claude-haiku-4-5", "max_tokens": 2000, "messages": HELLO},
        MESSAGES,
    ),
    (
        "anthropic",
        "messages/count_tokens",
        {"model": "claude-haiku-4-5", "messages": HELLO},
        MESSAGES,
    ),
]


@pytest.mark.parametrize(("kind", "path", "body", "fields"), APIS)
async def test_an_odd_value_gets_an_answer_or_a_clear_refusal(
    raw: Raw, kind: str, path: str, body: dict[str, Any], fields: tuple[str, ...]
) -> None:
    fallen = []
    async with Simulator(kind) as simulator:
        for field in (*SHARED, *fields):
            for value in ODD:
                answer = await raw.post(f"{simulator.base_url}/v1/{path}", body | {field: value})
                if answer.status not in (200, 400, 404):
                    fallen.append((field, value, answer.status))
    assert not fallen


@pytest.mark.parametrize("value", ODD)
async def test_odd_values_inside_messages_do_no_harm(raw: Raw, value: Any) -> None:
    async with Simulator("openai") as openai, Simulator("anthropic") as anthropic:
        for message in (
            {"role": "user", "content": [value]},
            {"role": "user", "content": [{"type": "text", "text": value}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": value}]},
            {"role": "assistant", "content": "x", "tool_calls": value},
            {"role": "assistant", "content": "x", "tool_calls": [value]},
            {"role": "user", "content": [{"type": "tool_result", "content": value}]},
            {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": value}]},
            {"role": value, "content": "x"},
        ):
            for base, path, model in (
                (openai.base_url, "chat/completions", "gpt-4o"),
                (anthropic.base_url, "messages", "claude-haiku-4-5"),
            ):
                body = {"model": model, "max_tokens": 50, "messages": [message]}
                answer = await raw.post(f"{base}/v1/{path}", body)
                assert answer.status in (200, 400), message


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in `value`."""
    inner = list(value.items()) if isinstance(value, dict) else []
    inner += list(enumerate(value)) if isinstance(value, list) else []
    found = [path] if path else []
    for key, part in inner:
        found += _places(part, (*path, key))
    return found


def _put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of `body` with `value` at `path`."""
    if not path:
        return value
    copy = body.copy()
    copy[path[0]] = _put(copy[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("api", RICH)
async def test_a_request_that_uses_everything_is_taken(raw: Raw, api: str) -> None:
    kind, path, body = RICH[api]
    async with Simulator(kind) as simulator:
        for stream in (False, True):
            url = f"{simulator.base_url}/v1/{path}"
            answer = await raw.post(url, body | {"stream": stream})
            assert answer.status == 200, answer.body


@pytest.mark.parametrize("api", RICH)
async def test_an_odd_value_anywhere_gets_an_answer_or_a_clear_refusal(raw: Raw, api: str) -> None:
    kind, path, body = RICH[api]
    fallen = []
    async with Simulator(kind) as simulator:
        for place in _places(body):
            for value in ODD:
                odd = _put(body, place, value)
                answer = await raw.post(f"{simulator.base_url}/v1/{path}", odd)
                if answer.status not in (200, 400, 404):
                    fallen.append((place, value, answer.status))
    assert not fallen
