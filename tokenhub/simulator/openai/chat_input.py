"""Reads and checks a request to `/v1/chat/completions` (OpenAI API reference, chat)."""

import json
from dataclasses import dataclass

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.prompt import Prompt
from tokenhub.simulator.model.tokens import count_json, count_text
from tokenhub.simulator.openai import chat_options as options
from tokenhub.simulator.openai import checks as check
from tokenhub.simulator.openai.chat_messages import messages_of
from tokenhub.simulator.openai.fields import check_chat_fields

IMAGE_TOKENS = 765
"""A 1024x1024 image in high detail (OpenAI images guide)."""

LOW_DETAIL_TOKENS = 85


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
    check_chat_fields(exchange)
    model = check.model_of(exchange)
    if not model.chat:
        raise ApiError(
            404,
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?",
            param="model",
        )
    messages = messages_of(exchange)
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


def _prompt(exchange: Exchange, model: Model, messages: list[Json]) -> Prompt:
    body = exchange.body
    choice, only = options.tool_choice(body)
    given = check.optional(body, "tools", "an array") or []
    tools = tuple(
        options.tool_of(index, tool, strict=not exchange.vllm) for index, tool in enumerate(given)
    )
    tokens = 3 + sum(4 + _count_message(message) for message in messages)
    tokens += sum(count_json(tool) for tool in given)
    users = [message for message in messages if message["role"] == "user"]
    parallel = check.optional(body, "parallel_tool_calls", "a boolean")
    return Prompt(
        text=options.text_of(users[-1].get("content")) if users else "",
        turns=len(messages),
        input_tokens=tokens,
        max_tokens=options.max_output(exchange, model, tokens),
        answering_tools=_answering_tools(messages),
        tools=tools,
        choice=choice,
        only_tool=only,
        parallel=parallel is not False,
        stops=check.stops(body),
        schema=options.schema_of(exchange, messages),
        reasoning_words=options.reasoning_words(exchange, model),
    )


def _answering_tools(messages: list[Json]) -> bool:
    """Whether results of tools came since the assistant spoke."""
    for message in reversed(messages):
        if message["role"] in ("assistant", "tool"):
            return bool(message["role"] == "tool")
    return False


def _count_message(message: Json) -> int:
    content = message.get("content")
    tokens = count_text(options.text_of(content))
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part.get("type") == "image_url":
            image = part.get("image_url")
            low = isinstance(image, dict) and image.get("detail") == "low"
            tokens += LOW_DETAIL_TOKENS if low else IMAGE_TOKENS
    return tokens + (count_json(message["tool_calls"]) if message.get("tool_calls") else 0)
