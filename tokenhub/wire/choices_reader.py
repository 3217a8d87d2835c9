"""Reads the streams of chat completions and of legacy completions."""

from abc import abstractmethod
from typing import Any, ClassVar

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api
from tokenhub.wire.reader import Part, StreamReader
from tokenhub.wire.usage import openai_usage


class _ChoicesReader(StreamReader):
    """What chat completions and completions have in common.

    Source: OpenAI API reference, "The chat completion chunk object". An error comes as data with
    an `error` member, from some providers (OpenRouter) beside `choices`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: set[int] = set()
        self._done: set[int] = set()

    def _part(self, value: dict[str, Any]) -> Part:
        if value.get("error"):
            return Part.ERROR
        report = value.get("usage")
        if isinstance(report, dict):
            self.usage = openai_usage(report)
        choices = value.get("choices")
        if not choices or not isinstance(choices, list):
            return Part.USAGE if choices == [] and isinstance(report, dict) else Part.OTHER
        self._begun = True
        part = Part.OPENING
        for choice in choices:
            if not isinstance(choice, dict):
                raise NotOfProtocol("a choice that is not an object")
            if self._has_content(choice):
                part = Part.CONTENT
            if choice.get("finish_reason"):
                part = Part.OTHER if part is Part.OPENING else part
            self._follow(choice)
        return part

    def _follow(self, choice: dict[str, Any]) -> None:
        """Note whether `choice` goes on; one that has finished does not begin again."""
        index = choice.get("index")
        index = index if isinstance(index, int) else 0
        if choice.get("finish_reason"):
            self._open.discard(index)
            self._done.add(index)
        elif index not in self._done:
            self._open.add(index)
        self.finished = bool(self._done) and not self._open

    @abstractmethod
    def _has_content(self, choice: dict[str, Any]) -> bool:
        """Count the content of `choice`; tell whether there is any."""


class ChatReader(_ChoicesReader):
    """Reads chat completions."""

    api: ClassVar = Api.CHAT

    def _has_content(self, choice: dict[str, Any]) -> bool:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        found = False
        for name, value in delta.items():
            # Names beyond `content` and `tool_calls` are as various as providers: any value
            # counts that is not empty (`reasoning_content`, `reasoning`, `refusal`, `audio`).
            if value and name != "role":
                found = True
                self._saw(value)
        return found


class CompletionsReader(_ChoicesReader):
    """Reads legacy completions."""

    api: ClassVar = Api.COMPLETIONS

    def _has_content(self, choice: dict[str, Any]) -> bool:
        if text := choice.get("text"):
            self._saw(text)
            return True
        return False
