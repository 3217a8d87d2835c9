"""What becomes of each field in the other protocols: the tables, and what follows from them."""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.errors import Untranslatable
from tokenhub.types import Api
from tokenhub.wire.translation import chat_fields, messages_fields, responses_fields
from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.rules import Fate, Rules, refused

TRANSLATED: Final = (Api.CHAT, Api.RESPONSES, Api.MESSAGES)
"""The protocols that are translated into each other."""

FIELDS: Final[Mapping[Api, Rules]] = {
    Api.CHAT: chat_fields.FIELDS,
    Api.RESPONSES: responses_fields.FIELDS,
    Api.MESSAGES: messages_fields.FIELDS,
}
"""The top-level fields of each protocol; one that is not in the table is refused."""
_UNKNOWN: Final = refused()

FEATURES: Final[Mapping[str, frozenset[Api]]] = {
    **chat_fields.FEATURES,
    **responses_fields.FEATURES,
    **messages_fields.FEATURES,
}
"""What a request may use inside its fields, and the protocols that can say it."""

ADVICE: Final[Mapping[str, str]] = responses_fields.ADVICE
"""What to do instead of what a request uses and cannot be said, where there is something."""


def obstacle(
    source: Api, target: Api, body: Mapping[str, Any], conversation: Conversation
) -> Untranslatable | None:
    """The first thing in a request of `source` that cannot be said to `target`, None if all can.

    `conversation` is what `body` was read into.
    """
    rules = FIELDS[source]
    for name, value in body.items():
        if value is None:
            continue
        rule = rules[name][target] if name in rules else _UNKNOWN
        if rule.fate is Fate.REFUSED and value not in rule.harmless:
            return Untranslatable(name, target, advice=rule.advice, details=rule.details)
    for feature, where in conversation.uses.items():
        if target not in FEATURES[feature]:
            return Untranslatable(where, target, advice=ADVICE.get(feature, ""))
    return None


def left_out(source: Api, target: Api, body: Mapping[str, Any]) -> list[str]:
    """The fields of `body` that are left out and may be missed."""
    rules = FIELDS[source]
    return [
        name
        for name, value in body.items()
        if value is not None
        and name in rules
        and (rule := rules[name][target]).fate is Fate.WARNED
        and value not in rule.harmless
    ]


def unsaid(target: Api, conversation: Conversation) -> list[str]:
    """What stands inside the fields, is left out and may be missed."""
    hints = conversation.hints.items()
    return [
        *conversation.missed,
        *[where for feature, where in hints if target not in FEATURES[feature]],
    ]
