"""`/v1/embeddings` through the official SDK."""

from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.simulator.raw import Raw
from tokenhub.simulator import Simulator

MODEL = "text-embedding-3-small"


async def test_the_same_text_gets_the_same_unit_vector(openai_client: AsyncOpenAI) -> None:
    answer = await openai_client.embeddings.create(model=MODEL, input=["cat", "dog", "cat"])
    cat, dog, again = (item.embedding for item in answer.data)
    assert cat == again != dog
    assert len(cat) == 1536
    assert sum(value * value for value in cat) == pytest.approx(1)
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens == 3


async def test_floats_and_base64_are_the_same_vector(openai_client: AsyncOpenAI) -> None:
    packed = await openai_client.embeddings.create(model=MODEL, input="cat", dimensions=8)
    plain = await openai_client.embeddings.create(
        model=MODEL, input="cat", dimensions=8, encoding_format="float"
    )
    assert plain.data[0].embedding == pytest.approx(packed.data[0].embedding)


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2, 3]]])
async def test_tokens_are_taken_too(openai_client: AsyncOpenAI, tokens: Any) -> None:
    answer = await openai_client.embeddings.create(model=MODEL, input=tokens)
    assert answer.usage.prompt_tokens == 3


async def test_vllm_has_ids_and_its_own_sizes(vllm_client: AsyncOpenAI) -> None:
    answer = await vllm_client.embeddings.create(model="BAAI/bge-small-en-v1.5", input="cat")
    assert len(answer.data[0].embedding) == 384
    assert str(answer.to_dict()["id"]).startswith("embd-")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "gpt-4o"}, 403, "not allowed to generate embeddings from this model"),
        ({"input": None}, 400, "Missing required parameter: 'input'."),
        ({"input": []}, 400, "cannot be an empty array"),
        ({"input": {}}, 400, "expected a string or an array"),
        ({"input": ["a", None]}, 400, "expected a string or an array"),
        ({"input": [""]}, 400, "cannot be an empty string"),
        ({"input": ["a"] * 2049}, 400, "maximum length 2048"),
        ({"input": "word " * 9000}, 400, "maximum context length is 8192 tokens"),
        ({"dimensions": 9999}, 400, "<= 1536, but got 9999"),
        ({"encoding_format": "hex"}, 400, "'float' and 'base64'"),
    ],
)
async def test_a_wrong_request_is_refused(
    openai_sim: Simulator, raw: Raw, change: dict[str, Any], status: int, words: str
) -> None:
    body = {"model": MODEL, "input": "cat"} | change
    answer = await raw.post(f"{openai_sim.base_url}/v1/embeddings", body)
    assert answer.status == status
    assert words in answer.json["error"]["message"]


async def test_vllm_refuses_a_chat_model(vllm_sim: Simulator, raw: Raw) -> None:
    body = {"model": "Qwen/Qwen3-8B", "input": "cat"}
    answer = await raw.post(f"{vllm_sim.base_url}/v1/embeddings", body)
    assert answer.json["error"]["message"] == "The model does not support Embeddings API"
