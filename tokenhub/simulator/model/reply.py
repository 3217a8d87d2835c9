"""What the simulated model answers, whichever API writes it down."""

from dataclasses import dataclass
from enum import StrEnum

CALL_TOKENS = 8
"""Output tokens that a tool call costs beside its arguments."""


class Finish(StrEnum):
    """Why the model stopped.

    `FILTERED` is a filter that cut the answer, `REFUSED` the model itself that declined, `PAUSED`
    a turn that wants to be continued, `WINDOW` a full context window.
    """

    STOP = "stop"
    LENGTH = "length"
    TOOLS = "tools"
    STOP_SEQUENCE = "stop_sequence"
    REFUSED = "refusal"
    FILTERED = "content_filter"
    PAUSED = "pause_turn"
    WINDOW = "model_context_window_exceeded"


FORCED = frozenset({Finish.LENGTH, Finish.FILTERED, Finish.PAUSED, Finish.WINDOW})
"""What a profile may let any answer end with."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of the tool `name`; `arguments` are the pieces of its JSON, or of its free text."""

    name: str
    arguments: tuple[str, ...]
    free_text: bool = False

    @property
    def json(self) -> str:
        """The arguments' JSON or free text; cut off when the tokens ran out."""
        return "".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, in pieces of one token; `stop_sequence` is the one that ended it.

    The words of a reply that `finish` calls refused are those of the refusal.
    """

    thinking: tuple[str, ...]
    words: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    finish: Finish
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.words)

    @property
    def refused(self) -> bool:
        """Whether the model declined to answer."""
        return self.finish is Finish.REFUSED

    @property
    def reasoning(self) -> str:
        """The whole of the thinking."""
        return "".join(self.thinking)

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of the thinking."""
        return len(self.thinking)

    @property
    def output_tokens(self) -> int:
        """All tokens, those of the thinking included; an empty answer costs one too."""
        calls = sum(CALL_TOKENS + len(call.arguments) for call in self.calls)
        return max(1, len(self.thinking) + len(self.words) + calls)
