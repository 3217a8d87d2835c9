"""What the turns, the system prompt and the tools of a messages request say."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from tokenhub.wire.translation import messages_keys
from tokenhub.wire.translation.checks import (
    an_object,
    expected,
    maybe_flag,
    maybe_text,
    text_at,
)
from tokenhub.wire.translation.conversation import (
    Conversation,
    File,
    Image,
    Piece,
    Role,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.exact import is_rounded
from tokenhub.wire.translation.keys import Keys, check

Json = dict[str, Any]

_BILLING: Final = "x-anthropic-billing-header:"
"""How Claude Code begins a note to Anthropic among its system prompts.

It is not for the model, and differs from request to request: no prompt would be cached twice.
"""


def turns_of(messages: object, into: Conversation) -> list[Turn]:
    """The turns; raises BadRequest."""
    if not isinstance(messages, list) or not messages:
        raise expected("messages", "a list that is not empty")
    turns = [_turn(message, f"messages.{index}", into) for index, message in enumerate(messages)]
    if turns[-1].role is Role.ASSISTANT:
        into.uses.setdefault("prefill", turns[-1].where)
    return turns


def system_of(system: object, into: Conversation) -> list[Turn]:
    """The system prompt as the turns that it comes to, at most one; raises BadRequest."""
    if isinstance(system, str):
        return [Turn(Role.SYSTEM, [Text(system)], "system")]
    if not isinstance(system, list):
        raise expected("system", "text or a list of blocks")
    pieces = [
        piece
        for piece in _pieces(system, "system", _READERS[Role.SYSTEM], into)
        if not (isinstance(piece, Text) and piece.text.startswith(_BILLING))
    ]
    return [Turn(Role.SYSTEM, pieces, "system")] if pieces else []


def tools_of(tools: object, into: Conversation) -> list[Tool]:
    """The tools that are functions; raises BadRequest."""
    if not isinstance(tools, list):
        raise expected("tools", "a list")
    read = []
    for index, tool in enumerate(tools):
        where = f"tools.{index}"
        if not isinstance(tool, dict):
            raise expected(where, "an object")
        if tool.get("type") in (None, "custom"):
            read.append(_tool(tool, where, into))
        else:
            into.uses.setdefault("server_tool", where)
    return read


def _tool(tool: Json, where: str, into: Conversation) -> Tool:
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        raise expected(f"{where}.input_schema", "an object")
    check(tool, messages_keys.TOOL, where, into)
    return Tool(
        name=text_at(tool, "name", where),
        description=maybe_text(tool, "description", where),
        parameters=schema,
        strict=maybe_flag(tool, "strict", where) or None,
        cache=_cache(tool, where),
    )


def _turn(message: object, where: str, into: Conversation) -> Turn:
    if type(message) is not dict:
        raise expected(where, "an object")
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise expected(f"{where}.role", "user, assistant or system")
    side, known = _ROLES[role]
    check(message, known, where, into)
    if isinstance(content, str):
        return Turn(side, [Text(content)], where)
    if not isinstance(content, list):
        raise expected(f"{where}.content", "text or a list of blocks")
    return Turn(side, _pieces(content, f"{where}.content", _READERS[side], into), where)


_Read = Callable[[Json, str, Conversation], list[Any]]


def _pieces(blocks: list[Any], where: str, readers: "_Readers", into: Conversation) -> list[Piece]:
    """What `blocks` say; one that no other protocol knows goes into `uses`."""
    pieces: list[Piece] = []
    for index, block in enumerate(blocks):
        place = f"{where}.{index}"
        if type(block) is not dict:
            raise expected(place, "an object")
        kind = block.get("type")
        if not isinstance(kind, str):
            raise expected(f"{place}.type", "the name of a block")
        if kind in readers:
            read, known = readers[kind]
            check(block, known, place, into)
            pieces += read(block, place, into)
        elif kind in _KNOWN:
            raise expected(f"{place}.type", f"one of {', '.join(readers)}")
        else:
            into.uses.setdefault("unknown_content", place)
    return pieces


def _text(block: Json, where: str, into: Conversation) -> list[Text]:
    text = block.get("text")
    if not isinstance(text, str):
        raise expected(f"{where}.text", "text")
    if block.get("citations"):
        into.uses.setdefault("citations", f"{where}.citations")
    return [Text(text, _cache(block, where))]


def _image(block: Json, where: str, into: Conversation) -> list[Image]:
    source, cache, place = _source(block, where), _cache(block, where), f"{where}.source"
    match source.get("type"):
        case "base64":
            check(source, messages_keys.INLINE, place, into)
            media_type = text_at(source, "media_type", place)
            data = text_at(source, "data", place)
            return [Image(media_type=media_type, data=data, cache=cache)]
        case "url":
            check(source, messages_keys.URL, place, into)
            return [Image(url=text_at(source, "url", place), cache=cache)]
        case "file":
            into.uses.setdefault("file_id", place)
            return []
        case _:
            raise expected(f"{place}.type", "base64, url or file")


def _document(block: Json, where: str, into: Conversation) -> list[Text | File]:
    """A document, after the `context` that it is given."""
    context, name = maybe_text(block, "context", where), maybe_text(block, "title", where)
    if block.get("citations") is not None:
        citations = an_object(block["citations"], f"{where}.citations")
        check(citations, messages_keys.CITATIONS, f"{where}.citations", into)
        if citations.get("enabled"):
            into.uses.setdefault("citations", f"{where}.citations")
    file = _file(_source(block, where), f"{where}.source", name, _cache(block, where), into)
    return [*([Text(context)] if context else []), *([file] if file else [])]


def _file(
    source: Json, where: str, name: str | None, cache: Json | None, into: Conversation
) -> File | None:
    match source.get("type"):
        case "base64":
            check(source, messages_keys.INLINE, where, into)
            media_type = text_at(source, "media_type", where)
            data = text_at(source, "data", where)
            return File(media_type=media_type, data=data, name=name, cache=cache)
        case "text":
            check(source, messages_keys.INLINE, where, into)
            text = text_at(source, "data", where)
            return File(media_type="text/plain", text=text, name=name, cache=cache)
        case "content":
            check(source, messages_keys.BLOCKS, where, into)
            text = _joined(source.get("content"), f"{where}.content", into)
            return File(media_type="text/plain", text=text, name=name, cache=cache)
        case "url":
            check(source, messages_keys.URL, where, into)
            into.uses.setdefault("file_url", f"{where}.url")
            return File(url=text_at(source, "url", where), name=name, cache=cache)
        case "file":
            into.uses.setdefault("file_id", where)
            return None
        case _:
            raise expected(f"{where}.type", "base64, text, content, url or file")


def _joined(content: object, where: str, into: Conversation) -> str:
    """The text of a document that is made of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise expected(where, "text or a list of blocks")
    pieces = _pieces(content, where, _IN_DOCUMENTS, into)
    if any(isinstance(piece, Image) for piece in pieces):
        into.uses.setdefault("document_images", where)
    return "\n".join(piece.text for piece in pieces if isinstance(piece, Text))


