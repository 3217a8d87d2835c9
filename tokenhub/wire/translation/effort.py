"""How much thinking OpenAI's words of effort and Anthropic's budgets ask for."""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.wire.translation.checks import expected, maybe_text
from tokenhub.wire.translation.conversation import Reasoning

_WORDS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""OpenAI's, of which no model takes all."""
_UNSAID: Final = "default"
"""Groq's word for what a model does where it is given none."""

_BUDGETS: Final = ((2048, "low"), (8192, "medium"))
_MORE: Final = "high"


def maybe_effort(holder: Mapping[str, Any], name: str, where: str = "") -> str | None:
    """OpenAI's word of effort in the field `name` of `holder`, which stands at `where`.

    None where there is none, or the model's own is asked for; raises BadRequest for another word.
    """
    effort = maybe_text(holder, name, where)
    if effort == _UNSAID:
        return None
    if effort is not None and effort not in _WORDS:
        raise expected(f"{where}.{name}" if where else name, f"one of {', '.join(_WORDS)}")
    return effort


def effort_word(reasoning: Reasoning) -> str | None:
    """The word of effort that `reasoning` asks for, None where that is left to the model.

    A budget becomes the word whose own budget it reaches at most, `high` beyond. Thinking that is
    switched off is `none` only where it was said by that word: models that cannot think refuse it.
    """
    if reasoning.off:
        return "none" if reasoning.effort == "none" else None
    if reasoning.effort is not None or reasoning.budget is None:
        return reasoning.effort
    return next((word for most, word in _BUDGETS if reasoning.budget <= most), _MORE)
