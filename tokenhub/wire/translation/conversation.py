"""What a request says, whatever protocol it came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tokenhub.types import per_request


class Role(StrEnum):
    """Who speaks in a turn. `SYSTEM` is also OpenAI's `developer`."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Origin(StrEnum):
    """Whose a seal is, seen from the deployment that a request goes to."""

    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@per_request
class Text:
    """Text; `cache` is Anthropic's `cache_control` object where it had one."""

    text: str
    cache: Mapping[str, Any] | None = None


@per_request
class Image:
    """An image by `url`, or as base64 `data` of `media_type`; `detail` is OpenAI's."""

    url: str | None = None
    media_type: str = ""
    data: str = ""
    detail: str | None = None
    cache: Mapping[str, Any] | None = None


@per_request
class File:
    """A document (a PDF) by `url`, as base64 `data` of `media_type`, or as plain `text`."""

    url: str | None = None
    media_type: str = ""
    data: str = ""
    text: str | None = None
    name: str | None = None
    cache: Mapping[str, Any] | None = None


@per_request
class ToolUse:
    """A call of a function; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str
    cache: Mapping[str, Any] | None = None


@per_request
class ToolResult:
    """What a call gave; `failed` is Anthropic's `is_error`."""

    id: str
    content: Sequence[Text | Image | File]
    failed: bool = False
    cache: Mapping[str, Any] | None = None


@per_request
class Thinking:
    """A block of thinking: its `text`, and the `seal` by which its maker knows it again.

    The seal is Anthropic's `signature` or, where the thinking itself is `redacted`, its `data`; in
    responses the `encrypted_content`; "" where it has none.
    """

    text: str
    seal: str = ""
    redacted: bool = False


@per_request
class Refusal:
    """The model's own words of refusal (OpenAI's `refusal`)."""

    text: str


Piece = Text | Image | File | ToolUse | ToolResult | Thinking | Refusal


@per_request
class Turn:
    """What one side said in one go; `where` names it in the client's body (`messages.3`).

    Two turns of one side may follow each other. A ToolResult stands in a turn of the user.
    """

    role: Role
    pieces: Sequence[Piece]
    where: str


@per_request
class Tool:
    """A function that the model may call; `parameters` is its JSON Schema, None without one."""

    name: str
    description: str | None
    parameters: Mapping[str, Any] | None
    strict: bool | None = None
    cache: Mapping[str, Any] | None = None


class Choice(StrEnum):
    """Which tools are to be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    ONE = "one"


@per_request
class Format:
    """What the text of the answer must be: any JSON object, or by `schema` where that is given."""

    schema: Mapping[str, Any] | None = None
    name: str = "answer"
    description: str | None = None
    strict: bool | None = None


@per_request
class Reasoning:
    """How much to think: by OpenAI's `effort` words, or by Anthropic's `budget` in tokens.

    `off` asks for none. `shown` asks for the thinking or its summary to be told.
    """

    effort: str | None = None
    budget: int | None = None
    off: bool = False
    adaptive: bool = False
    shown: bool = False


@dataclass(slots=True)
class Conversation:
    """A request.

    None and empty are "not said". `tool_name` belongs to Choice.ONE. `allowed` are the names of
    the only tools that may be called, where OpenAI's `allowed_tools` gives some; Choice.AUTO or
    REQUIRED goes with it. `parallel` is whether several tools may be called at once. `shared` has
    fields that mean the same under the same name in chat and responses, as they came (`metadata`,
    `prompt_cache_key`, …; `verbosity` under that name). `uses` names what the request uses that
    some protocol cannot say (see `fields.FEATURES`), with the field where it stands first.
    `missed` are fields that were left out in reading, since no other protocol has them, and that
    the client may miss (`messages.0.name`); `hints` are such that some protocols have: named by
    feature, as in `uses`, they are left out only where they cannot be said. `rounded` tells that a
    tool's arguments have a number that may have lost digits in reading (see `exact`).
    """

    turns: list[Turn] = field(default_factory=list)
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: Sequence[str] = ()
    stream: bool = False
    tools: Sequence[Tool] = ()
    choice: Choice | None = None
    tool_name: str | None = None
    allowed: Sequence[str] = ()
    parallel: bool | None = None
    format: Format | None = None
    reasoning: Reasoning | None = None
    user: str | None = None
    service_tier: str | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    uses: dict[str, str] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)
    rounded: bool = False
