"""How much thinking OpenAI's words of effort and Anthropic's budgets ask for."""

from typing import Final

from tokenhub.wire.translation.conversation import Reasoning

_BUDGETS: Final = ((2048, "low"), (8192, "medium"))
_MORE: Final = "high"


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
