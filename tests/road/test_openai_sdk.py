"""The official `openai` SDK, synchronous and asynchronous, on a real hub process."""

import json
from typing import Any

import openai as sdk
import pytest
from pydantic import BaseModel

from tests.road.conftest import done, events
from tests.support.cast import LLAMA
from tests.support.stage import Stage
from tokenhub.simulator import Failure

HELLO = [{"role": "user", "content": "Hello"}]


class City(BaseModel):
    name: str
    population: int


def tools(schema: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": name, "parameters": schema, "strict": True}}
        for name in names
    ]


async def raised(call: Any) -> sdk.APIStatusError:
    with pytest.raises(sdk.APIStatusError) as caught:
        await done(call())
    return caught.value


async def test_a_chat_is_answered(openai: Any, stage: Stage) -> None:
    answer = await done(openai.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id.startswith("req_")


async def test_the_cost_is_told_with_the_answer(openai: Any) -> None:
    raw = await done(
        openai.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    )
    usage = (await done(raw.parse())).usage
    dollars = (usage.prompt_tokens * 25 + usage.completion_tokens * 100) / 10_000_000
    assert float(raw.headers["x-tokenhub-cost-usd"]) == pytest.approx(dollars, abs=1e-12)
    assert raw.headers["x-tokenhub-model"] == "gpt-4o"


async def test_a_stream_says_the_same_as_the_whole_answer(openai: Any) -> None:
    whole = await done(openai.chat.completions.create(model="gpt-4o", messages=HELLO))
    chunks = await events(
        openai.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == (
        whole.choices[0].message.content
    )
    assert all(chunk.usage is None for chunk in chunks)


async def test_usage_comes_in_the_stream_when_it_is_asked_for(openai: Any) -> None:
    chunks = await events(
        openai.chat.completions.create(
            model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0


async def test_the_stream_helper_gathers_parallel_tool_calls(
    openai: Any, weather: dict[str, Any]
) -> None:
    manager = openai.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "get_weather here, get_weather there and get_time"}],
        tools=tools(weather, "get_weather", "get_time"),
    )
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            await events(stream)
            final = await stream.get_final_completion()
    else:
        with manager as stream:
            await events(stream)
            final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "get_weather", "get_time"]
    assert len({call.id for call in calls}) == 3
    assert all(json.loads(call.function.arguments) for call in calls)


async def test_tool_results_are_taken(openai: Any, weather: dict[str, Any]) -> None:
    asked = [{"role": "user", "content": "get_weather and get_time, please"}]
    offered = tools(weather, "get_weather", "get_time")
    first = await done(
        openai.chat.completions.create(model="gpt-4o", messages=asked, tools=offered)
    )
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "{}"} for call in message.tool_calls
    ]
    second = await done(
        openai.chat.completions.create(
            model="gpt-4o", messages=[*asked, message, *results], tools=offered
        )
    )
    assert second.choices[0].message.content
    assert not second.choices[0].message.tool_calls


async def test_structured_output_is_parsed(openai: Any) -> None:
    answer = await done(
        openai.chat.completions.parse(model="gpt-4o", messages=HELLO, response_format=City)
    )
    assert isinstance(answer.choices[0].message.parsed, City)


async def test_a_reasoning_model_counts_its_thoughts(openai: Any) -> None:
    answer = await done(
        openai.chat.completions.create(
            model="gpt-5", messages=HELLO, max_completion_tokens=4000, reasoning_effort="low"
        )
    )
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0


@pytest.mark.parametrize("encoding", ["float", "base64", None])
async def test_embeddings_come_in_every_encoding(openai: Any, encoding: str | None) -> None:
    extra = {} if encoding is None else {"encoding_format": encoding}
    answer = await done(
        openai.embeddings.create(model="text-embedding-3-small", input=["a", "b"], **extra)
    )
    assert [item.index for item in answer.data] == [0, 1]
    vector = answer.data[0].embedding
    assert isinstance(vector, str) if encoding == "base64" else len(vector) == 1536
    assert answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("model", ["gpt-3.5-turbo-instruct", LLAMA])
async def test_a_completion_is_answered_and_streamed(openai: Any, model: str) -> None:
    whole = await done(openai.completions.create(model=model, prompt="Once", max_tokens=20))
    chunks = await events(
        openai.completions.create(model=model, prompt="Once", max_tokens=20, stream=True)
    )
    said = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].text


async def test_models_are_listed_and_looked_up(openai: Any) -> None:
    listed = await events(openai.models.list())
    assert {"gpt-4o", "claude-sonnet-4-5", LLAMA} <= {model.id for model in listed}
    for name in ("gpt-4o", LLAMA):
        assert (await done(openai.models.retrieve(name))).id == name
    with pytest.raises(sdk.NotFoundError):
        await done(openai.models.retrieve("nothing"))


