"""`/v1/completions` through the official SDK."""

from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.simulator.raw import Raw
from tokenhub.simulator import Profile, Simulator

MODEL = "gpt-3.5-turbo-instruct"


async def test_a_completion_has_sixteen_tokens_unless_asked_for_more(
    openai_client: AsyncOpenAI,
) -> None:
    answer = await openai_client.completions.create(model=MODEL, prompt="def f(")
    assert answer.id.startswith("cmpl-")
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 16
    more = await openai_client.completions.create(model=MODEL, prompt="def f(", max_tokens=400)
    assert more.choices[0].finish_reason == "stop"


async def test_each_prompt_gets_n_choices_and_echo_repeats_it(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.completions.create(
        model=MODEL, prompt=["one", "two"], n=2, echo=True, logprobs=1
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert [choice.text[:3] for choice in answer.choices] == ["one", "one", "two", "two"]
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "one" + "".join(logprobs.tokens or []) == answer.choices[0].text


async def test_a_stream_says_the_same(openai_client: AsyncOpenAI) -> None:
    whole = await openai_client.completions.create(model=MODEL, prompt="x", max_tokens=9, echo=True)
    stream = await openai_client.completions.create(
        model=MODEL,
        prompt="x",
        max_tokens=9,
        echo=True,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].text for c in chunks if c.choices) == whole.choices[0].text
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage == whole.usage


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1, 2, 3]], None])
async def test_tokens_and_nothing_are_prompts_too(openai_client: AsyncOpenAI, prompt: Any) -> None:
    answer = await openai_client.completions.create(model=MODEL, prompt=prompt)
    assert answer.choices[0].text


async def test_stop_sequences_end_it(openai_sim: Simulator, openai_client: AsyncOpenAI) -> None:
    openai_sim.set(Profile(answer="a b c", usage=False))
    answer = await openai_client.completions.create(model=MODEL, prompt="x", stop=" b")
    assert answer.choices[0].text == "a"
    assert answer.usage is None


async def test_vllm_completes_with_its_chat_models(vllm_client: AsyncOpenAI) -> None:
    answer = await vllm_client.completions.create(
        model="meta-llama/Llama-3.1-8B-Instruct", prompt="x"
    )
    assert answer.choices[0].text


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "gpt-4o"}, 404, "This is a chat model and not supported in the v1/completions"),
        ({"prompt": {}}, 400, "Invalid value for 'prompt'."),
        ({"prompt": "word " * 4000}, 400, "maximum context length is 4097 tokens, however you"),
        ({"max_tokens": -1}, 400, "Expected a value >= 0"),
    ],
)
async def test_a_wrong_request_is_refused(
    openai_sim: Simulator, raw: Raw, change: dict[str, Any], status: int, words: str
) -> None:
    body = {"model": MODEL, "prompt": "x"} | change
    answer = await raw.post(f"{openai_sim.base_url}/v1/completions", body)
    assert answer.status == status
    assert words in answer.json["error"]["message"]
