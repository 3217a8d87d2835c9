"""Each kind of answer that a test may ask a simulator for, in every API."""

from typing import Any

import pytest

from tests.simulator.raw import Answered, Raw
from tests.simulator.rich import SCHEMA
from tokenhub.simulator import Failure, Finish, Profile, Simulator

HELLO = [{"role": "user", "content": "Hello"}]
BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat": ("openai", "chat/completions", {"model": "gpt-4o", "messages": HELLO}),
    "vllm": ("vllm", "chat/completions", {"model": "Qwen/Qwen3-8B", "messages": HELLO}),
    "responses": ("openai", "responses", {"model": "gpt-4o", "input": "Hello"}),
    "messages": (
        "anthropic",
        "messages",
        {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": HELLO},
    ),
}
REFUSAL = "I can't help with that."


class Services:
    """A simulator of each kind."""

    def __init__(self, simulators: dict[str, Simulator], raw: Raw) -> None:
        self.simulators = simulators
        self.raw = raw

    async def ask(self, api: str, profile: Profile | None = None, **change: Any) -> Answered:
        kind, path, body = BODIES[api]
        self.simulators[kind].set(profile or Profile())
        url = f"{self.simulators[kind].base_url}/v1/{path}"
        return await self.raw.post(url, body | change)


@pytest.fixture
async def services(
    openai_sim: Simulator, vllm_sim: Simulator, anthropic_sim: Simulator, raw: Raw
) -> Services:
    simulators = {"openai": openai_sim, "vllm": vllm_sim, "anthropic": anthropic_sim}
    return Services(simulators, raw)


def end_of(api: str, answer: Answered) -> str:
    """Why a whole answer ended."""
    body = answer.json
    if api == "messages":
        return str(body["stop_reason"])
    if api == "responses":
        details = body["incomplete_details"]
        return f"{body['status']} {details['reason']}" if details else str(body["status"])
    return str(body["choices"][0]["finish_reason"])


def end_of_stream(api: str, answer: Answered) -> str:
    """Why a streamed answer ended."""
    found = ""
    for _, data in answer.events:
        if api == "messages" and data["type"] == "message_delta":
            found = data["delta"]["stop_reason"]
        elif api == "responses" and data["type"].startswith(("response.comp", "response.inc")):
            details = data["response"]["incomplete_details"]
            found = f"{data['response']['status']} {details['reason'] if details else ''}".strip()
        elif api in ("chat", "vllm") and data != "[DONE]" and data["choices"]:
            found = data["choices"][0]["finish_reason"] or found
    return found


ENDS: dict[Finish, dict[str, str]] = {
    Finish.LENGTH: {
        "chat": "length",
        "vllm": "length",
        "responses": "incomplete max_output_tokens",
        "messages": "max_tokens",
    },
    Finish.FILTERED: {
        "chat": "content_filter",
        "vllm": "content_filter",
        "responses": "incomplete content_filter",
        "messages": "refusal",
    },
    Finish.PAUSED: {
        "chat": "stop",
        "vllm": "stop",
        "responses": "completed",
        "messages": "pause_turn",
    },
    Finish.WINDOW: {
        "chat": "length",
        "vllm": "length",
        "responses": "incomplete max_output_tokens",
        "messages": "model_context_window_exceeded",
    },
}


@pytest.mark.parametrize("finish", ENDS)
@pytest.mark.parametrize("api", BODIES)
async def test_an_answer_ends_as_the_profile_says(
    services: Services, api: str, finish: Finish
) -> None:
    profile = Profile(answer="one two three four", stop=finish)
    assert end_of(api, await services.ask(api, profile)) == ENDS[finish][api]
    streamed = await services.ask(api, profile, stream=True)
    assert end_of_stream(api, streamed) == ENDS[finish][api]


async def test_a_filter_leaves_half_of_the_words(services: Services) -> None:
    profile = Profile(answer="one two three four", stop=Finish.FILTERED)
    chat = await services.ask("chat", profile)
    messages = await services.ask("messages", profile)
    assert chat.json["choices"][0]["message"]["content"] == "one two"
    assert messages.json["content"] == [{"type": "text", "text": "one two"}]
    assert messages.json["stop_details"]["type"] == "refusal"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_empty_answer_has_no_content_and_costs_a_token(
    services: Services, stream: bool
) -> None:
    profile = Profile(answer="")
    for api in BODIES:
        answer = await services.ask(api, profile, stream=stream)
        end = end_of_stream(api, answer) if stream else end_of(api, answer)
        assert end in ("stop", "completed", "end_turn")
    messages = await services.ask("messages", profile)
    assert messages.json["content"] == []
    assert messages.json["usage"]["output_tokens"] == 1
    chat = await services.ask("chat", profile)
    assert chat.json["choices"][0]["message"]["content"] == ""


async def test_a_refusal_stands_where_each_api_has_it(services: Services) -> None:
    profile = Profile(refusal=REFUSAL)
    chat = (await services.ask("chat", profile)).json["choices"][0]
    assert (chat["message"]["content"], chat["message"]["refusal"]) == (None, REFUSAL)
    assert chat["finish_reason"] == "stop"
    response = (await services.ask("responses", profile)).json
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": REFUSAL}]
    message = (await services.ask("messages", profile)).json
    assert (message["content"], message["stop_reason"]) == ([], "refusal")
    assert message["stop_details"]["explanation"] == REFUSAL
    vllm = (await services.ask("vllm", profile)).json["choices"][0]["message"]
    assert (vllm["content"], vllm["refusal"]) == (REFUSAL, None)


