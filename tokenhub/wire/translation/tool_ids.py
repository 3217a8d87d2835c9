"""Ids of tool calls as each protocol takes them."""

import re
from hashlib import sha256
from typing import Final

from tokenhub.types import Api

_LIMITS: Final = {
    Api.CHAT: ("call_", 40),
    Api.RESPONSES: ("call_", 64),
    Api.MESSAGES: ("toolu_", 64),
}
_of_messages: Final = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII).fullmatch
_HEX_DIGITS: Final = 32


def fit(id: str, api: Api) -> str:
    """`id` as `api` takes it: unchanged where that will do, else always the same other one.

    Sources: what OpenAI refuses (a `tool_calls[].id` of more than 40 characters, a `call_id` of
    more than 64), Anthropic's pattern of `tool_use.id` (`^[a-zA-Z0-9_-]+$`, 64 at most).
    """
    prefix, most = _LIMITS[api]
    if 0 < len(id) <= most and (api is not Api.MESSAGES or _of_messages(id)):
        return id
    return prefix + sha256(id.encode()).hexdigest()[:_HEX_DIGITS]
