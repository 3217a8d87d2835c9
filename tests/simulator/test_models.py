"""The model lists through the official SDKs, and vLLM's `/health`."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI, NotFoundError

from tests.simulator.raw import Raw
from tokenhub.simulator import Simulator


async def test_openais_models_are_listed_and_found(openai_client: AsyncOpenAI) -> None:
    listed = [model async for model in openai_client.models.list()]
    assert "gpt-4o" in [model.id for model in listed]
    one = await openai_client.models.retrieve("gpt-4o")
    assert one.owned_by == "system"
    with pytest.raises(NotFoundError):
        await openai_client.models.retrieve("gpt-9")


async def test_vllms_models_have_slashes_and_their_context(vllm_client: AsyncOpenAI) -> None:
    one = await vllm_client.models.retrieve("Qwen/Qwen3-8B")
    assert one.id == "Qwen/Qwen3-8B"
    assert one.to_dict()["max_model_len"] == 40_960


async def test_anthropics_models_come_in_pages_newest_first(
    anthropic_client: AsyncAnthropic,
) -> None:
    first = await anthropic_client.models.list(limit=2)
    assert first.has_more
    assert len(first.data) == 2
    everything = [model async for model in anthropic_client.models.list(limit=2)]
    assert len(everything) == 6
    dates = [model.created_at for model in everything]
    assert dates == sorted(dates, reverse=True)
    back = await anthropic_client.models.list(limit=1, before_id=everything[2].id)
    assert [model.id for model in back.data] == [everything[1].id]
    assert back.has_more


async def test_one_of_anthropics_models_says_what_it_can(anthropic_client: AsyncAnthropic) -> None:
    one = await anthropic_client.models.retrieve("claude-haiku-4-5")
    assert one.display_name == "Claude Haiku 4.5"
    assert one.capabilities is not None
    assert one.capabilities.thinking.supported


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?limit=0", 400, "limit: Input should be greater than or equal to 1"),
        ("?limit=1001", 400, "limit: Input should be less than or equal to 1000"),
        ("?limit=x", 400, "limit: Input should be a valid integer"),
        ("/claude-9", 404, "model: claude-9"),
    ],
)
async def test_a_wrong_question_is_refused(
    anthropic_sim: Simulator, raw: Raw, query: str, status: int, words: str
) -> None:
    answer = await raw.get(f"{anthropic_sim.base_url}/v1/models{query}")
    assert answer.status == status
    assert answer.json["error"]["message"] == words


async def test_vllm_is_healthy_without_a_key(raw: Raw) -> None:
    async with Simulator("vllm", api_key="secret") as simulator:
        healthy = await raw.get(f"{simulator.base_url}/health")
        version = await raw.get(f"{simulator.base_url}/version")
        refused = await raw.get(f"{simulator.base_url}/v1/models")
    assert (healthy.status, healthy.body) == (200, b"")
    assert "version" in version.json
    assert (refused.status, refused.json) == (401, {"error": "Unauthorized"})


async def test_a_simulator_has_the_models_it_is_given(raw: Raw) -> None:
    names = ["gpt-4o", "my/own-model", "my-embedder"]
    async with Simulator("openai", models=names) as simulator:
        listed = await raw.get(f"{simulator.base_url}/v1/models")
        body = {"model": "my-embedder", "input": "x"}
        vector = await raw.post(f"{simulator.base_url}/v1/embeddings", body)
        inputs: dict[str, dict[str, Any]] = {
            "chat/completions": {"messages": [{"role": "user", "content": "x"}]},
            "completions": {"prompt": "x"},
        }
        for path, asked in inputs.items():
            wanted = {"model": "my/own-model", **asked}
            answer = await raw.post(f"{simulator.base_url}/v1/{path}", wanted)
            assert answer.json["model"] == "my/own-model"
    assert [item["id"] for item in listed.json["data"]] == names
    assert vector.status == 200


@pytest.mark.parametrize(
    ("kind", "method", "path", "status", "words"),
    [
        ("openai", "POST", "/v1/foo", 404, "Invalid URL (POST /v1/foo)"),
        ("openai", "GET", "/v1/embeddings", 405, "Not allowed to GET on /v1/embeddings."),
        ("openai", "POST", "/v1/messages", 404, "Invalid URL"),
        ("anthropic", "POST", "/v1/foo", 404, "Not found"),
        ("anthropic", "DELETE", "/v1/models/x", 405, "Method Not Allowed"),
        ("vllm", "GET", "/v1/foo", 404, "Not Found"),
        ("vllm", "GET", "/v1/completions", 405, "Method Not Allowed"),
    ],
)
async def test_an_unknown_path_or_method_is_refused_in_the_services_shape(
    raw: Raw, kind: str, method: str, path: str, status: int, words: str
) -> None:
    async with Simulator(kind) as simulator:
        answer = await raw.send(method, simulator.base_url + path)
    assert answer.status == status
    assert words in answer.json["error"]["message"]
