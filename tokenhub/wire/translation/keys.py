"""The keys of the objects inside a field, and what becomes of each in the other protocols.

The tables are `chat_keys`, `responses_keys` and `messages_keys`. As of the fields at the top, what
is not in a table is refused by its place: left out in silence, it could change the answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.text import clean
from tokenhub.types import per_request
from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.rules import Fate, Rule

_MOST_NAME_CHARS: Final = 60
_NONE: Final[Mapping[str, Rule]] = {}
_UNKNOWN: Final = "unknown_field"


@per_request
class Keys:
    """What an object of one kind may have.

    The `known` keys are read, or have no effect on the answer: those are `silent`. What others
    come to is `ruled`. Clients send back an object that was `answered` as it came, with keys of its
    provider's own; one that is empty there says nothing.
    """

    known: frozenset[str]
    silent: frozenset[str]
    ruled: Mapping[str, Rule]
    answered: bool = False


def keys(
    kept: str, silent: str = "", ruled: Mapping[str, Rule] = _NONE, *, answered: bool = False
) -> Keys:
    """The names in `kept` are translated, those in `silent` left out; spaces are between them."""
    left_out = frozenset(silent.split())
    return Keys(left_out.union(kept.split()), left_out, ruled, answered)


def check(holder: Mapping[str, Any], keys: Keys, where: str, conversation: Conversation) -> None:
    """Note what `holder`, which stands at `where`, has beside the known keys.

    What is to be warned of goes into `missed`, the first that is refused into `uses`. None says
    nothing, whatever its key; nor does what is empty in an answer, under a key that is not known.
    """
    if keys.known.issuperset(holder):
        return
    for name, value in holder.items():
        if value is None or name in keys.known:
            continue
        rule = keys.ruled.get(name)
        if rule is None and keys.answered and _is_empty(value):
            continue
        if rule is not None and value in rule.harmless:
            continue
        place = f"{where}.{name if rule else clean(name, _MOST_NAME_CHARS)}"
        if rule is not None and rule.fate is Fate.WARNED:
            conversation.missed.append(place)
        else:
            conversation.uses.setdefault(_UNKNOWN, place)


def _is_empty(value: object) -> bool:
    return value is False or value in ("", [], {})
