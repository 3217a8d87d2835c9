"""What programs send back of an answer, and what they add of their own: all of it is decided."""

from typing import Any, Final

import pytest
from anthropic.types.beta import BetaMessage
from openai.types import chat, responses

from tokenhub.types import Api
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.fields import TRANSLATED, obstacle

AIM: Final = Aim("m", None, lambda seal: Origin.FOREIGN)
CALL: Final[dict[str, Any]] = {
    "id": "c1",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
}
RESULT: Final = {"role": "tool", "tool_call_id": "c1", "content": "18"}
SPOKEN: Final = {"role": "assistant", "content": "Hm: 18."}


def refused(api: Api, body: dict[str, Any]) -> list[str | None]:
    """What keeps a request from each of the other protocols; what is written is written."""
    said, found = translator.read(api, body), []
    for target in TRANSLATED:
        if target is not api:
            one = obstacle(api, target, body, said)
            found.append(None if one is None else one.param)
            assert translator.write(api, target, said, body, AIM).body
    return found


def left_out(api: Api, body: dict[str, Any]) -> list[str]:
    assert refused(api, body) == [None, None]
    return translator.read(api, body).missed


def in_chat(*answered: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}, *answered], **fields}


def in_responses(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": "hi"}, *items], **fields}


def in_messages(*answered: dict[str, Any], **fields: Any) -> dict[str, Any]:
    first = {"role": "user", "content": "hi"}
    return {"max_tokens": 9, "messages": [first, *answered, first], **fields}


def dumped_message() -> dict[str, Any]:
    message = {
        **SPOKEN,
        "refusal": None,
        "annotations": [
            {
                "type": "url_citation",
                "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"},
            }
        ],
        "tool_calls": [CALL],
    }
    return chat.ChatCompletionMessage.model_validate(message).model_dump()


def parsed_message() -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}", "parsed_arguments": {"a": 1}}
    message = {**SPOKEN, "parsed": {"a": 1}, "tool_calls": [{**CALL, "function": function}]}
    kind = chat.ParsedChatCompletionMessage[dict[str, int]]
    return kind.model_validate(message).model_dump()


@pytest.mark.parametrize(
    "message",
    [
        dumped_message(),
        parsed_message(),
        # Accumulated from a stream.
        {**SPOKEN, "tool_calls": [{**CALL, "index": 0}]},
        # LiteLLM
        {
            **SPOKEN,
            "function_call": None,
            "provider_specific_fields": {"refusal": None},
            "reasoning_content": "Hm.",
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
            "reasoning_items": [{"type": "reasoning", "encrypted_content": "s"}],
            "annotations": [],
            "images": [],
            "tool_calls": [
                {
                    **CALL,
                    "caller": {"type": "direct"},
                    "provider_specific_fields": {"thought_signature": "s"},
                    "function": {**CALL["function"], "provider_specific_fields": {"a": 1}},
                }
            ],
        },
        # OpenRouter
        {
            **SPOKEN,
            "reasoning": "Hm.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s"}],
            "tool_calls": [CALL],
        },
        # GitHub Copilot
        {**SPOKEN, "reasoning_text": "Hm.", "reasoning_opaque": "s", "tool_calls": [CALL]},
        # Gemini
        {
            **SPOKEN,
            "extra_content": {"google": {"thought": True}},
            "tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "s"}}}],
        },
        # Mistral
        {**SPOKEN, "prefix": False, "tool_calls": [CALL]},
        # MiniMax and Moonshot
        {**SPOKEN, "audio_content": "", "partial": False, "tool_calls": [CALL]},
        # Groq and Perplexity
        {
            **SPOKEN,
            "executed_tools": [{"index": 0, "type": "search", "arguments": "{}"}],
            "citations": ["https://x"],
            "search_results": [{"title": "t", "url": "https://x"}],
            "tool_calls": [CALL],
        },
        # Copilot, and what nobody knows yet
        {
            **SPOKEN,
            "padding": "abc",
            "copilot_annotations": {"a": 1},
            "mood": "",
            "tool_calls": [{**CALL, "moods": [], "function": {**CALL["function"], "mood": {}}}],
        },
    ],
)
def test_the_answer_of_a_chat_is_sent_back(message: dict[str, Any]) -> None:
    assert left_out(Api.CHAT, in_chat(message, RESULT)) == []


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({**SPOKEN, "images": [{"type": "image_url"}]}, "messages.1.images"),
        ({**SPOKEN, "prefix": True}, "messages.1.prefix"),
        ({**SPOKEN, "partial": True}, "messages.1.partial"),
        ({**SPOKEN, "audio_content": "ff"}, "messages.1.audio_content"),
        ({**SPOKEN, "mood": "good"}, "messages.1.mood"),
        ({**SPOKEN, "tool_calls": [{**CALL, "caller": {"type": "program"}}]}, None),
    ],
)
def test_what_the_answer_of_a_chat_said_otherwise_is_refused(
    message: dict[str, Any], place: str | None
) -> None:
    place = place or "messages.1.tool_calls.0.caller"
    assert refused(Api.CHAT, in_chat(message, RESULT)) == [place, place]


