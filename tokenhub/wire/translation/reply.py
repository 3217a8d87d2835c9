"""What an answer says, whatever protocol it comes in: whole, or told piece by piece."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum

from tokenhub.types import Usage, per_request
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.seals import own_seal


class Stop(StrEnum):
    """Why the model stopped."""

    END = "end"
    LENGTH = "length"
    TOOLS = "tools"
    SEQUENCE = "sequence"
    REFUSED = "refused"
    """By the model or a content filter."""
    PAUSED = "paused"
    """Anthropic's `pause_turn`: the turn is to be sent back to go on."""
    CONTEXT = "context"
    """Anthropic's `model_context_window_exceeded`."""


@dataclass(slots=True)
class Reply:
    """A whole answer. `sequence` is the stop sequence that was met, `model` the provider's name."""

    model: str = ""
    pieces: list[Text | Thinking | ToolUse | Refusal] = field(default_factory=list)
    stop: Stop = Stop.END
    sequence: str | None = None
    usage: Usage | None = None


@per_request
class Setting:
    """What an answer is written with, since no writer has a clock or makes ids of its own.

    All ids are derived from `request_id`, so that the same stream is the same bytes. `created_s` is
    the epoch in seconds; `input_tokens` our estimate of the input, for protocols that tell it
    before the provider does. `asked` are the client's own top-level fields (responses repeats
    them); `include_usage` tells whether a chat client wants the usage of its stream. `seals` takes
    up those that are made for thinking which came without one.
    """

    request_id: str
    created_s: int
    model: str
    input_tokens: int
    asked: dict[str, object] = field(default_factory=dict)
    include_usage: bool = False
    seals: list[str] = field(default_factory=list)

    def seal_for(self, thinking: str) -> str:
        """Our own seal for `thinking`, which is remembered as its maker's."""
        seal = own_seal(thinking)
        self.seals.append(seal)
        return seal


class StreamWriter(ABC):
    """Is told what a stream says, and gives the client's events for it.

    Reasoning, text and tool calls come in the order of the stream; `tool` begins a call, whose
    number `index` (from 0) its `arguments` name. The parts of two calls may interleave. What
    became events is in `take` at once, unless the client's protocol forbids it: then as soon as
    it allows. After `failed` or `end` nothing follows.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.out: list[bytes] = []

    def take(self) -> list[bytes]:
        """The complete events since the last call."""
        out, self.out = self.out, []
        return out

    @abstractmethod
    def begin(self, model: str, usage: Usage | None) -> None:
        """The stream begins; `usage` is what is known of it already. Told once, first."""

    @abstractmethod
    def text(self, text: str) -> None:
        """More text."""

    @abstractmethod
    def thinking(self, text: str) -> None:
        """More thinking, of a new block after anything else was told or the block was sealed."""

    @abstractmethod
    def seal(self, seal: str, *, redacted: bool = False) -> None:
        """The seal of the thinking before it, complete; alone where it is `redacted`."""

    @abstractmethod
    def refusal(self, text: str) -> None:
        """More of the model's own words of refusal."""

    @abstractmethod
    def tool(self, index: int, id: str, name: str) -> None:
        """A call begins."""

    @abstractmethod
    def arguments(self, index: int, text: str) -> None:
        """More of the arguments of the call `index`."""

    @abstractmethod
    def tool_end(self, index: int) -> None:
        """The call `index` is complete. Not every protocol says so before the end."""

    @abstractmethod
    def stop(self, stop: Stop, sequence: str | None) -> None:
        """Why the model stopped."""

    @abstractmethod
    def usage(self, usage: Usage) -> None:
        """The usage as reported now; the last one counts."""

    @abstractmethod
    def end(self) -> None:
        """The stream is whole."""

    @abstractmethod
    def failed(self, code: str, message: str, status: int) -> None:
        """The stream ends in an error; `message` is ours or sanitised."""


class StreamTeller(ABC):
    """Reads the events of a provider's stream and tells them to a writer."""

    def __init__(self, writer: StreamWriter) -> None:
        self.writer = writer

    @abstractmethod
    def event(self, value: dict[str, object]) -> None:
        """Tell what the event whose data is `value` says; raises NotOfProtocol."""

    @abstractmethod
    def end(self) -> None:
        """The provider's stream has ended as its protocol wants: tell the rest."""
