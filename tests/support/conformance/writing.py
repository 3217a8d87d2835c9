"""A client's body for a request, in each protocol, as its documentation has it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.conformance.asks import Ask, Call, Paper, Picture, Piece, Result, Text, Tool

Json = dict[str, Any]

BUDGETS: Final = {"low": 1024, "medium": 8000, "high": 16000}
"""What a client of Anthropic's says for an effort."""


def body_of(client: str, ask: Ask, model: str, *, stream: bool) -> Json:
    """The body that `client` (chat, responses, messages, own) sends; its streams tell the usage."""
    body = {"model": model} | _BODIES[client](ask) | dict(ask.more or {})
    if stream:
        body["stream"] = True
        if client in ("chat", "own"):
            body["stream_options"] = {"include_usage": True}
    return _envelope(body) if client == "own" else body


def _envelope(body: Json) -> Json:
    named = {name: body.pop(name) for name in ("model", "messages", "stream") if name in body}
    return {"request": named | ({"parameters": body} if body else {})}


def _set(body: Json, **fields: Any) -> Json:
    return body | {name: value for name, value in fields.items() if value not in (None, (), "")}


# Chat completions


def _chat(ask: Ask) -> Json:
    messages = [{"role": "system", "content": ask.system}] if ask.system else []
    for turn in ask.turns:
        messages += _chat_messages(turn.role, turn.pieces)
    body: Json = _set({"messages": messages}, max_completion_tokens=ask.limit, user=ask.user)
    body = _set(body, temperature=ask.temperature, top_p=ask.top_p, reasoning_effort=ask.effort)
    body = _set(body, stop=list(ask.stop) or None, parallel_tool_calls=ask.parallel)
    if ask.tools:
        body["tools"] = [{"type": "function", "function": _function(tool)} for tool in ask.tools]
    if ask.choice:
        function = {"type": "function", "function": {"name": ask.choice}}
        plain = ask.choice in ("auto", "none", "required")
        body["tool_choice"] = ask.choice if plain else function
    if ask.schema:
        named = {"name": "answer", "schema": ask.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body | ({"response_format": {"type": "json_object"}} if ask.json else {})


def _function(tool: Tool) -> Json:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _chat_messages(role: str, pieces: tuple[Piece, ...]) -> list[Json]:
    results = [
        {"role": "tool", "tool_call_id": piece.id, "content": _texts(piece.content)}
        for piece in pieces
        if isinstance(piece, Result)
    ]
    calls = [
        {
            "id": piece.id,
            "type": "function",
            "function": {"name": piece.name, "arguments": json.dumps(piece.arguments)},
        }
        for piece in pieces
        if isinstance(piece, Call)
    ]
    rest = [piece for piece in pieces if isinstance(piece, Text | Picture | Paper)]
    content = _chat_content(rest)
    if role == "assistant":
        return [_set({"role": role, "content": content or None}, tool_calls=calls or None)]
    return results + ([{"role": role, "content": content}] if content else [])


def _chat_content(pieces: list[Text | Picture | Paper]) -> str | list[Json]:
    if len(pieces) == 1 and isinstance(pieces[0], Text):
        return pieces[0].text
    parts: list[Json] = []
    for piece in pieces:
        match piece:
            case Text():
                parts.append({"type": "text", "text": piece.text})
            case Picture():
                parts.append({"type": "image_url", "image_url": {"url": piece.url}})
            case _:
                data = f"data:application/pdf;base64,{piece.data}"
                parts.append({"type": "file", "file": {"filename": "a.pdf", "file_data": data}})
    return parts


def _texts(pieces: tuple[Text | Picture, ...]) -> str:
    return "\n\n".join(piece.text for piece in pieces if isinstance(piece, Text))


# Responses


def _responses(ask: Ask) -> Json:
    items = [
        item for turn in ask.turns for piece in turn.pieces for item in _items(turn.role, piece)
    ]
    body: Json = _set({"input": items, "store": False}, max_output_tokens=ask.limit)
    body = _set(body, temperature=ask.temperature, top_p=ask.top_p, instructions=ask.system)
    body = _set(body, parallel_tool_calls=ask.parallel, user=ask.user)
    if ask.effort:
        body["reasoning"] = {"effort": ask.effort, "summary": "auto"}
        body["include"] = ["reasoning.encrypted_content"]
    if ask.tools:
        tools = [{"type": "function", **_function(tool), "strict": False} for tool in ask.tools]
        body["tools"] = tools
    if ask.choice:
        plain = ask.choice in ("auto", "none", "required")
        function = {"type": "function", "name": ask.choice}
        body["tool_choice"] = ask.choice if plain else function
    if ask.schema:
        named = {"name": "answer", "schema": ask.schema, "strict": True}
        body["text"] = {"format": {"type": "json_schema", **named}}
    return body | ({"text": {"format": {"type": "json_object"}}} if ask.json else {})


def _items(role: str, piece: Piece) -> list[Json]:
    match piece:
        case Call():
            arguments = json.dumps(piece.arguments)
            call = {"call_id": piece.id, "name": piece.name, "arguments": arguments}
            return [{"type": "function_call", **call}]
        case Result():
            alone = len(piece.content) == 1 and isinstance(piece.content[0], Text)
            output = _texts(piece.content) if alone else [_input(p) for p in piece.content]
            return [{"type": "function_call_output", "call_id": piece.id, "output": output}]
        case Text() if role == "assistant":
            return [{"role": role, "content": [{"type": "output_text", "text": piece.text}]}]
        case _:
            return [{"role": role, "content": [_input(piece)]}]


def _input(piece: Text | Picture | Paper) -> Json:
    match piece:
        case Text():
            return {"type": "input_text", "text": piece.text}
        case Picture():
            return {"type": "input_image", "image_url": piece.url, "detail": "auto"}
        case Paper(url=url) if url:
            return {"type": "input_file", "file_url": url}
        case _:
            data = f"data:application/pdf;base64,{piece.data}"
            return {"type": "input_file", "filename": "a.pdf", "file_data": data}


# Messages


def _messages(ask: Ask) -> Json:
    messages = [{"role": t.role, "content": [_block(p) for p in t.pieces]} for t in ask.turns]
    body: Json = {"messages": messages, "max_tokens": ask.limit or 300}
    body = _set(body, system=ask.system, temperature=ask.temperature, top_p=ask.top_p)
    body = _set(body, stop_sequences=list(ask.stop) or None)
    if ask.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": t.parameters}
            for t in ask.tools
        ]
    if ask.choice or ask.parallel is not None:
        body["tool_choice"] = _choice(ask)
    if ask.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.adaptive:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
        body["output_config"] = {"effort": ask.effort}
    elif ask.effort:
        body["thinking"] = {"type": "enabled", "budget_tokens": BUDGETS[ask.effort]}
    return body | ({"metadata": {"user_id": ask.user}} if ask.user else {})


