"""How a messages request asks for thinking."""

from typing import Any, Final, NamedTuple

from tokenhub.wire.translation.conversation import Reasoning
from tokenhub.wire.translation.messages_models import Claude, Off

_BUDGETS: Final = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_000,
    "max": 32_000,
}
_LEAST_BUDGET: Final = 1_024


class Asked(NamedTuple):
    """Fields of a messages request, and what of the client's wish is not in them."""

    fields: dict[str, Any]
    warnings: list[str]


def thinking_of(asked: Reasoning, model: Claude, max_tokens: int, obstacle: str | None) -> Asked:
    """The fields that ask `model` for the thinking that is `asked`.

    An `obstacle` says why this request would be refused if it asked for any. A budget leaves room
    in `max_tokens`, which Anthropic wants to be more; where there is no room for the least budget
    (1,024) it is not asked for.
    """
    if asked.off or asked.effort == "none":
        return _off(model)
    effort = model.effort(asked.effort) if model.adaptive else None
    config = {"output_config": {"effort": effort}} if effort else {}
    if obstacle:
        return Asked(config, [f"thinking: switched off for this turn, since {obstacle}"])
    if model.adaptive:
        return Asked({"thinking": _adaptive(shown=asked.shown), **config}, [])
    budget = asked.budget or _BUDGETS.get(asked.effort or "medium", _BUDGETS["medium"])
    if budget >= max_tokens:
        budget = max_tokens // 2
    if budget < _LEAST_BUDGET:
        if max_tokens <= _LEAST_BUDGET:
            return Asked({}, ["thinking: switched off, since max_tokens leaves no room for it"])
        budget = _LEAST_BUDGET
    return Asked({"thinking": {"type": "enabled", "budget_tokens": budget}}, [])


def _adaptive(*, shown: bool) -> dict[str, Any]:
    return {"type": "adaptive", "display": "summarized"} if shown else {"type": "adaptive"}


def _off(model: Claude) -> Asked:
    match model.off:
        case Off.UNSAID:
            return Asked({}, [])
        case Off.NEVER:
            warning = "thinking: cannot be switched off, asked for with the least effort"
            return Asked({"output_config": {"effort": "low"}}, [warning])
        case way:
            return Asked({"thinking": {"type": way.value}}, [])
