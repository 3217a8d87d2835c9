"""What `/v1/messages` takes only with a beta."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic, BadRequestError, beta_async_tool
from anthropic.types import ThreadUnsupportedRequestErrorDetails

from tests.simulator.raw import Answered, Raw
from tokenhub.simulator import Simulator

MODEL = "claude-haiku-4-5"
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "schema": SCHEMA}
THREADS = "message-threads-2026-08-12"
OUTPUTS = "structured-outputs-2025-11-13"
UPDATES = "thinking-display-updates-2026-08-18"


async def ask(simulator: Simulator, raw: Raw, change: dict[str, Any], betas: str) -> Answered:
    body = {"model": MODEL, "max_tokens": 2000, "messages": HELLO} | change
    headers = {"anthropic-beta": betas} if betas else {}
    return await raw.post(f"{simulator.base_url}/v1/messages", body, **headers)


@pytest.mark.parametrize(
    ("change", "betas", "words"),
    [
        ({"thread": {"type": "create"}}, "", "thread: Extra inputs are not permitted"),
        ({"thread": {"type": "create"}}, OUTPUTS, "thread: Extra inputs are not permitted"),
        ({"thread": "create"}, THREADS, "thread: Input should be an object"),
        (
            {"thread": {"type": "go"}},
            THREADS,
            "thread: Input tag 'go' found using 'type' does not match any of the expected tags: "
            "'continue', 'create'",
        ),
        (
            {"thread": {"type": "continue"}},
            THREADS,
            "thread.continue.previous_message_id: Field required",
        ),
        ({"betas": [THREADS]}, THREADS, "betas: Extra inputs are not permitted"),
        ({"mcp_servers": []}, THREADS, "mcp_servers: Extra inputs are not permitted"),
        (
            {"output_format": FORMAT},
            "",
            "output_format: This field is deprecated. Use 'output_config.format' instead. See "
            "https://platform.claude.com/docs/en/build-with-claude/structured-outputs for more "
            "information.",
        ),
        ({"output_format": {}}, OUTPUTS, "output_format.type: Input should be 'json_schema'"),
        (
            {"output_format": {"type": "json_schema"}},
            OUTPUTS,
            "output_format.schema: Field required",
        ),
        (
            {"model": "claude-opus-5-5", "thinking": {"type": "adaptive", "display": "updates"}},
            "",
            "thinking.adaptive.display: Input should be 'summarized', 'omitted'",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "updates"}},
            UPDATES,
            "thinking.enabled.display: Input should be 'summarized', 'omitted'",
        ),
        (
            {"model": "claude-opus-5-5", "thinking": {"type": "adaptive", "display": "all"}},
            UPDATES,
            "thinking.adaptive.display: Input should be 'summarized', 'omitted', 'updates'",
        ),
    ],
)
async def test_it_is_refused_in_its_own_words(
    anthropic_sim: Simulator, raw: Raw, change: dict[str, Any], betas: str, words: str
) -> None:
    answer = await ask(anthropic_sim, raw, change, betas)
    assert (answer.status, answer.json["error"]["message"]) == (400, words)


@pytest.mark.parametrize(
    "thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_01"}]
)
async def test_a_thread_is_refused_with_details_for_programs(
    anthropic_sim: Simulator, raw: Raw, thread: dict[str, Any]
) -> None:
    answer = await ask(anthropic_sim, raw, {"thread": thread, "messages": HELLO}, f"x,{THREADS}")
    error = answer.json["error"]
    assert (answer.status, error["type"]) == (400, "invalid_request_error")
    details = ThreadUnsupportedRequestErrorDetails.model_validate(error["details"], strict=True)
    assert details.unsupported == ["hipaa"]


async def test_a_thread_that_may_not_go_on_without_fails(anthropic_client: AsyncAnthropic) -> None:
    thread = anthropic_client.beta.messages.thread(model=MODEL, max_tokens=50, messages=HELLO)
    with pytest.raises(BadRequestError, match="threads are not supported"):
        await thread.send()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_runner_goes_on_without_a_thread(
    anthropic_sim: Simulator, anthropic_client: AsyncAnthropic, stream: bool
) -> None:
    asked = []

    @beta_async_tool
    async def get_time(city: str) -> str:
        """The time in a city."""
        asked.append(city)
        return "noon"

    runner: Any = anthropic_client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=500,
        messages=[{"role": "user", "content": "Use get_time"}],
        tools=[get_time],
        stream=stream,
    )
    message = await runner.until_done()
    assert len(asked) == 1
    assert message.stop_reason == "end_turn"
    assert len(anthropic_sim.calls) == 3


async def test_the_older_field_for_structured_output_is_taken_with_its_beta(
    anthropic_sim: Simulator, raw: Raw
) -> None:
    old = await ask(anthropic_sim, raw, {"output_format": FORMAT}, OUTPUTS)
    new = await ask(anthropic_sim, raw, {"output_config": {"format": FORMAT}}, "")
    assert old.status == 200
    assert old.json["content"] == new.json["content"]
    assert old.json["content"][0]["text"].startswith('{"city": ')


@pytest.mark.parametrize(("text", "shown"), [("Hello", False), ("Use look_up", True)])
async def test_updates_show_only_the_thinking_that_leads_to_calls(
    anthropic_sim: Simulator, raw: Raw, text: str, shown: bool
) -> None:
    change = {
        "model": "claude-opus-5-5",
        "messages": [{"role": "user", "content": text}],
        "tools": [{"name": "look_up", "input_schema": SCHEMA}],
        "thinking": {"type": "adaptive", "display": "updates"},
    }
    answer = await ask(anthropic_sim, raw, change, UPDATES)
    block = answer.json["content"][0]
    assert block["type"] == "thinking"
    assert bool(block["thinking"]) is shown
    assert block["signature"]
