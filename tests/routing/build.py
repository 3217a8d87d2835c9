"""Small providers, models and questions for the tests of routing."""

from collections.abc import Mapping
from typing import Any

from tokenhub.providers.registry import Registry
from tokenhub.routing import asked
from tokenhub.routing.policy import RoutingConfig, Steering, policy_for
from tokenhub.routing.question import Decision, Question
from tokenhub.routing.speech import no_obstacle
from tokenhub.types import (
    Api,
    Cost,
    Deployment,
    Observed,
    Provider,
    ProviderCondition,
    ProviderType,
)

OPENAI = frozenset({Api.CHAT, Api.COMPLETIONS, Api.EMBEDDINGS})
NOW_MS = 1_000_000
NOTHING = Steering()
USUAL = RoutingConfig()
WELL = ProviderCondition()
UNTRIED = Observed()


def provider(id: str, **fields: Any) -> Provider:
    return Provider(
        id,
        ProviderType.OPENAI,
        ("http://127.0.0.1:1/v1",),
        **{"apis": OPENAI, "prefix": id, **fields},
    )


def model(key: str, **fields: Any) -> Deployment:
    """A deployment by `<provider_id>/<id>`."""
    provider_id, _, id = key.partition("/")
    return Deployment(id, provider_id, id, **fields)


def registry(*rows: Deployment, **providers: Provider) -> Registry:
    """The rows and their providers; those that need something special are given by id."""
    ids = {row.provider_id for row in rows} - providers.keys()
    return Registry([*map(provider, ids), *providers.values()], rows)


def ask(
    registry: Registry,
    name: str | None = "auto",
    *,
    steering: Steering = NOTHING,
    config: RoutingConfig = USUAL,
    costs: Mapping[str, int | None] | None = None,
    seen: Mapping[str, Observed] | None = None,
    conditions: Mapping[str, ProviderCondition] | None = None,
    **fields: Any,
) -> Question:
    """A question; `costs` (1 is usual) and `seen` by deployment, `conditions` by provider."""
    costs, seen, conditions = costs or {}, seen or {}, conditions or {}
    what = asked.read(registry, name, config.unknown_model)

    def cost(deployment: Deployment, _: Provider) -> Cost | None:
        nano = costs.get(deployment.key, 1)
        return None if nano is None else Cost(nano, 2 * nano)

    base: dict[str, Any] = {
        "api": Api.CHAT,
        "stream": False,
        "capabilities": frozenset(),
        "allowed": lambda _: True,
        "input_tokens": lambda _: 100,
        "lacks": lambda *_: False,
        "obstacle": no_obstacle,
        "provider_condition": lambda one: conditions.get(one.id, WELL),
        "observed": lambda one: seen.get(one.key, UNTRIED),
        "cost": cost,
        "needs_price": False,
        "key_room_nano": None,
        "now_ms": NOW_MS,
    }
    return Question(
        registry=registry,
        asked=what,
        config=config,
        policy=policy_for(config, steering, what.mode),
        **{**base, **fields},
    )


def plan(decision: Decision) -> list[str]:
    """The keys of what is to be tried, in order."""
    return [one.deployment.key for one in decision.plan]


def left_out(decision: Decision) -> dict[str, str]:
    """The reason of each deployment that was left out, by key."""
    return {one.deployment.key: one.reason.value for one in decision.rejected}
