from typing import Any

import pytest

from tokenhub.wire.translation.conversation import Reasoning
from tokenhub.wire.translation.messages_models import claude
from tokenhub.wire.translation.messages_thinking import thinking_of


def budget(asked: Reasoning, max_tokens: int) -> int | None:
    fields = thinking_of(asked, claude("claude-opus-4-5"), max_tokens, None).fields
    return fields["thinking"]["budget_tokens"] if fields else None


@pytest.mark.parametrize(
    ("effort", "tokens"),
    [
        ("minimal", 1_024),
        ("low", 2_048),
        ("medium", 8_192),
        ("high", 16_384),
        ("xhigh", 32_000),
        ("max", 32_000),
        (None, 8_192),
        ("enormous", 8_192),
    ],
)
def test_an_effort_is_a_budget_to_older_models(effort: str | None, tokens: int) -> None:
    assert budget(Reasoning(effort), 64_000) == tokens


def test_a_budget_is_kept() -> None:
    assert budget(Reasoning(budget=3_000), 64_000) == 3_000


@pytest.mark.parametrize(
    ("max_tokens", "tokens"), [(8_192, 4_096), (1_500, 1_024), (1_025, 1_024), (1_024, None)]
)
def test_a_budget_leaves_room_for_the_answer(max_tokens: int, tokens: int | None) -> None:
    assert budget(Reasoning("medium"), max_tokens) == tokens


def test_a_budget_below_the_least_is_raised() -> None:
    assert budget(Reasoning(budget=10), 64_000) == 1_024


def test_that_there_is_no_room_is_told() -> None:
    asked = thinking_of(Reasoning("low"), claude("claude-opus-4-5"), 500, None)

    assert asked.warnings == ["thinking: switched off, since max_tokens leaves no room for it"]


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (
            Reasoning("minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        (Reasoning(shown=True), {"thinking": {"type": "adaptive", "display": "summarized"}}),
    ],
)
def test_newer_models_think_as_much_as_they_see_fit(asked: Reasoning, fields: Any) -> None:
    assert thinking_of(asked, claude("claude-opus-4-6"), 100, None).fields == fields


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("claude-opus-4-5", {}),
        ("claude-opus-5", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        ("claude-opus-5-5", {"output_config": {"effort": "low"}}),
    ],
)
@pytest.mark.parametrize("asked", [Reasoning(off=True), Reasoning("none")])
def test_each_model_is_told_not_to_think(model: str, fields: Any, asked: Reasoning) -> None:
    told = thinking_of(asked, claude(model), 64_000, None)

    assert told.fields == fields
    assert len(told.warnings) == (1 if "output_config" in fields else 0)


@pytest.mark.parametrize(
    ("model", "fields"),
    [("claude-opus-4-5", {}), ("claude-opus-5-5", {"output_config": {"effort": "high"}})],
)
def test_an_obstacle_switches_it_off_and_is_told(model: str, fields: Any) -> None:
    told = thinking_of(Reasoning("high"), claude(model), 64_000, "it rains")

    assert told == (fields, ["thinking: switched off for this turn, since it rains"])
