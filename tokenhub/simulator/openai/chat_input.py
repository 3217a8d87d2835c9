"""Reads and checks a request to `/v1/chat/completions` (OpenAI API reference, chat)."""

import json
from dataclasses import dataclass
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.prompt import Prompt
from tokenhub.simulator.model.tokens import count_json, count_text
from tokenhub.simulator.openai import chat_options as options
from tokenhub.simulator.openai import checks as check

IMAGE_TOKENS = 765
"""A 1024x1024 image in high detail (OpenAI images guide)."""

LOW_DETAIL_TOKENS = 85

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request, read: the prompt and what the answer must look like."""

    model: Model
    prompt: Prompt
    cached_tokens: int
    n: int
    stream: bool
    usage_event: bool
    logprobs: int | None
    obfuscate: bool


def read(exchange: Exchange) -> ChatRequest:
    """The request in `exchange`; ApiError as OpenAI (or vLLM) refuses it."""
    body = exchange.body
    model = check.model_of(exchange)
    if not model.chat:
        raise ApiError(
            404,
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?",
            param="model",
        )
    messages = _messages(body)
    stream = bool(check.optional(body, "stream", "a boolean"))
    top = check.integer(body, "top_logprobs", 0, 20)
    logprobs = (top or 0) if check.optional(body, "logprobs", "a boolean") else None
    prompt = _prompt(exchange, model, messages)
    texts = [json.dumps(part, ensure_ascii=False) for part in [body.get("tools"), *messages]]
    streaming = body.get("stream_options") or {}
    return ChatRequest(
        model=model,
        prompt=prompt,
        cached_tokens=exchange.cache.automatic(model.id, texts, prompt.input_tokens),
        n=check.integer(body, "n", 1, 128) or 1,
        stream=stream,
        usage_event=check.wants_usage(exchange),
        logprobs=logprobs,
        obfuscate=not exchange.vllm and streaming.get("include_obfuscation", True) is True,
    )


def _messages(body: Json) -> list[Json]:
    messages = body.get("messages")
    if messages is None:
        raise check.missing("messages")
    if not isinstance(messages, list):
        raise check.wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise check.invalid(
            "messages",
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            "empty_array",
        )
    for index, message in enumerate(messages):
        _check_message(index, message)
    _check_tool_results(messages)
    return messages


def _check_message(index: int, message: Any) -> None:
    where = f"messages[{index}]"
    if not isinstance(message, dict):
        raise check.wrong_type(where, "an object", message)
    role = message.get("role")
    if role is None:
        raise check.missing(f"{where}.role")
    if role not in _ROLES:
        names = ", ".join(f"'{name}'" for name in _ROLES[:-1])
        raise check.invalid(
            f"{where}.role",
            f"Invalid value: '{role}'. Supported values are: {names}, and '{_ROLES[-1]}'.",
        )
    content = message.get("content")
    if content is None and not (role == "assistant" and message.keys() & _INSTEAD_OF_CONTENT):
        raise check.invalid(
            f"messages.[{index}].content",
            "Invalid value for 'content': expected a string, got null.",
            "invalid_type",
        )
    calls = check.optional(message, "tool_calls", "an array", f"{where}.tool_calls")
    if calls is not None and not all(isinstance(call, dict) for call in calls):
        raise check.wrong_type(f"{where}.tool_calls", "an array of objects", calls)
    if content is not None and not isinstance(content, str | list):
        raise check.wrong_type(f"{where}.content", "one of a string or array of objects", content)


_INSTEAD_OF_CONTENT = {"tool_calls", "function_call", "refusal", "audio"}


def _check_tool_results(messages: list[Json]) -> None:
    open_calls: list[str] = []
    allowed: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in allowed:
                raise check.invalid(
                    f"messages.[{index}].role",
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                )
            open_calls = [call for call in open_calls if call != message["tool_call_id"]]
            continue
        if open_calls:
            raise _unanswered(open_calls, index)
        calls = message.get("tool_calls") if message["role"] == "assistant" else None
        open_calls = [str(call.get("id")) for call in calls or []]
        allowed = set(open_calls)
    if open_calls:
        raise _unanswered(open_calls, len(messages))


def _unanswered(ids: list[str], index: int) -> ApiError:
    return check.invalid(
        f"messages.[{index}].role",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(ids),
    )


def _prompt(exchange: Exchange, model: Model, messages: list[Json]) -> Prompt:
    body = exchange.body
    choice, only = options.tool_choice(body)
    given = check.optional(body, "tools", "an array") or []
    tools = tuple(options.tool_of(index, tool) for index, tool in enumerate(given))
    tokens = 3 + sum(4 + _count_message(message) for message in messages)
    tokens += sum(count_json(tool) for tool in given)
    users = [message for message in messages if message["role"] == "user"]
    parallel = check.optional(body, "parallel_tool_calls", "a boolean")
    return Prompt(
        text=options.text_of(users[-1].get("content")) if users else "",
        turns=len(messages),
        input_tokens=tokens,
        max_tokens=options.max_output(exchange, model, tokens),
        answering_tools=messages[-1]["role"] == "tool",
        tools=tools,
        choice=choice,
        only_tool=only,
        parallel=parallel is not False,
        stops=check.stops(body),
        schema=options.schema_of(body, messages),
        reasoning_words=options.reasoning_words(body, model),
    )


def _count_message(message: Json) -> int:
    content = message.get("content")
    tokens = count_text(options.text_of(content))
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part.get("type") == "image_url":
            image = part.get("image_url")
            low = isinstance(image, dict) and image.get("detail") == "low"
            tokens += LOW_DETAIL_TOKENS if low else IMAGE_TOKENS
    return tokens + (count_json(message["tool_calls"]) if message.get("tool_calls") else 0)
