"""The simulators' streams beside those of the real services, and both in the SDKs' hands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from anthropic import APIStatusError, AsyncAnthropic
from anthropic.types import RawMessageStreamEvent
from openai import APIError, AsyncOpenAI, ContentFilterFinishReasonError
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from tests.simulator.golden_files import FOLDER, Event, player, recorded, shape, shapes, steps
from tests.simulator.raw import Raw
from tokenhub.simulator import Failure, Finish, Profile, Simulator

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
PATHS = {
    "chat": "/v1/chat/completions",
    "vllm": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
MODELS = {
    "chat": "gpt-4o",
    "vllm": "Qwen/Qwen3-8B",
    "responses": "gpt-4o",
    "messages": "claude-haiku-4-5",
}
KINDS = {"chat": "openai", "vllm": "vllm", "responses": "openai", "messages": "anthropic"}


@dataclass(frozen=True)
class Case:
    """A golden file and how the simulator is brought to the same stream."""

    name: str
    text: str = "Hello"
    profile: Profile = field(default_factory=lambda: Profile(answer="Good day"))
    extra: dict[str, Any] = field(default_factory=dict)
    fails: bool = False

    @property
    def api(self) -> str:
        return self.name.split("_", 1)[0]

    @property
    def body(self) -> dict[str, Any]:
        said = [{"role": "user", "content": self.text}]
        body: dict[str, Any] = {"model": MODELS[self.api], "stream": True, **self.extra}
        body |= {"input": said} if self.api == "responses" else {"messages": said}
        if self.api == "messages":
            body.setdefault("max_tokens", 4000)
        if "get_" in self.text:
            body["tools"] = [_tool(self.api, name) for name in ("get_weather", "get_time")]
        return body


def _tool(api: str, name: str) -> dict[str, Any]:
    match api:
        case "messages":
            return {"name": name, "input_schema": WEATHER}
        case "responses":
            return {"type": "function", "name": name, "parameters": WEATHER, "strict": True}
        case _:
            return {"type": "function", "function": {"name": name, "parameters": WEATHER}}


REFUSES = Profile(refusal="I can't do that.")
FILTERED = Profile(answer="Well then", stop=Finish.FILTERED)
USAGE = {"stream_options": {"include_usage": True}}
REASONING = {
    "model": "o3",
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
}
CUSTOM = {
    "tools": [{"type": "custom", "name": "run"}],
    "tool_choice": {"type": "custom", "name": "run"},
}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def _failing(failure: Failure) -> Profile:
    return Profile(answer="Good day", failure=failure)


CASES = [
    Case("chat_text", extra=USAGE),
    Case("chat_tool", "get_weather"),
    Case("chat_parallel", "get_weather and get_time"),
    Case("chat_refusal", profile=REFUSES),
    Case("chat_filter", profile=FILTERED),
    Case("chat_error", profile=_failing(Failure.error_event(2)), fails=True),
    Case("vllm_reasoning_content"),
    Case(
        "vllm_reasoning",
        profile=Profile(answer="Yes", reasoning_fields=("reasoning",)),
    ),
    Case("responses_text"),
    Case("responses_tool", "get_weather"),
    Case("responses_parallel", "get_weather and get_time"),
    Case("responses_reasoning", extra=REASONING),
    Case("responses_refusal", profile=REFUSES),
    Case("responses_custom_tool", extra=CUSTOM),
    Case("responses_length", profile=Profile(answer="Well then", stop=Finish.LENGTH)),
    Case("responses_filter", profile=FILTERED),
    Case("responses_error", profile=_failing(Failure.error_event(2))),
    Case("responses_failed", profile=_failing(Failure.failed_response(announced=False))),
    Case("responses_announced", profile=_failing(Failure.failed_response()), fails=True),
    Case("messages_text"),
    Case("messages_tool", "get_weather"),
    Case("messages_parallel", "get_weather and get_time"),
    Case("messages_thinking", extra=THINKING),
    Case("messages_refusal", profile=FILTERED),
    Case("messages_error", profile=_failing(Failure.error_event(5, status=529)), fails=True),
]
BY_NAME = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])

UNTYPED = {
    ".obfuscation",
    ".request_id",
    ".choices[].delta.reasoning",
    ".choices[].delta.reasoning_content",
    ".choices[].stop_reason",
    ".item.status",
    ".response.output[].status",
    ".response.frequency_penalty",
    ".response.presence_penalty",
    ".response.store",
}
"""Fields that the services send and the SDKs' types do not have."""


@asynccontextmanager
async def simulated(case: Case) -> AsyncIterator[str]:
    async with Simulator(KINDS[case.api], case.profile, seed=1) as simulator:
        yield simulator.base_url


