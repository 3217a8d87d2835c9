"""What each Claude model takes, read from its name: it differs from one generation to the next.

From Anthropic's migration guides (4.6, 4.7, Sonnet 5, Opus 5.5, Sonnet 5.5) and its pages on
thinking, effort and mid-conversation system messages.
"""

import re
from dataclasses import dataclass

EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING = ("disabled", "enabled", "adaptive", "between_tools")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model takes.

    `prefill`: a last turn of the assistant that it goes on with; `system_turns`: the role `system`
    among the messages; `sampling`: temperature, top_p and top_k; `forced_tools`: a `tool_choice`
    that forces; `thinking`: the types that it knows; `shows_thinking`: the default of `display`;
    `updates`: the `display` of that name; `efforts`: the levels that it knows, none when it has no
    such parameter.
    """

    prefill: bool = True
    system_turns: bool = True
    sampling: bool = True
    forced_tools: bool = True
    thinking: tuple[str, ...] = THINKING
    shows_thinking: bool = True
    updates: bool = True
    efforts: tuple[str, ...] = EFFORTS


_NAME = re.compile(r"claude-([a-z]+)-(\d+)(?:-(\d{1,2})(?!\d))?(?!\d)")
_ALWAYS_THINK = ("fable", "mythos")
_FIRST_SYSTEM_TURNS = {"opus": (4, 8), "sonnet": (5, 5), "haiku": (5, 5)}


def abilities_of(model: str) -> Abilities:
    """The abilities of `model`; a name that is not Claude's may do everything."""
    found = _NAME.match(model)
    if found is None:
        return Abilities()
    family, version = found[1], (int(found[2]), int(found[3] or 0))
    always = family in _ALWAYS_THINK or version >= (5, 5)
    return Abilities(
        prefill=version < (4, 6),
        system_turns=version >= _FIRST_SYSTEM_TURNS.get(family, (0, 0)),
        sampling=version < (4, 7),
        forced_tools=not always,
        thinking=_thinking(family, version),
        shows_thinking=version < (4, 7),
        updates=version >= (5, 5)
        or family == "fable"
        or (family == "mythos" and version >= (5, 1)),
        efforts=_efforts(family, version),
    )


def _thinking(family: str, version: tuple[int, int]) -> tuple[str, ...]:
    if version < (4, 6):
        return ("disabled", "enabled")
    if version < (4, 7):
        return ("disabled", "enabled", "adaptive")
    if family in _ALWAYS_THINK or (family == "opus" and version >= (5, 5)):
        return ("adaptive",)
    if version >= (5, 5):
        return ("adaptive", "between_tools")
    return ("disabled", "adaptive")


def _efforts(family: str, version: tuple[int, int]) -> tuple[str, ...]:
    if version >= (4, 7):
        return EFFORTS
    if version >= (4, 6):
        return ("low", "medium", "high", "max")
    return ("low", "medium", "high") if (family, version) == ("opus", (4, 5)) else ()