async def test_a_refusals_logprobs_are_its_own(services: Services) -> None:
    profile = Profile(refusal=REFUSAL)
    whole = (await services.ask("chat", profile, logprobs=True)).json["choices"][0]["logprobs"]
    assert whole["content"] is None
    assert "".join(entry["token"] for entry in whole["refusal"]) == REFUSAL
    streamed = await services.ask("chat", profile, logprobs=True, stream=True)
    pieces = [data["choices"][0] for _, data in streamed.events[:-1]]
    told = [piece["logprobs"] for piece in pieces if "refusal" in piece["delta"]]
    assert all(logprobs["content"] is None for logprobs in told if logprobs)


@pytest.mark.parametrize("names", [("reasoning",), ("reasoning", "reasoning_content")])
async def test_vllm_shows_its_thinking_under_the_names_of_its_version(
    services: Services, names: tuple[str, ...]
) -> None:
    profile = Profile(answer="Yes", reasoning_fields=names)
    message = (await services.ask("vllm", profile)).json["choices"][0]["message"]
    shown = {name for name in ("reasoning", "reasoning_content") if message.get(name)}
    assert shown == set(names)
    streamed = await services.ask("vllm", profile, stream=True)
    deltas = [data["choices"][0]["delta"] for _, data in streamed.events[:-1]]
    thought = "".join(delta.get(names[0], "") for delta in deltas)
    assert thought == message[names[0]]


async def test_a_response_that_fails_says_so_with_200(services: Services) -> None:
    failure = Failure.failed_response(status=429)
    answer = await services.ask("responses", Profile(failure=failure))
    assert answer.status == 200
    assert answer.json["status"] == "failed"
    assert answer.json["error"]["code"] == "rate_limit_exceeded"
    streamed = await services.ask("responses", Profile(failure=failure), stream=True)
    names = [name for name, _ in streamed.events]
    numbers = [data["sequence_number"] for _, data in streamed.events]
    assert names[-2:] == ["error", "response.failed"]
    assert numbers == [0, 1, 2, 3]


@pytest.mark.parametrize("api", ["chat", "vllm", "messages"])
async def test_the_other_apis_have_no_failed_response_but_an_error(
    services: Services, api: str
) -> None:
    profile = Profile(failure=Failure.failed_response(status=503))
    assert (await services.ask(api, profile)).status == 503
    streamed = await services.ask(api, profile, stream=True)
    assert any("error" in data for _, data in streamed.events if data != "[DONE]")


async def test_vllm_says_done_even_after_an_error(services: Services) -> None:
    profile = Profile(failure=Failure.error_event(2))
    streamed = await services.ask("vllm", profile, stream=True)
    assert streamed.events[-2][1]["error"]["type"] == "InternalServerError"
    assert streamed.events[-1][1] == "[DONE]"


async def test_an_error_inside_a_stream_may_have_a_code(services: Services) -> None:
    failure = Failure.error_event(2, status=429, code="insufficient_quota")
    streamed = await services.ask("chat", Profile(failure=failure), stream=True)
    assert streamed.events[-1][1]["error"]["code"] == "insufficient_quota"


async def test_a_custom_tool_of_chat_gets_text(services: Services) -> None:
    change: dict[str, Any] = {
        "tools": [{"type": "custom", "custom": {"name": "run"}}],
        "tool_choice": {"type": "custom", "custom": {"name": "run"}},
    }
    message = (await services.ask("chat", **change)).json["choices"][0]["message"]
    [call] = message["tool_calls"]
    assert (call["type"], call["custom"]["name"]) == ("custom", "run")
    streamed = await services.ask("chat", **change, stream=True)
    parts = [data["choices"][0]["delta"].get("tool_calls") for _, data in streamed.events[:-1]]
    said = "".join(part[0]["custom"]["input"] for part in parts if part)
    assert said == call["custom"]["input"]


async def test_tools_are_not_called_again_while_the_users_turn_brings_results(
    services: Services,
) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
        {"role": "user", "content": "What look brought, as an image"},
    ]
    answer = await services.ask("chat", messages=history, tools=[tool])
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    later = [*history, {"role": "assistant", "content": "A cat."}, *history[:1]]
    again = await services.ask("chat", messages=later, tools=[tool])
    assert again.json["choices"][0]["finish_reason"] == "tool_calls"


def test_a_profile_keeps_what_it_asks_for_as_json() -> None:
    profile = Profile(
        refusal="No.",
        stop=Finish.PAUSED,
        reasoning_fields=("reasoning",),
        failure=Failure.failed_response(announced=False),
    )
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.parametrize("stop", [Finish.TOOLS, Finish.STOP, "length"])
def test_a_profile_names_the_ends_that_it_may_force(stop: Any) -> None:
    with pytest.raises(ValueError, match="stop: expected one of content_filter, length"):
        Profile(stop=stop)
