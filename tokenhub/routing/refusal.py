"""What a client is told when nothing can take its request."""

from collections.abc import Sequence
from typing import Final

from tokenhub.errors import DO_NOT_RETRY, BadRequest, RequestError
from tokenhub.routing.asked import Kind
from tokenhub.routing.eligibility import HEADROOM_PERCENT, Entry
from tokenhub.routing.question import Question, Reason, Rejected
from tokenhub.text import clean

MOST_NAMED: Final = 10
"""So many of the models that were left out are named in a message."""

DOWN_PAUSE_S: Final = 10
_BUDGETS: Final = frozenset((Reason.BUDGET, Reason.KEY_BUDGET))
_FORBIDDEN: Final = frozenset((Reason.NOT_ALLOWED, Reason.DISABLED))
_UNASKED: Final = _FORBIDDEN | {Reason.PINNED}
_LASTING: Final = _UNASKED | {
    Reason.PROTOCOL,
    Reason.CAPABILITY,
    Reason.MIN_WEIGHT,
    Reason.CONTEXT,
    Reason.NO_PRICE,
}
"""Reasons that do not pass with time: the request or the hub has to change."""
_DETAILED: Final = frozenset((Reason.PROTOCOL, Reason.CAPABILITY))
_CODES: Final = {
    Reason.VAULT_LOCKED: (
        "vault_locked",
        "the vault is locked and {model} needs a key from it: unlock the vault",
    ),
    Reason.OFFLINE: ("offline", "the hub is offline and {model} is not on this network"),
}


def not_allowed(question: Question) -> RequestError:
    """Return the 403 for a key that may not use what it asks for."""
    what = f"not use the model {_model(question)}"
    if question.asked.kind is Kind.CHOICE:
        what = "use none of the registered models"
    message = f"this key may {what}"
    return RequestError(403, "model_not_allowed", message, param="model")


def refusal(
    question: Question, rejected: Sequence[Rejected], screened: Sequence[Entry]
) -> RequestError:
    """Return 403, 402 or 503 for `rejected`; `screened` are those that fell to time or money.

    403 where the key may use none of the models; 400 where none of those asked for speaks the
    client's API and something in the request cannot be said in theirs; 402 where all that were
    left cost too much, naming the cheapest; 503 with each one's reason otherwise, with
    `Retry-After` where waiting helps, in the words for a prompt that is too long where a shorter
    one would do.
    """
    reasons = {one.reason for one in rejected}
    chooses = question.asked.kind is Kind.CHOICE
    if chooses and Reason.NOT_ALLOWED in reasons and reasons <= _FORBIDDEN:
        return not_allowed(question)
    if (obstacle := _obstacle(question, rejected)) is not None:
        return obstacle
    if reasons & _BUDGETS:
        return _too_dear(question, rejected, screened)
    model, each = _model(question), _each(rejected)
    for reason, (code, message) in _CODES.items():
        if reason in reasons:
            said = message.format(model=model)
            return RequestError(503, code, f"{said} ({each})", headers=DO_NOT_RETRY)
    message = f"{_too_long(question, rejected)}no eligible model for {model}: {each}"
    if Reason.COOLING_DOWN in reasons or Reason.PROVIDER_DOWN in reasons:
        pause_s = _shortest_pause_s(question, rejected)
        headers = {"Retry-After": str(pause_s)}
        return RequestError(503, "no_eligible_model", message, headers=headers)
    return RequestError(503, "no_eligible_model", message, headers=DO_NOT_RETRY)


def _obstacle(question: Question, rejected: Sequence[Rejected]) -> BadRequest | None:
    """What keeps all that was asked for from being translated to, None where it is not that."""
    own = set(question.asked.deployments)
    asked = [
        one for one in rejected if one.reason not in _UNASKED and (not own or one.deployment in own)
    ]
    if not asked or any(one.reason is not Reason.PROTOCOL for one in asked):
        return None
    for id in dict.fromkeys(one.deployment.provider_id for one in asked):
        found = question.spoken(question.registry.providers[id])
        if isinstance(found, BadRequest):
            return found
    return None


def _too_long(question: Question, rejected: Sequence[Rejected]) -> str:
    """What a message begins with where a shorter prompt is the way out, else "".

    That is where nothing but lasting reasons speak against all of them, and the context is one. By
    Anthropic's wording, and by OpenAI's in the second sentence, clients know that they are to
    shorten the conversation, and by how much.
    """
    reasons = {one.reason for one in rejected}
    if Reason.CONTEXT not in reasons or not reasons <= _LASTING:
        return ""
    short = (one.deployment for one in rejected if one.reason is Reason.CONTEXT)
    model = max(short, key=lambda one: one.max_context_tokens or 0)
    room = model.max_context_tokens
    tokens = question.input_tokens(model)
    needed = -(-tokens * HEADROOM_PERCENT // 100)
    return (
        f"prompt is too long: {needed} tokens > {room} maximum ({tokens} as the hub counts for"
        f" {model.key}, and {HEADROOM_PERCENT - 100} % headroom). This model's maximum context"
        f" length is {room} tokens; "
    )


def _too_dear(
    question: Question, rejected: Sequence[Rejected], screened: Sequence[Entry]
) -> RequestError:
    """The 402 that names the cheapest of those that cost too much."""
    costs = {entry.deployment.key: entry.cost[:2] for entry in screened if entry.cost is not None}
    dear = [one for one in rejected if one.reason in _BUDGETS]
    cheapest = min(dear, key=lambda one: (costs[one.deployment.key], one.deployment.key))
    message = (
        f"no model for {_model(question)} is within the budget: "
        f"the cheapest, {cheapest.deployment.key}, would cost {cheapest.detail}"
    )
    return RequestError(402, "budget_exceeded", message)


def _shortest_pause_s(question: Question, rejected: Sequence[Rejected]) -> int:
    """Whole seconds, at least 1, until the first provider is called again.

    How long one is left alone that keeps failing is its breaker's business: DOWN_PAUSE_S is told.
    """
    providers = question.registry.providers
    ends_ms = (
        question.provider_condition(providers[one.deployment.provider_id]).cooling_until_ms or 0
        for one in rejected
        if one.reason is Reason.COOLING_DOWN
    )
    least_ms = min(ends_ms, default=question.now_ms + DOWN_PAUSE_S * 1000)
    return max(1, -(-(least_ms - question.now_ms) // 1000))


def _model(question: Question) -> str:
    return repr(clean(question.asked.model, 200))


def _each(rejected: Sequence[Rejected]) -> str:
    """The models that were left out, each with its reason; what a pin excludes goes unsaid."""
    asked = [one for one in rejected if one.reason is not Reason.PINNED] or rejected
    named = ", ".join(f"{one.deployment.key} ({_why(one)})" for one in asked[:MOST_NAMED])
    more = len(asked) - MOST_NAMED
    return (named or "no model is registered") + (f" and {more} more" if more > 0 else "")


def _why(one: Rejected) -> str:
    """A reason, with what of the request stands against it where it does."""
    return f"{one.reason}: {one.detail}" if one.reason in _DETAILED else one.reason
