"""What OpenAI's models take, by their names.

Source: OpenAI API reference and "Reasoning models": those refuse `max_tokens`, and any
`temperature` and `top_p` but 1.
"""

import re
from collections.abc import Container
from typing import Any, Final

from tokenhub.wire.translation.conversation import Conversation

reasons: Final = re.compile(r"(?:.*/)?(?:o[1-9]|gpt-[5-9](?!.*chat))").match
"""Whether a model of this name always reasons."""
_USUAL_TIERS: Final = (None, "auto", "default")


def write_sampling(body: dict[str, Any], conversation: Conversation, model: str) -> list[str]:
    """Write `temperature` and `top_p` for `model`; return those that it does not take."""
    missed = []
    for name, value in (("temperature", conversation.temperature), ("top_p", conversation.top_p)):
        if value is None:
            continue
        if reasons(model) is None:
            body[name] = value
        elif value != 1:
            missed.append(f"{name}, which this model does not take")
    return missed


def write_tier(
    body: dict[str, Any], conversation: Conversation, tiers: Container[str]
) -> list[str]:
    """Write `service_tier` if it is one of the protocol's `tiers`; return what is missed of it."""
    tier = conversation.service_tier
    if tier in _USUAL_TIERS:
        return []
    if tier not in tiers:
        return ["service_tier"]
    body["service_tier"] = tier
    return []