def test_what_clients_of_other_chats_add_to_tools_and_parts_is_told_or_has_no_effect() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "image_url", "image_url": {"url": "https://x", "format": "image/png"}},
    ]
    tool = {
        "type": "function",
        "function": {"name": "f", "eager_input_streaming": True, "cache_control": {"type": "x"}},
        "eager_input_streaming": True,
        "allowed_callers": ["direct"],
        "defer_loading": True,
    }
    options = {"include_usage": True, "include_obfuscation": False, "continuous_usage_stats": True}
    body = in_chat({"role": "user", "content": parts}, tools=[tool], stream_options=options)
    assert left_out(Api.CHAT, body) == [
        "messages.1.content.0.prompt_cache_breakpoint",
        "tools.0.defer_loading",
        "stream_options.continuous_usage_stats",
    ]


def test_the_cache_control_inside_a_function_is_its_tools() -> None:
    function = {"name": "f", "cache_control": {"type": "ephemeral"}}
    said = translator.read(Api.CHAT, in_chat(tools=[{"type": "function", "function": function}]))
    assert said.tools[0].cache == {"type": "ephemeral"}


def test_thinking_without_a_seal_goes_to_nobody_else_and_that_is_no_loss() -> None:
    body = in_chat({**SPOKEN, "reasoning_content": "Secret."}, {"role": "user", "content": "Go."})
    said = translator.read(Api.CHAT, body)
    for target in (Api.MESSAGES, Api.RESPONSES):
        assert obstacle(Api.CHAT, target, body, said) is None
        written = translator.write(Api.CHAT, target, said, body, AIM)
        assert b"Secret" not in written.body
        assert b"Hm: 18." in written.body
        assert written.warnings == []


DUMPED_ITEMS: Final = [
    responses.ResponseReasoningItem.model_validate(
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
            "encrypted_content": "s",
            "status": "completed",
        }
    ).model_dump(),
    responses.ResponseOutputMessage.model_validate(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [
                {
                    "type": "output_text",
                    "text": "a",
                    "logprobs": [{"token": "a", "bytes": [], "logprob": 0.0, "top_logprobs": []}],
                    "annotations": [
                        {"type": "file_citation", "file_id": "f", "filename": "n", "index": 0}
                    ],
                },
                {"type": "refusal", "refusal": "no"},
            ],
        }
    ).model_dump(),
    responses.ParsedResponseFunctionToolCall.model_validate(
        {
            "id": "fc_1",
            "type": "function_call",
            "call_id": "c1",
            "name": "f",
            "namespace": "n",
            "arguments": "{}",
            "status": "completed",
            "async": False,
            "caller": {"type": "direct"},
            "parsed_arguments": {"a": 1},
        }
    ).to_dict(),
    responses.ResponseFunctionToolCallOutputItem.model_validate(
        {
            "id": "fco_1",
            "type": "function_call_output",
            "call_id": "c1",
            "output": "18",
            "status": "completed",
            "created_by": "me",
        }
    ).model_dump(),
]
_MARK: Final = {"internal_chat_message_metadata_passthrough": {"turn_id": "t"}}
CODEX_ITEMS: Final[list[dict[str, Any]]] = [
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "phase": "final_answer",
        "content": [{"type": "output_text", "text": "a"}],
        "end_turn": False,
        **_MARK,
    },
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "s", **_MARK},
    {
        "type": "function_call",
        "id": "fc_1",
        "name": "f",
        "namespace": "n",
        "call_id": "c1",
        "arguments": "{}",
        "encrypted_function_args": [],
        **_MARK,
    },
    {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "status": "completed",
        "call_id": "c2",
        "name": "c",
        "input": "x",
        **_MARK,
    },
    {"type": "function_call_output", "id": "fco_1", "call_id": "c1", "output": "18", **_MARK},
    {"type": "custom_tool_call_output", "call_id": "c2", "name": "c", "output": "19", **_MARK},
]