def _choice(ask: Ask) -> Json:
    kinds = {"auto": "auto", "none": "none", "required": "any"}
    choice = ask.choice or "auto"
    said: Json = {"type": kinds[choice]} if choice in kinds else {"type": "tool", "name": choice}
    return said | ({} if ask.parallel is None else {"disable_parallel_tool_use": not ask.parallel})


def _block(piece: Piece) -> Json:
    match piece:
        case Text():
            block: Json = {"type": "text", "text": piece.text}
            if piece.ttl:
                block["cache_control"] = {"type": "ephemeral", "ttl": piece.ttl}
            return block
        case Picture():
            return {"type": "image", "source": _source(piece.url)}
        case Paper(url=url) if url:
            return {"type": "document", "source": {"type": "url", "url": url}}
        case Paper():
            source = {"type": "base64", "media_type": "application/pdf", "data": piece.data}
            return {"type": "document", "source": source}
        case Call():
            arguments = dict(piece.arguments)
            return {"type": "tool_use", "id": piece.id, "name": piece.name, "input": arguments}
        case Result():
            content = [_block(part) for part in piece.content]
            failed = {"is_error": True} if piece.failed else {}
            return {"type": "tool_result", "tool_use_id": piece.id, "content": content, **failed}


def _source(url: str) -> Json:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    media_type, data = url.removeprefix("data:").split(";base64,")
    return {"type": "base64", "media_type": media_type, "data": data}


_BODIES: Final[Mapping[str, Callable[[Ask], Json]]] = {
    "chat": _chat,
    "own": _chat,
    "responses": _responses,
    "messages": _messages,
}
