"""What a Claude model takes, told by its name.

Sources: Anthropic's guides "Troubleshooting thinking" (what each model takes), "Effort",
"Mid-conversation system messages", and the migration guides of 4.7, 5 and 5.5.
"""

import re
from enum import Enum
from typing import Final, NamedTuple

_FAMILIES: Final = "opus|sonnet|haiku|fable|mythos"
# `claude-opus-4-5-20251101`, `anthropic/claude-opus-4.5`, `claude-opus-4@20250514`: a date is no
# version, since it has more than two digits; before version 4 the family came last.
_find_name: Final = re.compile(
    rf"claude-(?:({_FAMILIES})-(\d{{1,2}})(?:[-.](\d{{1,2}}))?(?!\d)"
    rf"|(\d{{1,2}})(?:[-.](\d{{1,2}}))?-({_FAMILIES}))"
).search


class Off(Enum):
    """How a model is told not to think."""

    UNSAID = "unsaid"
    """It does not think unless asked to."""
    DISABLED = "disabled"
    BETWEEN_TOOLS = "between_tools"
    NEVER = "never"
    """It always thinks; least at the effort `low`."""


class Claude(NamedTuple):
    """A model of Anthropic's; the version of one that is none, or has none, is (0, 0)."""

    family: str
    version: tuple[int, int]

    @property
    def adaptive(self) -> bool:
        """Whether it takes the thinking `adaptive` with an effort, rather than a budget."""
        return self.version >= (4, 6)

    @property
    def sampled(self) -> bool:
        """Whether it takes `temperature` or `top_p`; no model takes both."""
        return self.version < (4, 7)

    @property
    def system_turns(self) -> bool:
        """Whether it takes turns of the role `system`."""
        return self.version >= (4, 8) and self != ("sonnet", (5, 0))

    @property
    def off(self) -> Off:
        """How it is told not to think; a model that is not known yet may refuse to be."""
        if self.version < (5, 0) and self.family != "mythos":
            return Off.UNSAID
        return _OFF.get(self, Off.NEVER)

    def effort(self, word: str | None) -> str | None:
        """OpenAI's word for an effort as this model takes it, None for its default."""
        if word == "xhigh" and self.version == (4, 6):
            return "high"
        return _EFFORTS.get(word or "")


_OFF: Final = {
    ("opus", (5, 0)): Off.DISABLED,
    ("sonnet", (5, 0)): Off.DISABLED,
    ("haiku", (5, 5)): Off.DISABLED,
    ("sonnet", (5, 5)): Off.BETWEEN_TOOLS,
}
_EFFORTS: Final = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def claude(model: str) -> Claude:
    """What the name `model` says."""
    name = model.lower()
    if "claude-mythos-preview" in name:
        return Claude("mythos", (4, 7))
    found = _find_name(name)
    if found is None:
        return Claude("", (0, 0))
    family, major, minor, old_major, old_minor, old_family = found.groups()
    version = int(major or old_major), int(minor or old_minor or 0)
    return Claude(family or old_family, version)