def _tool_use(block: Json, where: str, into: Conversation) -> list[ToolUse]:
    arguments, caller = block.get("input"), block.get("caller")
    if not isinstance(arguments, dict):
        raise expected(f"{where}.input", "an object")
    if caller is not None and caller != _DIRECT:
        into.uses.setdefault("server_tool", f"{where}.caller")
    try:
        written = orjson.dumps(arguments).decode()
    except orjson.JSONEncodeError:
        raise expected(f"{where}.input", "an object that is nested less deeply") from None
    into.rounded = into.rounded or is_rounded(arguments)
    id, name = text_at(block, "id", where), text_at(block, "name", where)
    return [ToolUse(id, name, written, _cache(block, where))]


def _tool_result(block: Json, where: str, into: Conversation) -> list[ToolResult]:
    content = block.get("content")
    pieces: list[Any] = []
    if isinstance(content, str):
        pieces = [Text(content)] if content else []
    elif isinstance(content, list):
        pieces = _pieces(content, f"{where}.content", _IN_RESULTS, into)
    elif content is not None:
        raise expected(f"{where}.content", "text or a list of blocks")
    return [
        ToolResult(
            id=text_at(block, "tool_use_id", where),
            content=pieces,
            failed=maybe_flag(block, "is_error", where) or False,
            cache=_cache(block, where),
        )
    ]


def _thinking(block: Json, where: str, into: Conversation) -> list[Thinking]:
    return [
        Thinking(text_at(block, "thinking", where), maybe_text(block, "signature", where) or "")
    ]


def _redacted(block: Json, where: str, into: Conversation) -> list[Thinking]:
    return [Thinking("", text_at(block, "data", where), redacted=True)]


def _source(block: Json, where: str) -> Json:
    source = block.get("source")
    if not isinstance(source, dict):
        raise expected(f"{where}.source", "an object")
    return source


def _cache(block: Json, where: str) -> Json | None:
    cache = block.get("cache_control")
    if cache is not None and not isinstance(cache, dict):
        raise expected(f"{where}.cache_control", "an object")
    return cache


_DIRECT: Final = {"type": "direct"}
"""The caller of a tool that is the model itself."""
_ROLES: Final = {
    "user": (Role.USER, messages_keys.USER),
    "assistant": (Role.ASSISTANT, messages_keys.ANSWER),
    "system": (Role.SYSTEM, messages_keys.SYSTEM),
}
_Readers = Mapping[str, tuple[_Read, Keys]]
_IN_DOCUMENTS: Final[_Readers] = {
    "text": (_text, messages_keys.TEXT),
    "image": (_image, messages_keys.IMAGE),
}
_IN_RESULTS: Final[_Readers] = {**_IN_DOCUMENTS, "document": (_document, messages_keys.DOCUMENT)}
_READERS: Final[Mapping[Role, _Readers]] = {
    Role.USER: {**_IN_RESULTS, "tool_result": (_tool_result, messages_keys.TOOL_RESULT)},
    Role.ASSISTANT: {
        "text": (_text, messages_keys.ANSWER_TEXT),
        "thinking": (_thinking, messages_keys.THINKING),
        "redacted_thinking": (_redacted, messages_keys.REDACTED),
        "tool_use": (_tool_use, messages_keys.TOOL_USE),
    },
    Role.SYSTEM: {"text": (_text, messages_keys.TEXT)},
}
_KNOWN: Final = frozenset(kind for readers in _READERS.values() for kind in readers)
