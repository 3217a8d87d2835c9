"""What would be decided about a request, without sending anything."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

import pydantic
from pydantic import ConfigDict, Field

from tokenhub.administration.routing_config import known_mode
from tokenhub.administration.units import nano
from tokenhub.providers.payload import validate
from tokenhub.routing.explanation import shown, to_columns
from tokenhub.routing.inquiry import inquiry, not_considered
from tokenhub.routing.policy import Steering
from tokenhub.routing.question import Decision
from tokenhub.routing.router import Wish
from tokenhub.routing.steering import MAX_BUDGET_USD, MAX_LATENCY_MS, MAX_WEIGHT
from tokenhub.types import Api, Capability
from tokenhub.wire.request import RequestFacts

MAX_TOKENS = 1_000_000_000


class Simulate(Protocol):
    """Decides a request as the road does, substitutes for a named model included."""

    def __call__(self, wish: Wish) -> Decision:
        """Return the decision; raises RequestError for a `model` that means nothing."""
        ...


class _Fields(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    mode: str | None = None
    token_count: Annotated[int, Field(ge=0, le=MAX_TOKENS)] = 0
    max_budget_usd: Annotated[float, Field(ge=0, le=MAX_BUDGET_USD, allow_inf_nan=False)] | None = (
        None
    )
    max_latency_ms: Annotated[int, Field(ge=0, le=MAX_LATENCY_MS)] | None = None
    min_weight: Annotated[int, Field(ge=0, le=MAX_WEIGHT)] | None = None
    model_hint: str | None = None
    capabilities: frozenset[Capability] = frozenset()
    api: Api | None = None
    stream: bool = False

    @pydantic.field_validator("mode")
    @classmethod
    def _is_mode(cls, mode: str | None) -> str | None:
        return None if mode is None else known_mode(mode).value

    @pydantic.field_validator("api")
    @classmethod
    def _is_routed(cls, api: Api | None) -> Api | None:
        if api is not None and api not in _APIS:
            raise ValueError(f"expected one of {', '.join(_APIS)}, got {api}")
        return api

    def wish(self) -> Wish:
        """A request of nobody in particular: no key's budget, no key's models."""
        usual = Api.EMBEDDINGS if Capability.EMBEDDINGS in self.capabilities else Api.CHAT
        facts = RequestFacts(
            api=self.api or usual,
            model=self.model_hint or None,
            stream=self.stream,
            max_output_tokens=None,
            usage_asked=False,
            capabilities=self.capabilities,
            input_tokens=self.token_count,
        )
        steering = Steering(
            mode=None if self.mode is None else known_mode(self.mode),
            max_budget_nano=nano(self.max_budget_usd),
            max_latency_ms=self.max_latency_ms or None,
            min_weight=self.min_weight,
        )
        return Wish(facts, steering, key=None, allowed=lambda _: True)


_APIS = (Api.CHAT, Api.COMPLETIONS, Api.RESPONSES, Api.MESSAGES, Api.EMBEDDINGS)


class Simulation:
    """Asks the router what it would do."""

    def __init__(self, simulate: Simulate) -> None:
        self._simulate = simulate

    def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return `decision`, `eligible` and `rejected`, and what was asked as `request`.

        The request is one of `api` (chat, or embeddings where `capabilities` has them) with
        `token_count` tokens of input. Where nothing can take it `decision` is None and `refusal`
        says what a client would be told. Raises BadRequest, and RequestError 404 for a
        `model_hint` that means nothing.
        """
        wish = validate(_Fields, payload).wish()
        decision, facts = self._simulate(wish), wish.facts
        explained = shown(to_columns(decision))
        eligible, refusal = explained["eligible"], decision.refusal
        return {
            "mode": explained["mode"],
            "decision": _chosen(eligible, explained["reason"]) if eligible else None,
            "refusal": None
            if refusal is None
            else {"status": refusal.status, "code": refusal.code, "message": refusal.message},
            "eligible": eligible,
            "rejected": explained["rejected"],
            "not_considered": not_considered(decision),
            "request": inquiry(decision.brief, facts.model or "auto", facts.input_tokens, None),
        }


def _chosen(eligible: list[dict[str, Any]], reason: str) -> dict[str, Any]:
    best = eligible[0]
    return {**{name: best[name] for name in ("model_id", "provider_id", "score")}, "reason": reason}
