"""Requests that use all of a protocol that the two others can say, and the objects inside them."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from tests.wire.translation.samples import SCHEMA
from tokenhub.types import Api

Body = dict[str, Any]

PNG: Final = "data:image/png;base64,AAAA"
PDF: Final = "data:application/pdf;base64,BBBB"

CHAT: Final[Body] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look."},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}},
                {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I look."}, {"type": "refusal", "refusal": "No."}],
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
            "refusal": None,
            "audio": None,
        },
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
        {"role": "assistant", "content": None, "function_call": {"name": "g", "arguments": "{}"}},
        {"role": "function", "name": "g", "content": "19"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
        }
    ],
    "functions": [{"name": "g", "description": "d", "parameters": SCHEMA}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "d", "schema": SCHEMA, "strict": True},
    },
    "stream": True,
    "stream_options": {"include_usage": True},
    "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    "metadata": {"a": "b"},
    "max_completion_tokens": 9,
    "reasoning_effort": "low",
}

RESPONSES: Final[Body] = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Be kind."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look."},
                {"type": "input_image", "image_url": PNG, "detail": "auto"},
                {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
            "encrypted_content": "sealed",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "c", "input": "x"},
        {"type": "function_call_output", "call_id": "c1", "output": "18"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "19"}],
        },
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [{"type": "function", "name": "h", "parameters": SCHEMA}],
        },
        {"role": "user", "content": "And?"},
    ],
    "tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
        {"type": "custom", "name": "b", "format": {"type": "text"}},
        {
            "type": "custom",
            "name": "c",
            "description": "d",
            "format": {"type": "grammar", "syntax": "regex", "definition": "a+"},
        },
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "i"}]},
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {
        "verbosity": "medium",
        "format": {
            "type": "json_schema",
            "name": "n",
            "description": "d",
            "schema": SCHEMA,
            "strict": True,
        },
    },
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "stream": True,
    "stream_options": {"include_obfuscation": False},
    "prompt_cache_options": {"mode": "implicit"},
    "metadata": {"a": "b"},
    "client_metadata": {"a": "b"},
}

MESSAGES: Final[Body] = {
    "model": "m",
    "max_tokens": 9_000,
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look."},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                },
                {"type": "image", "source": {"type": "url", "url": "https://x"}},
                {
                    "type": "document",
                    "title": "t",
                    "context": "c",
                    "citations": {"enabled": False},
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"},
                },
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                },
                {
                    "type": "document",
                    "source": {"type": "content", "content": [{"type": "text", "text": "x"}]},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sealed"},
                {"type": "redacted_thinking", "data": "sealed"},
                {"type": "text", "text": "I look.", "citations": None},
                {
                    "type": "tool_use",
                    "id": "c1",
                    "name": "f",
                    "input": {"a": {"b": 1}},
                    "caller": {"type": "direct"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "is_error": False,
                    "content": [{"type": "text", "text": "18"}],
                }
            ],
        },
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "custom", "name": "f", "description": "d", "input_schema": SCHEMA}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": False},
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 2_000, "display": "summarized"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
}

WHOLE: Final = {Api.CHAT: CHAT, Api.RESPONSES: RESPONSES, Api.MESSAGES: MESSAGES}

_OPAQUE: Final = frozenset(
    {"parameters", "input_schema", "schema", "cache_control", "client_metadata", "caller"}
)
"""What is passed on or left out as a whole, whatever is in it."""


def objects(api: Api) -> list[str]:
    """The places of the objects in the whole request of `api` of which each key is judged."""
    return sorted(set(_places(WHOLE[api], api, "")))


def _places(value: Any, api: Api, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        if where:
            yield where
        for name, inner in value.items():
            if name not in _OPAQUE and not _is_clients_own(api, where, name):
                yield from _places(inner, api, f"{where}.{name}" if where else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, api, f"{where}.{index}")


def _is_clients_own(api: Api, where: str, name: str) -> bool:
    """Whether a client may put there what it likes."""
    if name == "metadata":
        return api is not Api.MESSAGES
    return name == "input" and bool(where)


def with_key(body: Body, where: str, key: str, value: Any) -> Body:
    """`body` with one more key in the object at `where`."""
    changed = deepcopy(body)
    at(changed, where)[key] = value
    return changed


def at(body: Body, where: str) -> Any:
    """What stands at the place `where`."""
    held: Any = body
    for step in where.split("."):
        held = held[int(step)] if isinstance(held, list) else held[step]
    return held
