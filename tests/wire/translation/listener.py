"""A writer of streams that keeps what it is told."""

from typing import Any

from tokenhub.types import Usage
from tokenhub.wire.translation.reply import Setting, Stop, StreamWriter

Told = list[tuple[Any, ...]]


class Listener(StreamWriter):
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        super().__init__(Setting("r1", 1_700_000_000, "asked-for", 10))
        self.told: Told = []

    def begin(self, model: str, usage: Usage | None) -> None:
        self.told.append(("begin", model, usage))

    def text(self, text: str) -> None:
        self.told.append(("text", text))

    def thinking(self, text: str) -> None:
        self.told.append(("thinking", text))

    def seal(self, seal: str, *, redacted: bool = False) -> None:
        self.told.append(("redacted" if redacted else "seal", seal))

    def refusal(self, text: str) -> None:
        self.told.append(("refusal", text))

    def tool(self, index: int, id: str, name: str) -> None:
        self.told.append(("tool", index, id, name))

    def arguments(self, index: int, text: str) -> None:
        self.told.append(("arguments", index, text))

    def tool_end(self, index: int) -> None:
        self.told.append(("tool_end", index))

    def stop(self, stop: Stop, sequence: str | None) -> None:
        self.told.append(("stop", stop, sequence))

    def usage(self, usage: Usage) -> None:
        self.told.append(("usage", usage))

    def end(self) -> None:
        self.told.append(("end",))

    def failed(self, code: str, message: str, status: int) -> None:
        self.told.append(("failed", code, message, status))
