"""Reads a request to `/v1/responses` (OpenAI API reference, responses)."""

import json
from dataclasses import dataclass
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.prompt import Choice, Prompt, Tool
from tokenhub.simulator.model.tokens import count_json, count_text
from tokenhub.simulator.openai import checks as check
from tokenhub.simulator.openai.chat_input import IMAGE_TOKENS
from tokenhub.simulator.openai.chat_options import text_of
from tokenhub.simulator.openai.fields import check_responses_fields
from tokenhub.simulator.openai.responses_checks import check_items
from tokenhub.simulator.openai.responses_reasoning import (
    check_reasoning_item,
    reasoning_words,
    wants_encrypted,
)
from tokenhub.simulator.openai.strict import check_strict, strict_form

MIN_OUTPUT_TOKENS = 16


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """A responses request, read: the prompt and what the answer must look like.

    `tools` are those given as the service understood them.
    """

    model: Model
    prompt: Prompt
    cached_tokens: int
    stream: bool
    summary: bool
    encrypted: bool
    obfuscate: bool
    tools: list[Json]


def read(exchange: Exchange) -> ResponsesRequest:
    """The request in `exchange`; ApiError as OpenAI refuses it."""
    body = exchange.body
    check_responses_fields(exchange)
    model = check.model_of(exchange)
    if not model.chat:
        raise check.invalid(
            "model", f"The model '{model.id}' is not supported with the Responses API."
        )
    previous = check.optional(body, "previous_response_id", "a string")
    if previous is not None:
        raise check.invalid(
            "previous_response_id",
            f"Previous response with id '{previous}' not found.",
            "previous_response_not_found",
        )
    items = _items(exchange, model)
    tools = _tools(exchange)
    prompt = _prompt(exchange, model, items, tools)
    texts = [json.dumps(part) for part in [body.get("tools"), body.get("instructions"), *items]]
    reasoning = check.optional(body, "reasoning", "an object") or {}
    streaming = check.optional(body, "stream_options", "an object") or {}
    return ResponsesRequest(
        model=model,
        prompt=prompt,
        cached_tokens=exchange.cache.automatic(model.id, texts, prompt.input_tokens),
        stream=bool(check.optional(body, "stream", "a boolean")),
        summary=reasoning.get("summary") is not None,
        encrypted=wants_encrypted(exchange, model),
        obfuscate=not exchange.vllm and streaming.get("include_obfuscation", True) is True,
        tools=tools,
    )


def _items(exchange: Exchange, model: Model) -> list[Json]:
    value = exchange.body.get("input")
    if value is None:
        raise check.missing("input")
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list):
        raise check.wrong_type("input", "one of a string or array of input items", value)
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise check.wrong_type(f"input[{index}]", "an object", item)
        check.text({"type": "message", **item}, "type", f"input[{index}].type")
        if item.get("type") == "reasoning":
            check_reasoning_item(exchange, item, model)
    items = [{"type": "message", **item} for item in value]
    if not exchange.vllm:
        check_items(items)
        _check_calls(items)
    return items


def _check_calls(items: list[Json]) -> None:
    for kind, noun in (
        ("function_call", "function call"),
        ("custom_tool_call", "custom tool call"),
    ):
        asked = {str(item.get("call_id")) for item in items if item["type"] == kind}
        given = [str(item.get("call_id")) for item in items if item["type"] == f"{kind}_output"]
        for call_id in given:
            if call_id not in asked:
                raise ApiError(
                    400,
                    f"No tool call found for {noun} output with call_id {call_id}.",
                    param="input",
                )
        for call_id in sorted(asked.difference(given)):
            raise ApiError(400, f"No tool output found for {noun} {call_id}.", param="input")


def _answering_tools(items: list[Json]) -> bool:
    """Whether results of tools came since the model spoke."""
    for item in reversed(items):
        if item["type"].endswith("_call_output"):
            return True
        if item.get("role") not in ("user", "system", "developer"):
            return False
    return False


