"""Reads a request to `/v1/messages` (Anthropic API reference, messages)."""

import json
from dataclasses import dataclass, replace
from typing import Any

from tokenhub.simulator.anthropic import checks as check
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.prompt import Choice, Prompt, Tool
from tokenhub.simulator.model.prompt_cache import CacheUse, Segment
from tokenhub.simulator.model.tokens import count_json, count_text

IMAGE_TOKENS = 1_568
"""The most that an image costs after it is scaled down (Anthropic vision guide)."""

DOCUMENT_TOKENS = 2_000
"""A page of a PDF, text and picture (Anthropic PDF guide: 1,500-3,000)."""

TOOLS_TOKENS = 346
"""The system prompt that tools bring along (Anthropic tool use guide, pricing)."""

REDACT = (
    "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_"
    "46C9A13E193C177646C7398A98432ECCCE4C1253D5E2D82641AC0E52CC2876CB"
)
"""The documented text that makes a model redact its thinking."""

REFUSE = (
    "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_"
    "1FAEFB6177B4672DEE07F9D3AFC62588CCD2631EDCF22E8CCC1FB35B501C9C86"
)
"""The documented text that makes a model refuse."""

_MESSAGE_TOKENS = 3
_THINKING_WORDS = 40


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """A messages request, read: the prompt and what the answer must look like."""

    model: Model
    prompt: Prompt
    cache: CacheUse
    stream: bool
    thinking: bool
    omitted: bool
    redacted: bool
    refused: bool


def read(exchange: Exchange) -> MessagesRequest:
    """The request in `exchange`; ApiError as Anthropic refuses it."""
    body = exchange.body
    model = check.model_of(exchange)
    max_tokens = check.positive_integer(body, "max_tokens")
    if max_tokens > model.max_output_tokens:
        raise ApiError(
            400,
            f"max_tokens: {max_tokens} > {model.max_output_tokens}, which is the maximum allowed "
            f"number of output tokens for {model.snapshot}",
        )
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise ApiError(400, "stream: Input should be a valid boolean")
    messages = check.messages_of(body, model)
    thinking = check.check_thinking(body, messages, max_tokens)
    segments = _segments(body, messages)
    overhead = _overhead(body, messages)
    tokens = sum(segment.tokens for segment in segments) + overhead
    _check_context(model, tokens)
    text = _newest_user_text(messages)
    display = body["thinking"].get("display") if thinking != "disabled" else None
    return MessagesRequest(
        model=model,
        prompt=replace(
            _prompt(body, messages, text),
            input_tokens=tokens,
            max_tokens=max_tokens,
            reasoning_words=0 if thinking == "disabled" else _THINKING_WORDS,
        ),
        cache=exchange.cache.explicit(model.id, segments, overhead),
        stream=stream,
        thinking=thinking != "disabled",
        omitted=display == "omitted",
        redacted=REDACT in text,
        refused=REFUSE in text,
    )


def count(exchange: Exchange) -> int:
    """The input tokens of a `count_tokens` request, checked as `read` does."""
    body = exchange.body
    messages = check.messages_of(body, check.model_of(exchange))
    return sum(s.tokens for s in _segments(body, messages)) + _overhead(body, messages)


def _check_context(model: Model, tokens: int) -> None:
    if tokens > model.context_tokens:
        raise ApiError(400, f"prompt is too long: {tokens} tokens > {model.context_tokens} maximum")


def _overhead(body: Json, messages: list[Json]) -> int:
    return _MESSAGE_TOKENS * len(messages) + (TOOLS_TOKENS if body.get("tools") else 0)


def _segments(body: Json, messages: list[Json]) -> list[Segment]:
    """The prompt's blocks in the order in which they are cached: tools, system, messages."""
    blocks = [tool for tool in _tools(body) if isinstance(tool, dict)]
    blocks += check.blocks_of("system", body.get("system") or [])
    for message in messages:
        blocks += message["content"]
    everywhere = {"cache_control": body["cache_control"]} if body.get("cache_control") else {}
    check.check_cache_points([*blocks, everywhere])
    segments = []
    for index, block in enumerate(blocks):
        control = block.get("cache_control")
        if index == len(blocks) - 1:
            control = control or everywhere.get("cache_control")
        plain = {key: value for key, value in block.items() if key != "cache_control"}
        ttl = control.get("ttl", "5m") if control else None
        segments.append(Segment(json.dumps(plain, ensure_ascii=False), _tokens(plain), ttl))
    return segments


def _tokens(block: Json) -> int:
    match block.get("type"):
        case "text":
            return count_text(block["text"])
        case "image":
            return IMAGE_TOKENS
        case "document":
            return DOCUMENT_TOKENS
        case "thinking" | "redacted_thinking":
            return count_text(str(block.get("thinking", "")))
        case "tool_result":
            content = check.blocks_of("content", block.get("content") or [])
            return 8 + sum(_tokens(part) for part in content)
        case _:
            return count_json(block)


def _newest_user_text(messages: list[Json]) -> str:
    users = [message for message in messages if message["role"] == "user"]
    blocks = users[-1]["content"] if users else []
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def _prompt(body: Json, messages: list[Json], text: str) -> Prompt:
    """All but the sizes."""
    choice, only, parallel = _tool_choice(body)
    stops = body.get("stop_sequences") or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise ApiError(400, "stop_sequences: Input should be a valid list")
    newest = messages[-1]
    return Prompt(
        text=text,
        turns=len(messages),
        input_tokens=0,
        max_tokens=0,
        answering_tools=any(block["type"] == "tool_result" for block in newest["content"]),
        tools=tuple(_tool(index, tool) for index, tool in enumerate(_tools(body))),
        choice=choice,
        only_tool=only,
        parallel=parallel,
        stops=tuple(stops),
        schema=_schema(body),
        preamble=choice == "auto",
    )


def _tools(body: Json) -> list[Any]:
    tools = body.get("tools") or []
    if not isinstance(tools, list):
        raise ApiError(400, "tools: Input should be a valid list")
    return tools


def _tool(index: int, tool: Any) -> Tool:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        raise ApiError(400, f"tools.{index}.custom.name: Field required")
    if tool.get("type", "custom") == "custom" and not isinstance(tool.get("input_schema"), dict):
        raise ApiError(400, f"tools.{index}.custom.input_schema: Field required")
    return Tool(tool["name"], tool.get("input_schema") or {"type": "object"})


def _tool_choice(body: Json) -> tuple[Choice, str | None, bool]:
    choice = body.get("tool_choice")
    if choice is None:
        return "auto", None, True
    if not body.get("tools"):
        raise ApiError(400, "tool_choice: may only be specified while providing tools")
    kind = choice.get("type") if isinstance(choice, dict) else None
    parallel = isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is not True
    match kind:
        case "auto":
            return "auto", None, parallel
        case "any":
            return "any", None, parallel
        case "none":
            return "none", None, parallel
        case "tool":
            return "any", str(choice.get("name")), parallel
        case _:
            raise ApiError(
                400,
                f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
                "expected tags: 'any', 'auto', 'none', 'tool'",
            )


def _schema(body: Json) -> Json | None:
    config = body.get("output_config") or {}
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise ApiError(400, "output_config.format.type: Input should be 'json_schema'")
    schema = wanted.get("schema")
    if not isinstance(schema, dict):
        raise ApiError(400, "output_config.format.schema: Field required")
    return schema
