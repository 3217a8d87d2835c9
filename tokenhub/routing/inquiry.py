"""What a request asked for, as it is stored and shown beside the decision about it."""

from collections.abc import Iterator
from typing import Any, Final

from tokenhub.routing.asked import Kind
from tokenhub.routing.contenders import WEIGHT_BELOW
from tokenhub.routing.question import Brief, Decision
from tokenhub.types import NANO, Api

_KINDS: Final = {Kind.NAMED: "named", Kind.PINNED: "pinned", Kind.CHOICE: "choice"}


def inquiry(
    brief: Brief, model: str, input_tokens: int, max_output_tokens: int | None
) -> dict[str, Any]:
    """Return what was asked, JSON-ready: `model` as the client gave it, its tokens as we count.

    `kind` is `named`, `pinned` (at certain providers), `choice` or `unknown` (a choice in place
    of a name that nothing answers to). Each of the `limits` in force has a `name`, a `value` and
    where it comes `from`: `request`, `hub_default`, `hub_ceiling` or `budgets` (of the key and of
    the hub: what they have left). `speed_only` tells that none could keep the latency limit.
    """
    return {
        "model": model,
        "kind": "unknown" if brief.unknown else _KINDS[brief.kind],
        "api": brief.api,
        "stream": brief.stream,
        "capabilities": sorted(brief.capabilities),
        "input_tokens": input_tokens,
        "max_output_tokens": max_output_tokens,
        "fallback": brief.policy.fallback,
        "limits": list(_limits(brief)),
        "speed_only": brief.hurried,
    }


def not_considered(decision: Decision) -> dict[str, Any] | None:
    """Return how many models were not looked at, and why; None where all were.

    `reason` is `named` where only what the client named came into question, `not_equivalent`
    where what may stand in for it did too.
    """
    brief = decision.brief
    models = len(brief.registry.all_deployments())
    models -= len(decision.eligible) + len(decision.rejected)
    if models <= 0 or brief.kind is Kind.CHOICE:
        return None
    alone, detail = _alone(brief)
    if decision.refusal is not None and decision.refusal.code == "model_not_allowed":
        alone, detail = True, "the client named one that its key may not use"
    return {"models": models, "reason": "named" if alone else "not_equivalent", "detail": detail}


def _limits(brief: Brief) -> Iterator[dict[str, Any]]:
    policy, config, limits = brief.policy, brief.config, brief.limits
    if (budget := limits.budget_nano) is not None:
        given, ceiling = policy.budget_given, config.max_budget_nano_ceiling
        yield _limit("budget_usd", budget / NANO, _origin(budget, ceiling, given=given))
    if (latency := limits.latency_ms) is not None:
        given, ceiling = policy.latency_given, config.max_latency_ms_ceiling
        yield _limit("latency_ms", latency, _origin(latency, ceiling, given=given))
    if policy.min_weight:
        yield _limit("min_weight", policy.min_weight, "request")
    if (room := limits.room_nano) is not None:
        yield _limit("room_usd", max(0, room) / NANO, "budgets")


def _limit(name: str, value: float, origin: str) -> dict[str, Any]:
    return {"name": name, "value": value, "from": origin}


def _origin(value: int, ceiling: int | None, *, given: bool) -> str:
    if value == ceiling:
        return "hub_ceiling"
    return "request" if given else "hub_default"


def _alone(brief: Brief) -> tuple[bool, str]:
    """Whether the name alone came into question, and why the others did not."""
    config = brief.config
    if not brief.policy.fallback:
        return True, "the client named one, and fallback is off: nothing may stand in"
    if config.named_fallback == "none":
        return True, "the client named one, and named_fallback is none: nothing may stand in"
    if not brief.substitutes:
        told = "the client named one; what may stand in for it is looked up only when it fails"
        return True, told
    if config.named_fallback == "listed":
        return False, "not among the fallbacks of the one that was named"
    if brief.api is Api.EMBEDDINGS:
        told = "not among its fallbacks, and embeddings of two models do not compare"
        return False, told
    least = max((row.weight for row in brief.named), default=0) - WEIGHT_BELOW
    told = "neither among the fallbacks of the one that was named nor equivalent to it"
    return False, f"{told} (of weight {least} or more)"