def _prompt(exchange: Exchange, model: Model, items: list[Json], tools: list[Json]) -> Prompt:
    body = exchange.body
    choice, only = _tool_choice(body)
    tokens = 3 + count_text(check.optional(body, "instructions", "a string") or "")
    tokens += sum(count_json(tool) for tool in tools) + sum(_count(item) for item in items)
    if tokens > model.context_tokens:
        raise check.invalid(
            "input",
            "Your input exceeds the context window of this model. Please adjust your input and try "
            "again.",
            "context_length_exceeded",
        )
    limit = check.integer(body, "max_output_tokens", 1 if exchange.vllm else MIN_OUTPUT_TOKENS)
    users = [item for item in items if item.get("role") == "user"]
    return Prompt(
        text=text_of(users[-1].get("content")) if users else "",
        turns=len(items),
        input_tokens=tokens,
        max_tokens=min(limit or model.max_output_tokens, model.max_output_tokens),
        answering_tools=_answering_tools(items),
        tools=tuple(_called(tool) for tool in tools if tool.get("type") in ("function", "custom")),
        choice=choice,
        only_tool=only,
        parallel=check.optional(body, "parallel_tool_calls", "a boolean") is not False,
        schema=_schema(exchange),
        reasoning_words=reasoning_words(exchange, model),
    )


def _tools(exchange: Exchange) -> list[Json]:
    given = check.optional(exchange.body, "tools", "an array") or []
    tools = [tool for tool in given if isinstance(tool, dict)]
    for index, tool in enumerate(tools):
        if tool.get("type") in ("function", "custom"):
            check.text(tool, "name", f"tools[{index}].name")
    if exchange.vllm:
        return tools
    return [_checked(f"tools[{index}]", tool) for index, tool in enumerate(tools)]


def _checked(where: str, tool: Json) -> Json:
    """`tool`, checked; one that leaves `strict` open is made strict where its schema can be."""
    if tool.get("type") not in ("function", "custom"):
        return tool
    name = check.name(tool, f"{where}.name")
    schema = tool.get("parameters")
    if tool["type"] == "custom" or not schema:
        return tool
    check.parameters(f"{where}.parameters", name, schema)
    if tool.get("strict") is None:
        form = strict_form(schema)
        return tool | {"parameters": form or schema, "strict": form is not None}
    if tool["strict"]:
        check_strict(schema, "function", name)
    return tool


def _called(tool: Json) -> Tool:
    if tool["type"] == "custom":
        return Tool(tool["name"], {}, free_text=True)
    return Tool(tool["name"], tool.get("parameters") or {"type": "object"})


def _tool_choice(body: Json) -> tuple[Choice, str | None]:
    match body.get("tool_choice"):
        case None | "auto":
            return "auto", None
        case "none":
            return "none", None
        case "required":
            return "any", None
        case {"type": "function" | "custom", "name": str(name)}:
            return "any", name
        case dict():
            return "auto", None
        case other:
            raise check.invalid(
                "tool_choice",
                f"Invalid value: '{other}'. Supported values are: 'none', 'auto', and 'required'.",
            )


def _schema(exchange: Exchange) -> Json | None:
    text = check.optional(exchange.body, "text", "an object") or {}
    match text.get("format"):
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {}
        case {"type": "json_schema", "schema": dict(schema)} as wanted:
            if not exchange.vllm:
                name = check.name(wanted, "text.format.name")
                if wanted.get("strict"):
                    check_strict(schema, "text.format", name)
            return schema
        case _:
            raise check.missing("text.format.schema")


def _count(item: Json) -> int:
    content: Any = item.get("content")
    if item["type"] != "message":
        return count_json({k: v for k, v in item.items() if k != "encrypted_content"})
    tokens = 4 + count_text(text_of(content))
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part.get("type") == "input_image":
            tokens += IMAGE_TOKENS
    return tokens