async def test_the_clients_id_comes_back(openai: Any) -> None:
    answer = await done(
        openai.chat.completions.create(
            model="gpt-4o", messages=HELLO, extra_headers={"X-Request-Id": "mine-7"}
        )
    )
    assert answer._request_id == "mine-7"


# Errors


async def test_a_wrong_key_is_an_authentication_error(openai: Any) -> None:
    stranger = openai.with_options(api_key="tokenhub_" + "0" * 64)
    error = await raised(lambda: stranger.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert isinstance(error, sdk.AuthenticationError)
    assert error.request_id


async def test_an_unknown_model_is_a_not_found_error(openai: Any) -> None:
    error = await raised(lambda: openai.chat.completions.create(model="gpt-4x", messages=HELLO))
    assert isinstance(error, sdk.NotFoundError)
    assert (error.code, error.param) == ("model_not_found", "model")
    assert "gpt-4o" in error.message


async def test_a_bad_parameter_is_the_providers_own_bad_request(openai: Any) -> None:
    error = await raised(
        lambda: openai.chat.completions.create(model="gpt-5", messages=HELLO, max_tokens=5)
    )
    assert isinstance(error, sdk.BadRequestError)
    assert error.code == "unsupported_parameter"
    assert "max_completion_tokens" in error.message


async def test_a_rate_limit_says_when_to_come_back(openai: Any, stage: Stage) -> None:
    stage.fail("openai", Failure.answer(429, retry_after="9"))
    error = await raised(lambda: openai.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert isinstance(error, sdk.RateLimitError)
    assert error.response.headers["retry-after"] == "9"


async def test_a_short_outage_is_not_seen_by_a_client(openai: Any, stage: Stage) -> None:
    stage.fail("openai", Failure.answer(503), times=1)
    answer = await done(openai.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert answer.choices[0].message.content
    assert len(stage.simulators["openai"].calls) == 2


async def test_a_client_that_retries_gets_over_a_longer_outage(openai: Any, stage: Stage) -> None:
    stage.fail("openai", Failure.answer(503), times=3)
    patient = openai.with_options(max_retries=1)
    answer = await done(patient.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert answer.choices[0].message.content
    assert len(stage.simulators["openai"].calls) == 4


async def test_what_a_repetition_cannot_help_is_not_retried(openai: Any, stage: Stage) -> None:
    patient = openai.with_options(max_retries=3)
    error = await raised(lambda: patient.chat.completions.create(model="nothing", messages=HELLO))
    assert isinstance(error, sdk.NotFoundError)
    error = await raised(
        lambda: patient.chat.completions.create(
            model="gpt-4o", messages=HELLO, extra_headers={"X-TokenHub-Min-Weight": "10"}
        )
    )
    assert error.status_code == 503
    assert error.response.headers["x-should-retry"] == "false"


async def test_a_budget_that_is_used_up_is_a_402(openai: Any, stage: Stage) -> None:
    spec = {"name": "poor", "monthly_budget_usd": 0.0000001}
    key = stage.administer(lambda admin: admin.create_api_key(spec))["key"]
    poor = openai.with_options(api_key=key)
    error = await raised(lambda: poor.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert (error.status_code, error.code) == (402, "budget_exceeded")
    assert stage.simulators["openai"].calls == []


async def test_a_model_that_is_not_allowed_is_a_permission_error(openai: Any, stage: Stage) -> None:
    spec = {"name": "narrow", "allowed_models": ["claude-*"]}
    key = stage.administer(lambda admin: admin.create_api_key(spec))["key"]
    narrow = openai.with_options(api_key=key)
    error = await raised(lambda: narrow.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert isinstance(error, sdk.PermissionDeniedError)


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_a_providers_trouble_is_a_server_error(
    openai: Any, stage: Stage, status: int
) -> None:
    stage.fail("openai", Failure.answer(status))
    error = await raised(lambda: openai.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert isinstance(error, sdk.InternalServerError)
    assert error.status_code == 502


async def test_a_stream_that_is_cut_raises(openai: Any, stage: Stage) -> None:
    stage.fail("openai", Failure.cut(after_events=3))
    with pytest.raises(sdk.APIError, match="cut off"):
        await events(openai.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))


async def test_a_stream_that_cannot_begin_raises_the_status(openai: Any, stage: Stage) -> None:
    stage.fail("openai", Failure.garbage())
    error = await raised(
        lambda: openai.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    )
    assert error.status_code == 502
