"""A decision as the road leaves it, for the tests of whatever reads it."""

from dataclasses import replace
from typing import Any

from tests.routing.build import ask, model, registry
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import to_columns
from tokenhub.routing.inquiry import inquiry
from tokenhub.types import Attempt, DecisionRow, ErrorClass, Observed

DECISION = decide(
    ask(
        registry(
            model("openai/gpt-4o", weight=8),
            model("openai/gpt-4o-mini", weight=5),
            model("local/llama", weight=4),
            model("local/off", enabled=False),
        ),
        seen={
            "openai/gpt-4o": Observed(1800, failure_rate=0.02),
            "openai/gpt-4o-mini": Observed(620, failure_rate=0.0),
        },
        costs={
            "openai/gpt-4o": 12_500_000,
            "openai/gpt-4o-mini": 750_000,
            "local/llama": 0,
        },
    )
)
BEST, NEXT = DECISION.plan[0], DECISION.plan[1]
URL = "https://api.openai.com/v1"
ROW = DecisionRow(
    request_id="req-1",
    timestamp_ms=1_770_000_000_000,
    mode=DECISION.mode.value,
    reason=DECISION.reason,
    model_id=BEST.deployment.id,
    provider_id=BEST.deployment.provider_id,
    columns=lambda: {
        **to_columns(DECISION),
        "request": inquiry(DECISION.brief, "auto", 100, None),
        "usage": {"input_tokens": 110, "output_tokens": 20, "estimated": False},
    },
    attempts=(
        Attempt(
            BEST.deployment.id, BEST.deployment.provider_id, URL, 1, 41, 503, ErrorClass.TRANSIENT
        ),
        Attempt(NEXT.deployment.id, NEXT.deployment.provider_id, URL, 42, 700, 200, None, 800_000),
    ),
    estimated_cost_nano=BEST.estimate_nano,
    cost_nano=800_000,
)


def row(**changes: Any) -> DecisionRow:
    """A decision like ROW but for `changes`."""
    return replace(ROW, **changes)
