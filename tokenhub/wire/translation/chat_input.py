"""The messages of chat completions, read.

Source: OpenAI API reference, "Create chat completion", `messages`. Beside it what clients of other
chat providers send: `reasoning_content` (DeepSeek, vLLM) or `reasoning` (OpenRouter) in a message
of the assistant, and Anthropic's `cache_control` in messages and their parts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tokenhub.wire.translation import chat_keys
from tokenhub.wire.translation.checks import (
    a_list,
    an_object,
    data_of_url,
    expected,
    maybe_text,
    text_at,
)
from tokenhub.wire.translation.conversation import (
    Conversation,
    File,
    Image,
    Piece,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from tokenhub.wire.translation.files import file_of
from tokenhub.wire.translation.keys import Keys, check
from tokenhub.wire.translation.seals import own_seal

_ROLES: Final = "system, developer, user, assistant, tool or function"


def read_messages(body: Mapping[str, Any], conversation: Conversation) -> None:
    """Add the turns of `body` to `conversation`; raises BadRequest naming the field."""
    messages = body.get("messages")
    if type(messages) is not list or not messages:
        raise expected("messages", "a list that is not empty")
    reader = _Reader(conversation)
    for index, message in enumerate(messages):
        reader.message(message, f"messages.{index}")


class _Reader:
    """Reads the messages in their order.

    Function messages (deprecated) have no ids: each answers the last call of its name.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._turns = conversation.turns
        self._uses = conversation.uses
        self._hints = conversation.hints
        self._missed = conversation.missed
        self._calls: dict[str, str] = {}

    def message(self, message: object, where: str) -> None:
        if type(message) is not dict:
            raise expected(where, "an object")
        role = message.get("role")
        found = _BY_ROLE.get(role) if type(role) is str else None
        if found is None:
            raise expected(f"{where}.role", _ROLES)
        read, known = found
        check(message, known, where, self._conversation)
        if message.get("name") is not None and role not in ("tool", "function"):
            self._missed.append(f"{where}.name")
        read(self, message, where)

    def system(self, message: dict[str, Any], where: str) -> None:
        self._turns.append(Turn(Role.SYSTEM, self._content(message, where, _TEXT), where))

    def user(self, message: dict[str, Any], where: str) -> None:
        self._turns.append(Turn(Role.USER, self._content(message, where, _MEDIA), where))

    def tool(self, message: dict[str, Any], where: str) -> None:
        self._result(text_at(message, "tool_call_id", where), message, where)

    def function(self, message: dict[str, Any], where: str) -> None:
        name = text_at(message, "name", where)
        if name not in self._calls:
            raise expected(f"{where}.name", "the name of a function that was called before")
        self._result(self._calls[name], message, where)

    def _result(self, id: str, message: dict[str, Any], where: str) -> None:
        result = ToolResult(id, self._content(message, where, _MEDIA), cache=_cache(message))
        self._turns.append(Turn(Role.USER, [result], where))

    def assistant(self, message: dict[str, Any], where: str) -> None:
        pieces: list[Piece] = []
        thinking = message.get("reasoning_content") or message.get("reasoning")
        if type(thinking) is str and thinking:
            pieces.append(Thinking(thinking, own_seal(thinking)))
        if message.get("content") is not None:
            pieces += self._content(message, where, _SPOKEN)
        refusal = maybe_text(message, "refusal", where)
        if refusal is not None:
            pieces.append(Refusal(refusal))
        if message.get("audio") is not None:
            self._uses.setdefault("audio", f"{where}.audio")
        if message.get("tool_calls") is not None:
            pieces += self._tool_calls(message["tool_calls"], f"{where}.tool_calls")
        if message.get("function_call") is not None:
            pieces.append(self._function_call(message["function_call"], where))
        self._turns.append(Turn(Role.ASSISTANT, pieces, where))

    def _tool_calls(self, calls: object, where: str) -> list[ToolUse]:
        uses = []
        for index, call in enumerate(a_list(calls, where)):
            at = f"{where}.{index}"
            call = an_object(call, at)
            if call.get("type") == "custom":
                self._uses.setdefault("custom_tool", at)
                continue
            check(call, chat_keys.TOOL_CALL, at, self._conversation)
            inner = f"{at}.function"
            function = an_object(call.get("function"), inner)
            check(function, chat_keys.CALLED, inner, self._conversation)
            name = text_at(function, "name", inner)
            arguments = text_at(function, "arguments", inner)
            uses.append(ToolUse(text_at(call, "id", at), name, arguments, _cache(call)))
        return uses

    def _function_call(self, call: object, where: str) -> ToolUse:
        field = f"{where}.function_call"
        call = an_object(call, field)
        check(call, chat_keys.CALLED, field, self._conversation)
        name = text_at(call, "name", field)
        self._calls[name] = id = f"call_{where.replace('.', '_')}"
        return ToolUse(id, name, text_at(call, "arguments", field))

    def _content(self, message: dict[str, Any], where: str, kinds: "_Kinds") -> list[Any]:
        """What stands in `content`: text or a list of parts; an empty text is nothing."""
        content = message.get("content")
        where = f"{where}.content"
        if type(content) is str:
            return [Text(content, _cache(message))] if content else []
        if type(content) is not list:
            raise expected(where, "text or a list of parts")
        pieces = []
        for index, part in enumerate(content):
            at = f"{where}.{index}"
            kind = an_object(part, at).get("type")
            if type(kind) is not str:
                raise expected(f"{at}.type", "the name of a type")
            if (found := kinds.get(kind)) is None:
                self._uses.setdefault(_UNREADABLE.get(kind, "unknown_content"), at)
                continue
            read, known = found
            check(part, known, at, self._conversation)
            if (piece := read(self, part, at)) is not None:
                pieces.append(piece)
        return pieces

    def text(self, part: dict[str, Any], where: str) -> Text | None:
        text = text_at(part, "text", where)
        return Text(text, _cache(part)) if text else None

    def refusal(self, part: dict[str, Any], where: str) -> Refusal:
        return Refusal(text_at(part, "refusal", where))

    def image(self, part: dict[str, Any], where: str) -> Image:
        where = f"{where}.image_url"
        image = an_object(part.get("image_url"), where)
        check(image, chat_keys.IMAGE_URL, where, self._conversation)
        detail = maybe_text(image, "detail", where)
        if detail not in (None, "auto"):
            self._hints.setdefault("image_detail", f"{where}.detail")
        url = text_at(image, "url", where)
        if url.startswith(("http://", "https://")):
            return Image(url, detail=detail, cache=_cache(part))
        parsed = data_of_url(url)
        if parsed is None:
            raise expected(f"{where}.url", "an http(s) URL or a base64 data URL")
        return Image(None, *parsed, detail, _cache(part))

    def file(self, part: dict[str, Any], where: str) -> File | None:
        where = f"{where}.file"
        file = an_object(part.get("file"), where)
        check(file, chat_keys.FILE_DATA, where, self._conversation)
        if file.get("file_data") is None or file.get("file_id") is not None:
            text_at(file, "file_id", where)
            self._uses.setdefault("file_id", f"{where}.file_id")
            return None
        url, name = text_at(file, "file_data", where), maybe_text(file, "filename", where)
        return file_of(url, name, f"{where}.file_data", self._uses, _cache(part))


