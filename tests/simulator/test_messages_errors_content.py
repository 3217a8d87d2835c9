"""What `/v1/messages` refuses in the content of messages, and in which words."""

from typing import Any

import pytest

from tests.simulator.messages_asked import HELLO, MODEL, PNG, RESULT, TEXT, USE, ask, is_refused
from tests.simulator.raw import Raw
from tokenhub.simulator import Simulator
from tokenhub.simulator.model.signatures import sign


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [*HELLO, {"role": "assistant", "content": list(blocks)}, *HELLO]}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def results(*blocks: dict[str, Any], uses: tuple[dict[str, Any], ...] = (USE,)) -> dict[str, Any]:
    asked = {"role": "assistant", "content": list(uses)}
    return {"messages": [*HELLO, asked, {"role": "user", "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "bot", "content": "x"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        (
            {"messages": [{"role": "user", "content": 1}]},
            "messages.0.content: Input should be a valid list",
        ),
        (
            {"messages": [{"role": "user", "content": []}]},
            "messages.0: all messages must have non-empty content except for the optional final "
            "assistant message",
        ),
        (
            {"messages": [{"role": "user", "content": ["x"]}]},
            "messages.0.content.0: Input should be an object",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages.0.content.0.type: Field required",
        ),
        (
            {"messages": [{"role": "user", "content": ""}]},
            "messages: text content blocks must be non-empty",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages.0.content.0.text.text: Input should be a valid string",
        ),
        (assistant({"type": "tool_use"}), "messages.1.content.0.tool_use.id: Field required"),
        (
            assistant(USE),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
            "toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the "
            "next message.",
        ),
        (
            {"messages": [{"role": "user", "content": [RESULT]}]},
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            "toolu_1. Each `tool_result` block must have a corresponding `tool_use` block in the "
            "previous message.",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 200_000}]},
            "prompt is too long: 250003 tokens > 200000 maximum",
        ),
        (
            assistant({"type": "thinking", "thinking": "x", "signature": "forged"}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "y", "signature": sign(MODEL, "x")}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "x", "signature": sign("claude-x", "x")}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "x"}),
            "messages.1.content.0.thinking.signature: Field required",
        ),
        (
            assistant({"type": "redacted_thinking", "data": "gAAAAABp*"}),
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        ),
        (
            assistant({"type": "thinking", "thinking": "x", "signature": "E"}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            assistant({"type": "redacted_thinking", "data": "%"}),
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        ),
        (
            {"messages": [HELLO[0] | {"name": "ada"}]},
            "messages.0.name: Extra inputs are not permitted",
        ),
        (
            user(TEXT | {"foo": 1}),
            "messages.0.content.0.text.foo: Extra inputs are not permitted",
        ),
        (
            assistant(USE | {"id": "call.1"}),
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        (
            assistant(USE | {"input": "{}"}),
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        ),
        (assistant(USE, USE), "messages.1.content.1: `tool_use` ids must be unique"),
        (user(USE), "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
        (
            results(TEXT, RESULT),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
            "toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the "
            "next message.",
        ),
        (
            results(RESULT, RESULT),
            "messages.2.content.1: each tool_use must have a single result. Found multiple "
            "`tool_result` blocks with id: toolu_1",
        ),
        (
            results(RESULT | {"is_error": True, "content": [{"type": "image", "source": PNG}]}),
            "messages.2.content.0.tool_result: all content must be type `text` if `is_error` is "
            "true",
        ),
        (
            results(RESULT | {"is_error": "yes"}),
            "messages.2.content.0.tool_result.is_error: Input should be a valid boolean",
        ),
        (
            user({"type": "image", "source": PNG | {"media_type": "image/bmp"}}),
            "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', "
            "'image/png', 'image/gif' or 'image/webp'",
        ),
        (
            user({"type": "image", "source": PNG | {"data": "data:image/png;base64,AAAA"}}),
            "messages.0.content.0.image.source.base64.data: Input should be valid base64",
        ),
        (
            user({"type": "image", "source": {"type": "url", "url": "http://x/y.png"}}),
            "messages.0.content.0.image.source.url.url: Only HTTPS URLs are supported.",
        ),
        (
            user({"type": "document", "source": PNG}),
            "messages.0.content.0.document.source.base64.media_type: Input should be "
            "'application/pdf'",
        ),
        (
            user({"type": "document", "source": PNG | {"type": "text"}}),
            "messages.0.content.0.document.source.text.media_type: Input should be 'text/plain'",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "data": "AAAA"}}),
            "messages.0.content.0.image.source.base64.media_type: Field required",
        ),
        (
            user({"type": "image", "source": {"type": "data"}}),
            "messages.0.content.0.image.source: Input tag 'data' found using 'type' does not match "
            "any of the expected tags: 'base64', 'file', 'url'",
        ),
        (
            {"messages": [{"role": "system", "content": "Be brief"}, *HELLO]},
            "messages.0: use the top-level 'system' parameter for the initial system prompt; the "
            "directive-only form (content: [] with output_config) is accepted at any position",
        ),
        (
            {
                "model": "claude-sonnet-5-5",
                "messages": [*HELLO, {"role": "system", "content": "Be brief"}, *HELLO],
            },
            "messages.1: role 'system' must precede an 'assistant' message or end the array; the "
            "directive-only form (content: [] with output_config) is accepted at any position",
        ),
        (
            {"messages": [*HELLO, {"role": "assistant", "content": "Well "}]},
            "messages: final assistant content cannot end with trailing whitespace",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_anthropics_words(
    anthropic_sim: Simulator, raw: Raw, change: dict[str, Any], words: str
) -> None:
    await is_refused(anthropic_sim, raw, change, words)


async def test_an_unknown_block_is_named_with_those_that_are_known(
    anthropic_sim: Simulator, raw: Raw
) -> None:
    answer = await ask(anthropic_sim, raw, user({"type": "input_text", "text": "x"}))
    words = answer.json["error"]["message"]
    assert words.startswith("messages.0.content.0: Input tag 'input_text' found using 'type'")
    assert "'tool_result'" in words


async def test_messages_of_one_role_are_one_turn(anthropic_sim: Simulator, raw: Raw) -> None:
    other = USE | {"id": "toolu_2"}
    messages = [
        *HELLO,
        {"role": "assistant", "content": [USE]},
        {"role": "assistant", "content": [other]},
        {"role": "user", "content": [RESULT]},
        {"role": "user", "content": [RESULT | {"tool_use_id": "toolu_2"}]},
        *HELLO,
    ]
    answer = await ask(anthropic_sim, raw, {"messages": messages})
    assert answer.status == 200
