"""Fields that some models refuse, of those that their own API has; told by the models' names.

Sources: OpenAI's guide "Reasoning models" (what those do not support), and what Anthropic's
migration guides say of each version (see `translation.messages_models`).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation.messages_models import claude
from tokenhub.wire.translation.openai_models import reasons

_LIMIT: Final = "max_tokens"
_ADAPTIVE: Final = "thinking.type: adaptive"
_SAMPLING: Final[Mapping[str, float]] = {"temperature": 1, "top_p": 1}
_HARMLESS: Final[Mapping[Api, Mapping[str, Any]]] = {
    Api.CHAT: {
        _LIMIT: None,
        **_SAMPLING,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "logprobs": False,
        "top_logprobs": 0,
        "logit_bias": {},
    },
    Api.RESPONSES: _SAMPLING,
    Api.MESSAGES: {**_SAMPLING, "top_k": None},
}
"""The fields in question, and the value with which each of them asks for nothing."""

# From 5.1 on these are taken where the model is told not to reason, which is the default there.
_always_reasons: Final = re.compile(r"o[1-9]|gpt-5(?![.\d]|.*chat)").match


def delicate(api: Api, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a request of `api` that some of its models would refuse."""
    harmless = _HARMLESS.get(api)
    if harmless is None:
        return ()
    given = [name for name in harmless.keys() & body.keys() if body[name] is not None]
    found = [name for name in given if body[name] != harmless[name]]
    thinking = body.get("thinking")
    if api is Api.MESSAGES and type(thinking) is dict and thinking.get("type") == "adaptive":
        found.append(_ADAPTIVE)
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def refused(api: Api, model: str, fields: tuple[str, ...]) -> str | None:
    """The first of these `fields` that `model` refuses, asked by `api`; None where it takes all.

    What is not known for certain counts as taken: names with a prefix are another service's, which
    may drop what the model does not take.
    """
    if api is Api.MESSAGES:
        version = claude(model).version
        old = (0, 0) < version < (4, 6)
        sampled = claude(model).sampled
        return next((one for one in fields if (old if one == _ADAPTIVE else not sampled)), None)
    if _LIMIT in fields and "/" not in model and reasons(model):
        return _LIMIT
    return fields[0] if fields and _always_reasons(model) else None
