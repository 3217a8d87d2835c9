"""Reads the options of a chat request: limits, reasoning, tools, the answer's form."""

from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.prompt import Choice, Tool
from tokenhub.simulator.openai import checks as check
from tokenhub.simulator.openai.strict import check_strict

EFFORT_WORDS = {
    "none": 0,
    "minimal": 4,
    "low": 15,
    "medium": 40,
    "high": 90,
    "xhigh": 150,
    "max": 200,
}
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


def reasoning_words(exchange: Exchange, model: Model) -> int:
    """How many words `model` thinks; ApiError for options that reasoning models do not take."""
    body = exchange.body
    effort = check.optional(body, "reasoning_effort", "a string")
    temperature = check.decimal(body, "temperature", 0, 2)
    check.decimal(body, "top_p", 0, 1)
    if not model.reasons:
        if effort is not None and not exchange.vllm:
            raise ApiError(400, "Unrecognized request argument supplied: reasoning_effort")
        return 0
    if effort is not None and effort not in EFFORT_WORDS:
        raise check.unsupported("reasoning_effort", effort, list(EFFORT_WORDS))
    if not exchange.vllm:
        _check_company(body, model, temperature)
    return EFFORT_WORDS[effort or "medium"]


_NOT_REASONING = ("logprobs", "top_logprobs", "logit_bias", "presence_penalty", "frequency_penalty")


def _check_company(body: Json, model: Model, temperature: float | None) -> None:
    """Refuse what OpenAI's reasoning models do not take (reasoning guide; reference of `stop`)."""
    if temperature not in (None, 1):
        raise check.invalid(
            "temperature",
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported.",
            "unsupported_value",
        )
    refused = [name for name in _NOT_REASONING if body.get(name)]
    refused += ["top_p"] if body.get("top_p") not in (None, 1) else []
    refused += ["stop"] if body.get("stop") and model.id.startswith("o") else []
    for name in refused:
        raise check.invalid(
            name,
            f"Unsupported parameter: '{name}' is not supported with this model.",
            "unsupported_parameter",
        )


def tool_of(index: int, tool: Any, *, strict: bool) -> Tool:
    """The tool number `index`; `strict`ly its name and schema must be such as OpenAI takes."""
    where = f"tools[{index}].function"
    if isinstance(tool, dict) and tool.get("type") == "custom":
        custom = tool.get("custom")
        if not isinstance(custom, dict):
            raise check.missing(f"tools[{index}].custom")
        return Tool(check.name(custom, f"tools[{index}].custom.name"), {}, free_text=True)
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise check.missing(where)
    if not isinstance(function.get("name"), str):
        raise check.missing(f"{where}.name")
    if strict:
        check.name(function, f"{where}.name")
        check.parameters(f"{where}.parameters", function["name"], function.get("parameters"))
        if function.get("strict"):
            check_strict(function.get("parameters"), "function", function["name"])
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
        case {"function": {"name": str(name)}} | {"custom": {"name": str(name)}}:
            return "any", name
        case {"type": "allowed_tools"}:
            return "auto", None
        case _:
            raise check.invalid(
                "tool_choice",
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
            )


def schema_of(exchange: Exchange, messages: list[Json]) -> Json | None:
    """The schema of the answer, empty for any object, None for text."""
    match check.optional(exchange.body, "response_format", "an object"):
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            said = any("json" in text_of(m.get("content")).lower() for m in messages)
            if not said and not exchange.vllm:
                raise ApiError(
                    400,
                    "'messages' must contain the word 'json' in some form, to use "
                    "'response_format' of type 'json_object'.",
                    param="messages",
                )
            return {}
        case {"type": "json_schema", "json_schema": {"name": str(name)} as wanted}:
            where = "response_format.json_schema"
            schema: Json = check.optional(wanted, "schema", "an object", f"{where}.schema") or {}
            if not exchange.vllm:
                check.name(wanted, f"{where}.name")
                if wanted.get("strict"):
                    check_strict(schema, "response_format", name)
            return schema
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
