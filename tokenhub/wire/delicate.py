"""Fields that some models refuse, of those that their own API has; told by the models' names.

Sources: OpenAI's guide "Reasoning models" (what those do not support), and what Anthropic's
migration guides say of each version (see `translation.messages_models`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation.messages_models import Claude, Off, claude
from tokenhub.wire.translation.openai_models import reasons

_LIMIT: Final = "max_tokens"
_BOTH: Final = "top_p beside temperature"
_PREFILL: Final = "a last turn of the assistant"
_THINKING: Final = "thinking.type: "
_TAKES_THINKING: Final[Mapping[str, Callable[[Claude], bool]]] = {
    "adaptive": lambda model: model.adaptive,
    "enabled": lambda model: model.version < (4, 7),
    "disabled": lambda model: model.off in (Off.UNSAID, Off.DISABLED),
    "between_tools": lambda model: model.off is Off.BETWEEN_TOOLS,
}
"""By a value of `thinking.type`, who takes it."""
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
    return tuple(sorted([*found, *_of_messages(body)] if api is Api.MESSAGES else found))


def _of_messages(body: Mapping[str, Any]) -> Iterator[str]:
    """The values of a messages request that differ in who takes them."""
    thinking = body.get("thinking")
    kind = thinking.get("type") if type(thinking) is dict else None
    if type(kind) is str and kind in _TAKES_THINKING:
        yield f"{_THINKING}{kind}"
    if body.get("temperature") is not None and body.get("top_p") is not None:
        yield _BOTH
    messages = body.get("messages")
    last = messages[-1] if type(messages) is list and messages else None
    if type(last) is dict and last.get("role") == "assistant":
        yield _PREFILL


@lru_cache(maxsize=4096)
def refused(api: Api, model: str, fields: tuple[str, ...]) -> str | None:
    """The first of these `fields` that `model` refuses, asked by `api`; None where it takes all.

    It is asked of OpenAI's own models and of Anthropic's; what is not known of a model counts as
    taken.
    """
    if api is Api.MESSAGES:
        known = claude(model)
        return next((one for one in fields if known.family and _refused_by(known, one)), None)
    if _LIMIT in fields and reasons(model):
        return _LIMIT
    return fields[0] if fields and _always_reasons(model) else None


def _refused_by(model: Claude, field: str) -> bool:
    """Whether a model of Anthropic's refuses a field, or a value of it."""
    if field.startswith(_THINKING):
        return not _TAKES_THINKING[field.removeprefix(_THINKING)](model)
    if field == _PREFILL:
        return model.version >= (4, 6)
    if field == _BOTH:
        return model.version >= (4, 1)
    return not model.sampled
