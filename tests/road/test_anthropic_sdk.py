"""The official `anthropic` SDK, synchronous and asynchronous, on a real hub process."""

import base64
from typing import Any

import anthropic as sdk
import pytest

from tests.road.conftest import done, events
from tests.support.stage import Stage
from tokenhub.simulator import Failure

MODEL = "claude-haiku-4-5"
HELLO = [{"role": "user", "content": "Hello"}]
ASK = {"model": MODEL, "max_tokens": 200, "messages": HELLO}
THINKING = {"type": "enabled", "budget_tokens": 1024}


async def raised(call: Any) -> sdk.APIStatusError:
    with pytest.raises(sdk.APIStatusError) as caught:
        await done(call())
    return caught.value


async def final_message(manager: Any) -> Any:
    """Read a stream helper to its end and return the message it put together."""
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            return await stream.get_final_message()
    with manager as stream:
        return stream.get_final_message()


async def test_a_message_is_answered(anthropic: Any) -> None:
    message = await done(anthropic.messages.create(**ASK))
    assert message.content[0].type == "text"
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    assert message._request_id


async def test_the_cost_is_told_with_the_message(anthropic: Any) -> None:
    raw = await done(anthropic.messages.with_raw_response.create(**ASK))
    usage = (await done(raw.parse())).usage
    dollars = (usage.input_tokens + usage.output_tokens * 5) / 1_000_000
    assert float(raw.headers["x-tokenhub-cost-usd"]) == pytest.approx(dollars, abs=1e-12)


async def test_a_stream_has_all_its_events_in_order(anthropic: Any) -> None:
    kinds = [event.type for event in await events(anthropic.messages.create(**ASK, stream=True))]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


async def test_the_stream_helper_puts_the_same_message_together(anthropic: Any) -> None:
    whole = await done(anthropic.messages.create(**ASK))
    streamed = await final_message(anthropic.messages.stream(**ASK))
    assert streamed.content[0].text == whole.content[0].text
    assert streamed.usage.output_tokens == whole.usage.output_tokens