async def played(case: Case, raw: Raw) -> list[Event]:
    """The simulator's stream of this case."""
    async with simulated(case) as base_url:
        answer = await raw.post(f"{base_url}{PATHS[case.api]}", case.body)
    assert answer.status == 200, answer.body
    return answer.events


@BY_NAME
async def test_the_events_come_in_the_recorded_order(case: Case, raw: Raw) -> None:
    assert steps(await played(case, raw)) == steps(recorded(case.name))


@BY_NAME
async def test_each_event_has_the_recorded_fields(case: Case, raw: Raw) -> None:
    ours, theirs = shapes(await played(case, raw)), shapes(recorded(case.name))
    unheard = {".system_fingerprint"} if case.api == "vllm" else set()
    lacking = {step: fields - ours.get(step, set()) - unheard for step, fields in theirs.items()}
    assert not {step: fields for step, fields in lacking.items() if fields}


def _parsed(case: Case, data: Any) -> BaseModel:
    if case.api in ("chat", "vllm"):
        return ChatCompletionChunk.model_validate(data, strict=True)
    union: Any = ResponseStreamEvent if case.api == "responses" else RawMessageStreamEvent
    parsed: BaseModel = TypeAdapter(union).validate_python(data)
    return parsed


def _unknown(value: Any, path: str = "") -> set[str]:
    """The fields in `value` that its type does not have."""
    if isinstance(value, list):
        return {inner for item in value for inner in _unknown(item, f"{path}[]")}
    if not isinstance(value, BaseModel):
        return set()
    found = {f"{path}.{name}" for name in value.model_extra or {}}
    for name in type(value).model_fields:
        found |= _unknown(getattr(value, name), f"{path}.{name}")
    return found


@BY_NAME
async def test_each_event_is_one_of_the_sdks_types_and_has_no_other_fields(
    case: Case, raw: Raw
) -> None:
    for name, data in await played(case, raw):
        said_apart = name in ("ping", "error") or data == "[DONE]" or "error" in data
        if not said_apart:
            assert _unknown(_parsed(case, data)) <= UNTYPED
            assert shape(data)


async def _accumulated(case: Case, base_url: str) -> str:
    """What the SDK makes of the stream at `base_url`: the end of it in a few words."""
    if case.api == "messages":
        return await _message(case, base_url)
    async with AsyncOpenAI(
        base_url=f"{base_url}/v1", api_key="x", max_retries=0, timeout=10
    ) as client:
        if case.api == "responses":
            return await _response(case, client)
        state: Any = ChatCompletionStreamState()
        async for chunk in await client.chat.completions.create(**case.body):
            state.handle_chunk(chunk)
        try:
            choice = state.get_final_completion().choices[0]
        except ContentFilterFinishReasonError:
            return "content_filter"
    calls = [call.function.name for call in choice.message.tool_calls or []]
    said = "refusal" if choice.message.refusal else ""
    return " ".join([choice.finish_reason, *calls, said]).strip()


async def _message(case: Case, base_url: str) -> str:
    body = {key: value for key, value in case.body.items() if key != "stream"}
    async with (
        AsyncAnthropic(base_url=base_url, api_key="x", max_retries=0, timeout=10) as client,
        client.messages.stream(**body) as stream,
    ):
        message = await stream.get_final_message()
    return " ".join([str(message.stop_reason), *(block.type for block in message.content)])


async def _response(case: Case, client: AsyncOpenAI) -> str:
    stream: Any = await client.responses.create(**case.body)
    last = [event async for event in stream][-1]
    if last.type == "error":
        return f"error {last.code}"
    if last.type == "response.failed":
        return f"failed {last.response.error.code}"
    body = {key: value for key, value in case.body.items() if key != "stream"}
    async with client.responses.stream(**body) as helper:
        events: list[Any] = [event async for event in helper]
    last = events[-1]
    kinds = [item.type for item in last.response.output]
    details = last.response.incomplete_details
    return " ".join([last.response.status, details.reason if details else "", *kinds])


@BY_NAME
async def test_the_sdk_makes_the_same_of_both(case: Case) -> None:
    async with simulated(case) as simulator, player(case.name) as recording:
        if case.fails:
            for base_url in (simulator, recording):
                with pytest.raises((APIError, APIStatusError)):
                    await _accumulated(case, base_url)
            return
        assert await _accumulated(case, simulator) == await _accumulated(case, recording)


def test_every_recording_says_where_it_stands() -> None:
    names = {path.stem for path in FOLDER.glob("*.sse")}
    assert names == {case.name for case in CASES}
    for name in names:
        assert "https://" in (FOLDER / f"{name}.sse").read_text().split("\n\n")[0]
