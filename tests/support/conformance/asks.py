"""What a request asks, in no protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Text:
    """Text; `ttl` ends a prefix that Anthropic is to cache for so long."""

    text: str
    ttl: str | None = None


@dataclass(frozen=True)
class Picture:
    """An image by its address, `data:` for one that comes along."""

    url: str


@dataclass(frozen=True)
class Paper:
    """A PDF as base64 `data`, or by its `url`."""

    data: str = ""
    url: str = ""


@dataclass(frozen=True)
class Call:
    """A call that the assistant made."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What a call gave."""

    id: str
    content: tuple[Text | Picture, ...]
    failed: bool = False


Piece = Text | Picture | Paper | Call | Result


@dataclass(frozen=True)
class Turn:
    """What `user`, `assistant` or `system` said in one go; results stand in the user's."""

    role: str
    pieces: tuple[Piece, ...]


def user(*pieces: Piece | str) -> Turn:
    """A turn of the user."""
    return Turn("user", tuple(Text(p) if isinstance(p, str) else p for p in pieces))


def system(text: str) -> Turn:
    """A turn of the system."""
    return Turn("system", (Text(text),))


def assistant(*pieces: Piece | str) -> Turn:
    """A turn of the assistant."""
    return Turn("assistant", tuple(Text(p) if isinstance(p, str) else p for p in pieces))


@dataclass(frozen=True)
class Tool:
    """A function that may be called."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """A request; None and empty are "not said".

    `choice` is `auto`, `none`, `required` or a tool's name; `effort` asks for thinking, which
    clients of messages say by a budget unless it is `adaptive`; `json`
    asks for any JSON object, `schema` for one of its form. `more` are fields of the client's
    protocol as they stand there.
    """

    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    choice: str | None = None
    parallel: bool | None = None
    limit: int | None = 300
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    json: bool = False
    effort: str | None = None
    adaptive: bool = False
    user: str | None = None
    more: Mapping[str, Any] | None = None