async def test_parallel_tools_are_called_and_their_results_taken(
    anthropic: Any, weather: dict[str, Any]
) -> None:
    tools = [{"name": name, "input_schema": weather} for name in ("get_weather", "get_time")]
    asked = [{"role": "user", "content": "get_weather and get_time, please"}]
    ask = {"model": MODEL, "max_tokens": 500, "tools": tools}
    first = await final_message(anthropic.messages.stream(**ask, messages=asked))
    calls = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": "fine"} for c in calls]
    turns = [
        *asked,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    second = await done(anthropic.messages.create(**ask, messages=turns))
    assert second.content[0].type == "text"


@pytest.mark.parametrize("stream", [False, True])
async def test_thinking_comes_with_a_signature_that_can_be_replayed(
    anthropic: Any, stream: bool
) -> None:
    ask = {**ASK, "max_tokens": 2048, "thinking": THINKING}
    first = await (
        final_message(anthropic.messages.stream(**ask))
        if stream
        else done(anthropic.messages.create(**ask))
    )
    assert first.content[0].type == "thinking"
    assert first.content[0].signature
    turns = [
        *HELLO,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": "And then?"},
    ]
    second = await done(anthropic.messages.create(**{**ask, "messages": turns}))
    assert second.content[-1].type == "text"


async def test_a_forged_signature_is_left_out_the_second_time(anthropic: Any, stage: Stage) -> None:
    signature = base64.b64encode(anthropic.__class__.__name__.encode()).decode()
    forged = {"type": "thinking", "thinking": "hm", "signature": signature}
    content = [forged, {"type": "text", "text": "a"}]
    turns = [*HELLO, {"role": "assistant", "content": content}, *HELLO]
    ask = {**ASK, "max_tokens": 2048, "thinking": THINKING, "messages": turns}
    before = len(stage.simulators["anthropic"].calls)
    assert (await done(anthropic.messages.create(**ask))).type == "message"
    refused, taken = stage.simulators["anthropic"].calls[before:]
    assert refused.json["messages"][1]["content"] == content
    assert taken.json["messages"][1]["content"] == content[1:]


async def test_cache_marks_reach_the_provider_and_their_tokens_the_ledger(
    anthropic: Any, stage: Stage
) -> None:
    text = f"{anthropic.__class__.__name__} " + "Rules of the house. " * 800
    system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    ask = {**ASK, "system": system}
    written = await done(anthropic.messages.create(**ask))
    raw = await done(anthropic.messages.with_raw_response.create(**ask))
    read = (await done(raw.parse())).usage
    assert written.usage.cache_creation_input_tokens > 1024
    assert read.cache_read_input_tokens == written.usage.cache_creation_input_tokens
    nano = read.input_tokens * 1000 + read.cache_read_input_tokens * 100
    nano += read.output_tokens * 5000
    assert float(raw.headers["x-tokenhub-cost-usd"]) == pytest.approx(nano / 1e9, abs=1e-12)


async def test_structured_output_is_parsed(anthropic: Any) -> None:
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        population: int

    message = await done(anthropic.messages.parse(**ASK, output_format=City))
    assert isinstance(message.parsed_output, City)


async def test_models_are_listed_page_by_page_and_looked_up(anthropic: Any) -> None:
    listed = [model.id for model in await events(anthropic.models.list(limit=2))]
    assert {"gpt-4o", MODEL} <= set(listed)
    assert listed == sorted(set(listed))
    page = await done(anthropic.models.list(limit=2))
    assert page.has_more
    assert (await done(anthropic.models.retrieve(MODEL))).id == MODEL
    with pytest.raises(sdk.NotFoundError):
        await done(anthropic.models.retrieve("nothing"))


async def test_beta_features_and_their_headers_reach_the_provider(
    anthropic: Any, stage: Stage
) -> None:
    extra = {"betas": ["one-2025-01-01", "two"], "extra_query": {"beta": "true"}}
    await done(anthropic.beta.messages.create(**ASK, **extra))
    (call,) = stage.simulators["anthropic"].calls
    assert call.header("anthropic-beta") == "one-2025-01-01,two"
    assert call.query == "beta=true"


async def test_a_bearer_token_is_taken_as_the_key(stage: Stage) -> None:
    with sdk.Anthropic(base_url=stage.url, api_key=None, auth_token=stage.key) as client:
        message = client.messages.create(
            model=MODEL, max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
        assert message.content


# Errors


async def test_a_wrong_key_is_an_authentication_error(anthropic: Any) -> None:
    stranger = anthropic.with_options(api_key="tokenhub_" + "0" * 64)
    error = await raised(lambda: stranger.messages.create(**ASK))
    assert isinstance(error, sdk.AuthenticationError)
    assert error.request_id


async def test_an_unknown_model_is_a_not_found_error(anthropic: Any) -> None:
    error = await raised(lambda: anthropic.messages.create(**{**ASK, "model": "claude-haiku"}))
    assert isinstance(error, sdk.NotFoundError)
    assert MODEL in str(error)


async def test_a_bad_parameter_is_the_providers_own_bad_request(anthropic: Any) -> None:
    error = await raised(
        lambda: anthropic.messages.create(**{**ASK, "max_tokens": 1_000_000, "stream": True})
    )
    assert isinstance(error, sdk.BadRequestError)
    assert "max_tokens: 1000000 > 64000" in str(error)
    assert str(error.request_id).startswith("req_011C")


async def test_a_rate_limit_says_when_to_come_back(anthropic: Any, stage: Stage) -> None:
    stage.fail("anthropic", Failure.answer(429, retry_after="9"))
    error = await raised(lambda: anthropic.messages.create(**ASK))
    assert isinstance(error, sdk.RateLimitError)
    assert error.response.headers["retry-after"] == "9"


async def test_an_overloaded_provider_is_a_rate_limit_too(anthropic: Any, stage: Stage) -> None:
    stage.fail("anthropic", Failure.answer(529))
    error = await raised(lambda: anthropic.messages.create(**ASK, stream=True))
    assert isinstance(error, sdk.RateLimitError)


async def test_a_short_outage_is_not_seen_by_a_client(anthropic: Any, stage: Stage) -> None:
    stage.fail("anthropic", Failure.answer(500), times=1)
    answer = await done(anthropic.messages.create(**ASK))
    assert answer.content
    assert len(stage.simulators["anthropic"].calls) == 2


async def test_a_client_that_retries_gets_over_a_longer_outage(
    anthropic: Any, stage: Stage
) -> None:
    stage.fail("anthropic", Failure.answer(500), times=3)
    patient = anthropic.with_options(max_retries=1)
    assert (await done(patient.messages.create(**ASK))).content
    assert len(stage.simulators["anthropic"].calls) == 4


async def test_a_budget_that_is_used_up_is_a_402(anthropic: Any, stage: Stage) -> None:
    spec = {"name": "poor", "monthly_budget_usd": 0.0000001}
    key = stage.administer(lambda admin: admin.create_api_key(spec))["key"]
    poor = anthropic.with_options(api_key=key)
    error = await raised(lambda: poor.messages.create(**ASK))
    assert error.status_code == 402
    assert error.type == "billing_error"


async def test_a_scope_that_is_missing_is_a_permission_error(anthropic: Any, stage: Stage) -> None:
    spec = {"name": "narrow", "scopes": ["embeddings"]}
    key = stage.administer(lambda admin: admin.create_api_key(spec))["key"]
    narrow = anthropic.with_options(api_key=key)
    error = await raised(lambda: narrow.messages.create(**ASK))
    assert isinstance(error, sdk.PermissionDeniedError)


async def test_a_stream_that_is_cut_raises(anthropic: Any, stage: Stage) -> None:
    stage.fail("anthropic", Failure.cut(after_events=5))
    with pytest.raises(sdk.APIStatusError, match="cut off"):
        await events(anthropic.messages.create(**ASK, stream=True))


async def test_an_error_event_of_the_provider_raises(anthropic: Any, stage: Stage) -> None:
    stage.fail("anthropic", Failure.error_event(after_events=5, status=529))
    with pytest.raises(sdk.APIStatusError, match="Overloaded"):
        await events(anthropic.messages.create(**ASK, stream=True))