@pytest.mark.parametrize("items", [DUMPED_ITEMS, CODEX_ITEMS])
def test_the_items_of_a_response_are_sent_back(items: list[dict[str, Any]]) -> None:
    assert left_out(Api.RESPONSES, in_responses(*items)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"encrypted_function_args": ["message"]},
        {"caller": {"type": "program", "caller_id": "p"}},
    ],
)
def test_a_call_that_others_could_not_understand_is_refused(change: dict[str, Any]) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", **change}
    place = f"input.1.{next(iter(change))}"
    assert refused(Api.RESPONSES, in_responses(call)) == [place, place]


def test_what_a_response_asks_beyond_what_others_do_is_told() -> None:
    tools: list[dict[str, Any]] = [
        {"type": "function", "name": "f", "output_schema": {"type": "object"}, "async": True},
        {"type": "custom", "name": "c", "defer_loading": True, "allowed_callers": ["direct"]},
        {"type": "namespace", "name": "n", "description": "Helpers.", "tools": []},
    ]
    file = {"type": "input_file", "file_data": "data:text/plain;base64,YQ==", "detail": "low"}
    body = in_responses({"role": "user", "content": [file]}, tools=tools)
    assert left_out(Api.RESPONSES, body) == [
        "input.1.content.0.detail",
        "tools.0.output_schema",
        "tools.0.async",
        "tools.1.defer_loading",
        "tools.2.description",
    ]


def test_how_closely_a_response_looks_at_an_image_is_told_to_who_cannot() -> None:
    image = {"type": "input_image", "image_url": "https://x", "detail": "high"}
    body = in_responses({"role": "user", "content": [image]})
    said = translator.read(Api.RESPONSES, body)
    told = [
        translator.write(Api.RESPONSES, target, said, body, AIM).warnings
        for target in (Api.CHAT, Api.MESSAGES)
    ]
    assert told == [[], ["input.1.content.0.detail"]]


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"type": "input_image", "image_url": "https://x", "file_id": "f"}, "file_id"),
        ({"type": "input_file", "file_url": "https://x", "file_id": "f"}, "file_id"),
        ({"type": "input_file", "file_data": "data:;base64,", "file_id": "f"}, "file_id"),
    ],
)
def test_of_two_forms_of_a_file_none_is_lost(part: dict[str, Any], place: str) -> None:
    body = in_responses({"role": "user", "content": [part]})
    said = translator.read(Api.RESPONSES, body)
    assert said.uses == {"file_id": f"input.1.content.0.{place}"}


def answered() -> BetaMessage:
    """An answer of messages with all that it may have."""
    return BetaMessage.model_validate(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "redacted_thinking", "data": "s"},
                {"type": "text", "text": "a", "citations": None},
                {
                    "type": "tool_use",
                    "id": "c1",
                    "name": "f",
                    "input": {"a": 1},
                    "caller": {"type": "direct"},
                    "toolset_name": None,
                },
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
    )


def test_an_answer_of_messages_is_sent_back() -> None:
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1"}]}
    parts = {"role": "assistant", "content": [one.model_dump() for one in answered().content]}
    for message in (answered().model_dump(), answered().to_dict(), parts):
        assert left_out(Api.MESSAGES, in_messages(message, result)) == []


def test_what_claude_code_asks_of_claude_alone_is_told() -> None:
    system = {"role": "system", "content": "Hurry.", "clear_at": "next_user_message"}
    thinking = {
        "type": "adaptive",
        "display": "updates",
        "block_binding": {"prefix_mismatch_behavior": "drop_block"},
    }
    tool = {
        "name": "f",
        "input_schema": {},
        "eager_input_streaming": True,
        "defer_loading": True,
        "input_examples": [{}],
    }
    config = {"task_budget": {"type": "tokens", "total": 9}}
    body = in_messages(system, tools=[tool], thinking=thinking, output_config=config)
    assert left_out(Api.MESSAGES, body) == [
        "messages.1.clear_at",
        "tools.0.defer_loading",
        "tools.0.input_examples",
        "output_config.task_budget",
        "thinking.block_binding",
    ]


@pytest.mark.parametrize("key", ["toolset_name", "caller"])
def test_a_call_by_a_tool_of_anthropics_own_is_refused(key: str) -> None:
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {}, key: "computer"}
    body = in_messages({"role": "assistant", "content": [use]})
    assert refused(Api.MESSAGES, body) == [f"messages.1.content.0.{key}"] * 2