_BY_ROLE: Final[Mapping[str, tuple[Callable[[_Reader, dict[str, Any], str], None], Keys]]] = {
    "system": (_Reader.system, chat_keys.SPOKEN),
    "developer": (_Reader.system, chat_keys.SPOKEN),
    "user": (_Reader.user, chat_keys.SPOKEN),
    "assistant": (_Reader.assistant, chat_keys.ANSWER),
    "tool": (_Reader.tool, chat_keys.TOOL_RESULT),
    "function": (_Reader.function, chat_keys.FUNCTION_RESULT),
}

_Kinds = Mapping[str, tuple[Callable[[_Reader, dict[str, Any], str], Piece | None], Keys]]
_TEXT: Final[_Kinds] = {"text": (_Reader.text, chat_keys.TEXT)}
_SPOKEN: Final[_Kinds] = {**_TEXT, "refusal": (_Reader.refusal, chat_keys.REFUSAL)}
_MEDIA: Final[_Kinds] = {
    **_TEXT,
    "image_url": (_Reader.image, chat_keys.IMAGE),
    "file": (_Reader.file, chat_keys.FILE),
}
_UNREADABLE: Final = {"input_audio": "audio"}


def _cache(holder: Mapping[str, Any]) -> Mapping[str, Any] | None:
    cache = holder.get("cache_control")
    return cache if type(cache) is dict else None
