"""Reads the options of a chat request: limits, reasoning, tools, the answer's form."""

from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.prompt import Choice, Tool
from tokenhub.simulator.openai import checks as check

EFFORT_WORDS = {"none": 0, "minimal": 4, "low": 15, "medium": 40, "high": 90, "xhigh": 150}
"""Words of thinking that each effort is worth."""


def max_output(exchange: Exchange, model: Model, tokens: int) -> int:
    """The tokens that the answer may have after a prompt of `tokens`; ApiError when too many."""
    body = exchange.body
    old = check.integer(body, "max_tokens", 1)
    new = check.integer(body, "max_completion_tokens", 1)
    if model.reasons and old is not None and not exchange.vllm:
        raise check.invalid(
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "unsupported_parameter",
        )
    wanted = new if new is not None else old
    if exchange.vllm:
        return _vllm_max_tokens(model, tokens, wanted)
    if tokens > model.context_tokens:
        raise check.invalid(
            "messages",
            f"This model's maximum context length is {model.context_tokens} tokens. However, your "
            f"messages resulted in {tokens} tokens. Please reduce the length of the messages.",
            "context_length_exceeded",
        )
    if wanted is not None and wanted > model.max_output_tokens:
        raise check.invalid(
            "max_tokens",
            f"max_tokens is too large: {wanted}. This model supports at most "
            f"{model.max_output_tokens} completion tokens, whereas you provided {wanted}.",
        )
    return wanted or model.max_output_tokens


def _vllm_max_tokens(model: Model, tokens: int, wanted: int | None) -> int:
    limit = model.context_tokens
    if tokens >= limit:
        raise ApiError(
            400,
            f"This model's maximum context length is {limit} tokens. However, your request has "
            f"{tokens} input tokens. Please reduce the length of the input messages.",
        )
    if wanted is not None and wanted + tokens > limit:
        raise ApiError(
            400,
            f"'max_tokens' or 'max_completion_tokens' is too large: {wanted}. This model's maximum "
            f"context length is {limit} tokens and your request has {tokens} input tokens "
            f"({wanted} > {limit} - {tokens}).",
        )
    return wanted or limit - tokens


def reasoning_words(body: Json, model: Model) -> int:
    """How many words `model` thinks; ApiError for options that reasoning models do not take."""
    effort = check.optional(body, "reasoning_effort", "a string")
    temperature = check.decimal(body, "temperature", 0, 2)
    check.decimal(body, "top_p", 0, 1)
    if not model.reasons:
        return 0
    if temperature not in (None, 1) and not model.id.startswith("Qwen"):
        raise check.invalid(
            "temperature",
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported.",
            "unsupported_value",
        )
    if effort is not None and effort not in EFFORT_WORDS:
        names = ", ".join(f"'{name}'" for name in EFFORT_WORDS)
        raise check.invalid(
            "reasoning_effort", f"Invalid value: '{effort}'. Supported values are: {names}."
        )
    return EFFORT_WORDS[effort or "medium"]


def tool_of(index: int, tool: Any) -> Tool:
    """The function that the tool number `index` is."""
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise check.missing(f"tools[{index}].function")
    if not isinstance(function.get("name"), str):
        raise check.missing(f"tools[{index}].function.name")
    if function.get("strict"):
        check.strict_schema(function.get("parameters"), "function", function["name"])
    return Tool(function["name"], function.get("parameters") or {"type": "object"})


def tool_choice(body: Json) -> tuple[Choice, str | None]:
    """Whether tools must be called, and the one that must be."""
    choice = body.get("tool_choice")
    if choice is not None and not body.get("tools") and choice != "none":
        raise check.invalid(
            "tool_choice",
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when "
            "'tools' are specified.",
        )
    match choice:
        case None | "auto":
            return "auto", None
        case "none":
            return "none", None
        case "required":
            return "any", None
        case {"function": {"name": str(name)}}:
            return "any", name
        case _:
            raise check.invalid(
                "tool_choice",
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
            )


def schema_of(body: Json, messages: list[Json]) -> Json | None:
    """The schema of the answer, empty for any object, None for text."""
    match check.optional(body, "response_format", "an object"):
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            if not any("json" in text_of(m.get("content")).lower() for m in messages):
                raise ApiError(
                    400,
                    "'messages' must contain the word 'json' in some form, to use "
                    "'response_format' of type 'json_object'.",
                    param="messages",
                )
            return {}
        case {"type": "json_schema", "json_schema": {"name": str(name)} as wanted}:
            schema = wanted.get("schema") or {}
            if wanted.get("strict"):
                check.strict_schema(schema, "response_format", name)
            return dict(schema)
        case {"type": "json_schema"}:
            raise check.missing("response_format.json_schema")
        case other:
            raise check.invalid(
                "response_format.type",
                f"Invalid value: '{other.get('type')}'. Supported values are: 'json_object', "
                "'json_schema', and 'text'.",
            )


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )
