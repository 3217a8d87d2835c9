"""Reads a request to `/v1/messages` (Anthropic API reference, messages)."""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from tokenhub.simulator.anthropic import checks as check
from tokenhub.simulator.anthropic import fields
from tokenhub.simulator.anthropic.abilities import Abilities, abilities_of
from tokenhub.simulator.anthropic.schemas import check_input_schema, check_output_schema
from tokenhub.simulator.anthropic.thinking import check_thinking, effort_of
from tokenhub.simulator.anthropic.threads import check_thread
from tokenhub.simulator.anthropic.turns import turns_of
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
_TOOL_NAME = r"^[a-zA-Z0-9_-]{1,128}$"
_THINKING_WORDS = {"low": 15, "medium": 25, "high": 40, "xhigh": 60, "max": 90}


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """A messages request, read: the prompt and what the answer must look like.

    `display` is that of the thinking: `summarized`, `omitted` or `updates`.
    """

    model: Model
    prompt: Prompt
    cache: CacheUse
    stream: bool
    thinking: bool
    display: str
    redacted: bool
    refused: bool


def read(exchange: Exchange) -> MessagesRequest:
    """The request in `exchange`; ApiError as Anthropic refuses it."""
    body = exchange.body
    fields.check_body(body, exchange.headers)
    model = check.model_of(exchange)
    check_thread(body)
    abilities = abilities_of(model.id)
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
    turns = turns_of(messages, abilities)
    check.sampling_of(body, abilities)
    effort = effort_of(body, abilities)
    betas = fields.betas(exchange.headers)
    thinking = check_thinking(body, turns, max_tokens, abilities, betas)
    _check_service_tier(body)
    segments = _segments(body, messages)
    overhead = _overhead(body, messages)
    tokens = sum(segment.tokens for segment in segments) + overhead
    _check_context(model, tokens)
    text = _newest_user_text(messages)
    display = body["thinking"].get("display") if thinking != "disabled" else None
    usual = "summarized" if abilities.shows_thinking else "omitted"
    return MessagesRequest(
        model=model,
        prompt=replace(
            _prompt(body, messages, text, abilities),
            input_tokens=tokens,
            max_tokens=max_tokens,
            answering_tools=any(b["type"] == "tool_result" for _, b in turns[-1].blocks),
            reasoning_words=0 if thinking == "disabled" else _THINKING_WORDS[effort],
        ),
        cache=exchange.cache.explicit(model.id, segments, overhead),
        stream=stream,
        thinking=thinking != "disabled",
        display=display or usual,
        redacted=REDACT in text,
        refused=REFUSE in text,
    )


def count(exchange: Exchange) -> int:
    """The input tokens of a `count_tokens` request, checked as `read` does."""
    body = exchange.body
    fields.check_body(body, exchange.headers)
    model = check.model_of(exchange)
    messages = check.messages_of(body, model)
    turns_of(messages, abilities_of(model.id))
    return sum(s.tokens for s in _segments(body, messages)) + _overhead(body, messages)


def _check_context(model: Model, tokens: int) -> None:
    if tokens > model.context_tokens:
        raise ApiError(400, f"prompt is too long: {tokens} tokens > {model.context_tokens} maximum")


def _overhead(body: Json, messages: list[Json]) -> int:
    return _MESSAGE_TOKENS * len(messages) + (TOOLS_TOKENS if body.get("tools") else 0)


def _segments(body: Json, messages: list[Json]) -> list[Segment]:
    """The prompt's blocks in the order in which they are cached: tools, system, messages."""
    blocks = [tool for tool in _tools(body) if isinstance(tool, dict)]
    blocks += check.system_of(body)
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


def _check_service_tier(body: Json) -> None:
    if body.get("service_tier") not in (None, "auto", "standard_only"):
        raise ApiError(400, "service_tier: Input should be 'auto' or 'standard_only'")


def _stops(body: Json) -> tuple[str, ...]:
    stops = body.get("stop_sequences") or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise ApiError(400, "stop_sequences: Input should be a valid list")
    if any(not stop.strip() for stop in stops):
        raise ApiError(400, "stop_sequences: each stop sequence must contain non-whitespace")
    return tuple(stops)


def _prompt(body: Json, messages: list[Json], text: str, abilities: Abilities) -> Prompt:
    """All but the sizes."""
    tools = tuple(_tool(index, tool) for index, tool in enumerate(_tools(body)))
    names = [tool.name for tool in tools]
    if len(set(names)) < len(names):
        raise ApiError(400, "tools: Tool names must be unique.")
    choice, only, parallel = _tool_choice(body)
    if only is not None and only not in names:
        raise ApiError(400, f"Tool '{only}' not found in provided tools")
    if choice == "any" and not abilities.forced_tools:
        raise ApiError(400, "tool_choice forces tool use is not compatible with this model.")
    return Prompt(
        text=text,
        turns=len(messages),
        input_tokens=0,
        max_tokens=0,
        tools=tools,
        choice=choice,
        only_tool=only,
        parallel=parallel,
        stops=_stops(body),
        schema=_schema(body),
        preamble=choice == "auto",
    )


def _tools(body: Json) -> list[Any]:
    tools = body.get("tools") or []
    if not isinstance(tools, list):
        raise ApiError(400, "tools: Input should be a valid list")
    return tools


def _tool(index: int, tool: Any) -> Tool:
    where = f"tools.{index}"
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        raise ApiError(400, f"{where}.custom.name: Field required")
    if tool.get("type") not in (None, "custom"):
        return Tool(tool["name"], {"type": "object"})
    fields.check_tool(where, tool)
    if not re.fullmatch(_TOOL_NAME, tool["name"]):
        raise ApiError(400, f"{where}.custom.name: String should match pattern '{_TOOL_NAME}'")
    schema = tool.get("input_schema")
    check_input_schema(f"{where}.custom.input_schema", schema)
    if tool.get("strict"):
        check_output_schema(f"{where}.custom.input_schema", schema)
    return Tool(tool["name"], schema)


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
            if not isinstance(choice.get("name"), str):
                raise ApiError(400, "tool_choice.tool.name: Field required")
            return "any", choice["name"], parallel
        case _:
            raise ApiError(
                400,
                f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
                "expected tags: 'any', 'auto', 'none', 'tool'",
            )


def _schema(body: Json) -> Json | None:
    """The schema of the answer, by `output_config.format` or by the beta's older field."""
    config = body.get("output_config") or {}
    where = "output_config.format"
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        where = "output_format"
        wanted = body.get(where)
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise ApiError(400, f"{where}.type: Input should be 'json_schema'")
    schema = wanted.get("schema")
    if not isinstance(schema, dict):
        raise ApiError(400, f"{where}.schema: Field required")
    check_output_schema(f"{where}.schema", schema)
    return schema
