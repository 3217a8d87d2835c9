"""The input of responses, read.

Source: OpenAI API reference, "Create a model response", `input`. The items of one answer, which
stand apart here, become one turn of the assistant.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tokenhub.wire.translation import responses_keys
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
from tokenhub.wire.translation.responses_tools import custom_arguments, joined_name, named
from tokenhub.wire.translation.seals import REDACTED_PREFIX

_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_BETWEEN_SUMMARIES: Final = "\n\n"
OTHER_ITEMS: Final = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Types of items that are known by name although they are not translated."""


def read_input(body: Mapping[str, Any], conversation: Conversation) -> None:
    """Add the turns of `body` to `conversation`; raises BadRequest naming the field."""
    turns = conversation.turns
    instructions = maybe_text(body, "instructions")
    if instructions:
        turns.append(Turn(Role.SYSTEM, [Text(instructions)], "instructions"))
    value = body.get("input")
    if not value or (type(value) is not str and type(value) is not list):
        raise expected("input", "text or a list that is not empty")
    if type(value) is str:
        turns.append(Turn(Role.USER, [Text(value)], "input"))
        return
    reader = _Reader(conversation)
    for index, item in enumerate(value):
        reader.item(item, f"input.{index}")


class _Reader:
    """Reads the items in their order; the pieces of the last turn are kept to be added to."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._turns = conversation.turns
        self._uses = conversation.uses
        self._answer: list[Piece] | None = None
        self._results: list[Piece] | None = None

    def item(self, value: object, where: str) -> None:
        item = an_object(value, where)
        kind = maybe_text(item, "type", where)
        if kind is None:
            kind = "message" if "role" in item else "item_reference"
        if (found := _BY_TYPE.get(kind)) is None:
            feature = "item_reference" if kind == "item_reference" else "server_item"
            self._uses.setdefault(feature, named(where, kind, OTHER_ITEMS))
            return
        read, known = found
        if item.get("role") == "assistant" and kind == "message":
            known = responses_keys.ANSWER
        check(item, known, where, self._conversation)
        read(self, item, where)

    def message(self, item: dict[str, Any], where: str) -> None:
        role = _ROLES.get(text_at(item, "role", where))
        if role is None:
            raise expected(f"{where}.role", "system, developer, user or assistant")
        pieces = self._content(item.get("content"), f"{where}.content", _OF_ROLE[role])
        if role is Role.ASSISTANT:
            self._say(pieces, where)
        else:
            self._answer = self._results = None
            self._turns.append(Turn(role, pieces, where))

    def reasoning(self, item: dict[str, Any], where: str) -> None:
        seal = maybe_text(item, "encrypted_content", where) or ""
        summary, words = self._texts(item, "summary", where), self._texts(item, "content", where)
        text = _BETWEEN_SUMMARIES.join(summary or words)
        if seal.startswith(REDACTED_PREFIX):
            self._say([Thinking("", seal.removeprefix(REDACTED_PREFIX), redacted=True)], where)
        elif seal or text:
            self._say([Thinking(text, seal)], where)

    def function_call(self, item: dict[str, Any], where: str) -> None:
        self._call(item, text_at(item, "arguments", where), where)

    def custom_call(self, item: dict[str, Any], where: str) -> None:
        self._call(item, custom_arguments(text_at(item, "input", where)), where)

    def output(self, item: dict[str, Any], where: str) -> None:
        """What a function or a custom tool gave."""
        self._answer = None
        if self._results is None:
            self._results = []
            self._turns.append(Turn(Role.USER, self._results, where))
        content = self._content(item.get("output"), f"{where}.output", _MEDIA)
        self._results.append(ToolResult(text_at(item, "call_id", where), content))

    def tools(self, item: dict[str, Any], where: str) -> None:
        """Tools that are offered here: they are read with all others."""

    def _say(self, pieces: list[Any], where: str) -> None:
        """Add what the assistant said. After text without a call its next answer begins."""
        answer = self._answer
        if answer is None or _is_whole(answer):
            self._open(pieces, where)
        else:
            answer += pieces

    def _call(self, item: dict[str, Any], arguments: str, where: str) -> None:
        namespace = maybe_text(item, "namespace", where)
        name = joined_name(namespace, text_at(item, "name", where))
        use = ToolUse(text_at(item, "call_id", where), name, arguments)
        if self._answer is None:
            self._open([use], where)
        else:
            self._answer.append(use)

    def _open(self, pieces: list[Piece], where: str) -> None:
        self._results = None
        self._answer = pieces
        self._turns.append(Turn(Role.ASSISTANT, pieces, where))

    def _texts(self, item: dict[str, Any], name: str, where: str) -> list[str]:
        """The texts of a list of parts."""
        if item.get(name) is None:
            return []
        texts, at = [], f"{where}.{name}"
        for index, value in enumerate(a_list(item[name], at)):
            place = f"{at}.{index}"
            part = an_object(value, place)
            check(part, responses_keys.REASONING_TEXT, place, self._conversation)
            texts.append(text_at(part, "text", place))
        return texts

    def _content(self, content: object, where: str, kinds: "_Kinds") -> list[Any]:
        """What text or a list of parts says; an empty text is nothing."""
        if type(content) is str:
            return [Text(content)] if content else []
        if type(content) is not list:
            raise expected(where, "text or a list of parts")
        pieces = []
        for index, value in enumerate(content):
            at = f"{where}.{index}"
            part = an_object(value, at)
            if (found := kinds.get(text_at(part, "type", at))) is None:
                self._uses.setdefault("unknown_content", at)
                continue
            read, known = found
            check(part, known, at, self._conversation)
            if (piece := read(self, part, at)) is not None:
                pieces.append(piece)
        return pieces

    def text(self, part: dict[str, Any], where: str) -> Text | None:
        text = text_at(part, "text", where)
        return Text(text) if text else None

    def refusal(self, part: dict[str, Any], where: str) -> Refusal:
        return Refusal(text_at(part, "refusal", where))

    def image(self, part: dict[str, Any], where: str) -> Image | None:
        if part.get("image_url") is None or part.get("file_id") is not None:
            self._by_id(part, where)
            return None
        detail = maybe_text(part, "detail", where)
        if detail not in (None, "auto"):
            self._conversation.hints.setdefault("image_detail", f"{where}.detail")
        url = text_at(part, "image_url", where)
        if url.startswith(("http://", "https://")):
            return Image(url, detail=detail)
        parsed = data_of_url(url)
        if parsed is None:
            raise expected(f"{where}.image_url", "an http(s) URL or a base64 data URL")
        return Image(None, *parsed, detail)

    def file(self, part: dict[str, Any], where: str) -> File | None:
        name = maybe_text(part, "filename", where)
        url, data = part.get("file_url"), part.get("file_data")
        if part.get("file_id") is not None or (url is None and data is None):
            self._by_id(part, where)
            return None
        if url is not None:
            if data is not None:
                raise expected(where, "file_url or file_data, not both")
            self._uses.setdefault("file_url", f"{where}.file_url")
            return File(text_at(part, "file_url", where), name=name)
        return file_of(text_at(part, "file_data", where), name, f"{where}.file_data", self._uses)

    def _by_id(self, part: dict[str, Any], where: str) -> None:
        text_at(part, "file_id", where)
        self._uses.setdefault("file_id", f"{where}.file_id")


def _is_whole(answer: list[Piece]) -> bool:
    """Whether something was said and nothing called."""
    return any(isinstance(piece, Text | Refusal) for piece in answer) and not any(
        isinstance(piece, ToolUse) for piece in answer
    )


_BY_TYPE: Final[Mapping[str, tuple[Callable[[_Reader, dict[str, Any], str], None], Keys]]] = {
    "message": (_Reader.message, responses_keys.MESSAGE),
    "reasoning": (_Reader.reasoning, responses_keys.REASONING),
    "function_call": (_Reader.function_call, responses_keys.CALL),
    "function_call_output": (_Reader.output, responses_keys.OUTPUT),
    "custom_tool_call": (_Reader.custom_call, responses_keys.CUSTOM_CALL),
    "custom_tool_call_output": (_Reader.output, responses_keys.OUTPUT),
    "additional_tools": (_Reader.tools, responses_keys.ADDITIONAL_TOOLS),
}

_Kinds = Mapping[str, tuple[Callable[[_Reader, dict[str, Any], str], Piece | None], Keys]]
_TEXT: Final[_Kinds] = {
    "input_text": (_Reader.text, responses_keys.TEXT),
    "output_text": (_Reader.text, responses_keys.TEXT),
}
_MEDIA: Final[_Kinds] = {
    **_TEXT,
    "input_image": (_Reader.image, responses_keys.IMAGE),
    "input_file": (_Reader.file, responses_keys.FILE),
}
_OF_ROLE: Final[Mapping[Role, _Kinds]] = {
    Role.SYSTEM: _TEXT,
    Role.USER: _MEDIA,
    Role.ASSISTANT: {
        "input_text": (_Reader.text, responses_keys.ANSWER_TEXT),
        "output_text": (_Reader.text, responses_keys.ANSWER_TEXT),
        "refusal": (_Reader.refusal, responses_keys.REFUSAL),
    },
}
