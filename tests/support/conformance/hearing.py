"""What the body that came to a provider asks, read by the provider's own documentation.

The reading keeps what matters to the model: who said what in which order, and every wish.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.conformance.asks import Ask, Call, Paper, Picture, Piece, Result, Text

Said = tuple[str, ...]
"""Who (or `call`, `result`, `result image`), then what."""

_FAILED: Final = "Error: "


@dataclass(frozen=True)
class Heard:
    """A request as the model takes it."""

    said: tuple[Said, ...]
    tools: Mapping[str, tuple[str, str]]
    choice: str
    parallel: bool
    limit: int | None
    temperature: float | None
    top_p: float | None
    stop: tuple[str, ...]
    format: str | None
    effort: str | None
    user: str | None


def meant(ask: Ask, api: str) -> Heard:
    """What a provider of `api` must hear of `ask`.

    Images in a tool's result stand behind the results in chat, whose results are text. Messages
    need a limit: it is what the model can write where the client gave none.
    """
    said: list[Said] = [("system", ask.system)] if ask.system else []
    for turn in ask.turns:
        moved: list[Said] = []
        for piece in turn.pieces:
            for one in _meant(turn.role, piece):
                late = api == "chat" and one[0] == "result image"
                (moved if late else said).append(("user", *one[1:]) if late else one)
        said += moved
    wanted = "json" if ask.json else None
    return Heard(
        said=_merged(said),
        tools={t.name: (t.description, _flat(t.parameters)) for t in ask.tools},
        choice=ask.choice or "auto",
        parallel=ask.parallel is not False,
        limit=4096 if ask.limit is None and api == "messages" else ask.limit,
        temperature=ask.temperature,
        top_p=ask.top_p,
        stop=ask.stop,
        format=_flat(ask.schema) if ask.schema else wanted,
        effort=ask.effort,
        user=ask.user,
    )


def heard(api: str, body: Mapping[str, Any]) -> Heard:
    """What `body` asks a provider of `api` (chat, responses, messages)."""
    match api:
        case "chat":
            return _chat(body)
        case "responses":
            return _responses(body)
        case _:
            return _messages(body)


def _meant(role: str, piece: Piece) -> list[Said]:
    match piece:
        case Text():
            return [(role, piece.text)]
        case Picture():
            return [(role, f"image {piece.url}")]
        case Paper():
            return [(role, f"pdf {piece.url or piece.data}")]
        case Call():
            return [("call", piece.id, piece.name, _flat(piece.arguments))]
        case Result():
            texts = [part.text for part in piece.content if isinstance(part, Text)]
            images = [part.url for part in piece.content if isinstance(part, Picture)]
            result = _result(piece.id, "\n\n".join(texts), failed=piece.failed)
            return [result, *[("result image", f"image {url}") for url in images]]


def _merged(said: Iterable[Said]) -> tuple[Said, ...]:
    """`said` with texts of one side that follow each other as one, with a blank line between."""
    merged: list[Said] = []
    for one in said:
        plain = len(one) == 2 and not one[1].startswith(("image ", "pdf "))
        last = merged[-1] if merged else ()
        if plain and len(last) == 2 and last[0] == one[0] and not last[1].startswith("image "):
            merged[-1] = (one[0], f"{last[1]}\n\n{one[1]}")
        else:
            merged.append(one)
    return tuple(merged)


def _flat(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _result(id: str, text: str, *, failed: bool = False) -> Said:
    """A result; where nothing else can say so its text begins with a word for the failure."""
    failed = failed or text.startswith(_FAILED)
    return ("result", id, "failed" if failed else "done", text.removeprefix(_FAILED))


def _chat(body: Mapping[str, Any]) -> Heard:
    said: list[Said] = []
    for message in body["messages"]:
        role = "system" if message["role"] == "developer" else message["role"]
        content = message.get("content") or []
        if role == "tool":
            text = content if isinstance(content, str) else "\n\n".join(_part_texts(content))
            said.append(_result(message["tool_call_id"], text))
            continue
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said += [(role, *_chat_part(part)) for part in parts if not _introduces(part)]
        for call in message.get("tool_calls") or []:
            function = call["function"]
            arguments = _flat(json.loads(function["arguments"]))
            said.append(("call", call["id"], function["name"], arguments))
    choice = body.get("tool_choice")
    wanted = body.get("response_format") or {}
    stop = body.get("stop") or []
    return Heard(
        said=_merged(said),
        tools=_functions([tool["function"] for tool in body.get("tools") or []]),
        choice=choice["function"]["name"] if isinstance(choice, dict) else choice or "auto",
        parallel=body.get("parallel_tool_calls") is not False,
        limit=body.get("max_completion_tokens", body.get("max_tokens")),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        format=_format(wanted.get("type"), (wanted.get("json_schema") or {}).get("schema")),
        effort=body.get("reasoning_effort"),
        user=body.get("user") or body.get("safety_identifier"),
    )


def _introduces(part: Mapping[str, Any]) -> bool:
    """Whether a text only says of which call the images behind it are."""
    return str(part.get("text")).startswith("What the tool call ")


def _part_texts(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    return [part["text"] for part in parts if "text" in part]


def _chat_part(part: Mapping[str, Any]) -> Said:
    if part["type"] == "image_url":
        return (f"image {part['image_url']['url']}",)
    if part["type"] == "file":
        return (f"pdf {part['file']['file_data'].removeprefix('data:application/pdf;base64,')}",)
    return (part["text"],)


def _functions(functions: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    return {f["name"]: (f["description"], _flat(f["parameters"])) for f in functions}


def _format(kind: str | None, schema: object) -> str | None:
    if kind == "json_schema":
        return _flat(schema)
    return "json" if kind == "json_object" else None


def _responses(body: Mapping[str, Any]) -> Heard:
    said: list[Said] = []
    if body.get("instructions"):
        said.append(("system", body["instructions"]))
    items = body["input"]
    for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
        said += _item(item)
    choice, reasoning = body.get("tool_choice"), body.get("reasoning") or {}
    wanted = (body.get("text") or {}).get("format") or {}
    return Heard(
        said=_merged(said),
        tools=_functions(body.get("tools") or []),
        choice=choice["name"] if isinstance(choice, dict) else choice or "auto",
        parallel=body.get("parallel_tool_calls") is not False,
        limit=body.get("max_output_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=(),
        format=_format(wanted.get("type"), wanted.get("schema")),
        effort=reasoning.get("effort"),
        user=body.get("user") or body.get("safety_identifier"),
    )


def _item(item: Mapping[str, Any]) -> list[Said]:
    kind = item.get("type", "message")
    if kind == "function_call":
        arguments = _flat(json.loads(item["arguments"]))
        return [("call", item["call_id"], item["name"], arguments)]
    if kind == "function_call_output":
        output = item["output"]
        if isinstance(output, str):
            return [_result(item["call_id"], output)]
        images = [("result image", *_input(p)) for p in output if p["type"] == "input_image"]
        return [_result(item["call_id"], "\n\n".join(_part_texts(output))), *images]
    role = "system" if item["role"] == "developer" else item["role"]
    content = item["content"]
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    return [(role, *_input(part)) for part in parts]


def _input(part: Mapping[str, Any]) -> Said:
    if part["type"] == "input_image":
        return (f"image {part['image_url']}",)
    if "file_url" in part:
        return (f"pdf {part['file_url']}",)
    if part["type"] == "input_file":
        return (f"pdf {part['file_data'].removeprefix('data:application/pdf;base64,')}",)
    return (part["text"],)


def _messages(body: Mapping[str, Any]) -> Heard:
    said: list[Said] = [("system", text) for text in _part_texts(_blocks(body.get("system") or []))]
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            said += _block(message["role"], block)
    choice = body.get("tool_choice") or {}
    kind = choice.get("type") or "auto"
    wanted = (body.get("output_config") or {}).get("format") or {}
    thinking = body.get("thinking") or {}
    adaptive = thinking.get("type") == "adaptive"
    budget = thinking.get("budget_tokens")
    by_budget = budget and ("low" if budget <= 2048 else "medium" if budget <= 8192 else "high")
    return Heard(
        said=_merged(said),
        tools={
            t["name"]: (t["description"], _flat(t["input_schema"])) for t in body.get("tools", [])
        },
        choice=choice.get("name") or ("required" if kind == "any" else kind),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        limit=body["max_tokens"],
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=tuple(body.get("stop_sequences") or ()),
        format=_format(wanted.get("type"), wanted.get("schema")),
        effort=body["output_config"]["effort"] if adaptive else by_budget,
        user=(body.get("metadata") or {}).get("user_id"),
    )


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _block(role: str, block: Mapping[str, Any]) -> list[Said]:
    match block["type"]:
        case "image":
            return [(role, f"image {_address(block['source'])}")]
        case "document":
            source = block["source"]
            return [(role, f"pdf {source.get('url') or source['data']}")]
        case "tool_use":
            return [("call", block["id"], block["name"], _flat(block["input"]))]
        case "tool_result":
            parts = _blocks(block.get("content") or [])
            images = [p["source"] for p in parts if p["type"] == "image"]
            text = "\n\n".join(_part_texts(parts))
            result = _result(block["tool_use_id"], text, failed=block.get("is_error", False))
            return [result, *[("result image", f"image {_address(one)}") for one in images]]
        case _:
            return [(role, block["text"])]


def _address(source: Mapping[str, Any]) -> str:
    return source.get("url") or f"data:{source['media_type']};base64,{source['data']}"
