"""What a request asks of the model, whichever API it came by."""

from dataclasses import dataclass
from typing import Any, Literal

Choice = Literal["auto", "none", "any"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call: `parameters` is its JSON Schema, or it takes free text."""

    name: str
    parameters: Any
    free_text: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request, read.

    `text` is the newest user text, `turns` the number of messages, `input_tokens` the whole
    prompt's. `answering_tools` says that the newest turn brings results of tools. `choice` and
    `only_tool` say whether tools must be called and which one. `max_tokens` limits the output,
    reasoning included. `reasoning_words` is how long the model thinks first; 0: not at all.
    `preamble` says that it announces its tool calls in words. `schema` is that of the answer's
    JSON; an empty one takes any object.
    """

    text: str
    turns: int
    input_tokens: int
    max_tokens: int
    answering_tools: bool = False
    tools: tuple[Tool, ...] = ()
    choice: Choice = "auto"
    only_tool: str | None = None
    parallel: bool = True
    stops: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    reasoning_words: int = 0
    preamble: bool = False
