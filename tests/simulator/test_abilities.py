"""What each generation of Claude takes, and in which words it refuses the rest."""

from typing import Any

import pytest

from tests.simulator.raw import Raw
from tokenhub.simulator import Simulator
from tokenhub.simulator.anthropic.abilities import Abilities, abilities_of

HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {"name": "f", "input_schema": {"type": "object"}}
PREFILL = {"messages": [*HELLO, {"role": "assistant", "content": "Well"}]}
SYSTEM = {"messages": [*HELLO, {"role": "system", "content": "Be brief"}]}
ENABLED = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
MODELS = [
    "claude-haiku-4-5",
    "claude-opus-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4-7",
    "claude-sonnet-5",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-fable-5",
]


async def refusal(raw: Raw, model: str, change: dict[str, Any]) -> str:
    """The message of the refusal; empty when the request is taken."""
    async with Simulator("anthropic", models=MODELS) as simulator:
        body = {"model": model, "max_tokens": 2000, "messages": HELLO} | change
        answer = await raw.post(f"{simulator.base_url}/v1/messages", body)
        return "" if answer.status == 200 else str(answer.json["error"]["message"])


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        ("claude-haiku-4-5", PREFILL, ""),
        ("claude-sonnet-4-6", PREFILL, "This model does not support assistant message prefill."),
        ("claude-haiku-4-5", SYSTEM, "role 'system' is not supported on this model"),
        ("claude-sonnet-5", SYSTEM, "role 'system' is not supported on this model"),
        ("claude-sonnet-5-5", SYSTEM, ""),
        ("claude-opus-5-5", SYSTEM, ""),
        ("claude-haiku-4-5", ENABLED, ""),
        ("claude-sonnet-4-6", ENABLED, ""),
        ("claude-opus-4-7", ENABLED, '"thinking.type.enabled" is not supported for this model.'),
        (
            "claude-haiku-4-5",
            {"thinking": {"type": "adaptive"}},
            "adaptive thinking is not supported on this model",
        ),
        ("claude-sonnet-5", {"thinking": {"type": "disabled"}}, ""),
        ("claude-opus-5-5", {"thinking": {"type": "disabled"}}, 'Use "thinking.type.adaptive"'),
        (
            "claude-sonnet-5-5",
            {"thinking": {"type": "disabled"}},
            'Use "thinking.type.between_tools" for the lowest thinking setting',
        ),
        ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}, ""),
        ("claude-fable-5", {"thinking": {"type": "between_tools"}}, "is not supported"),
        ("claude-opus-4-7", {"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ("claude-opus-4-7", {"temperature": 1}, ""),
        ("claude-sonnet-5", {"top_p": 0.5}, "`top_p` is deprecated for this model."),
        ("claude-sonnet-5", {"top_k": 5}, "`top_k` is deprecated for this model."),
        ("claude-haiku-4-5", {"temperature": 0.5}, ""),
        (
            "claude-haiku-4-5",
            {"temperature": 0.5, "top_p": 0.5},
            "`temperature` and `top_p` cannot both be specified for this model.",
        ),
        ("claude-haiku-4-5", {"tools": [TOOL], "tool_choice": {"type": "any"}}, ""),
        (
            "claude-opus-5-5",
            {"tools": [TOOL], "tool_choice": {"type": "any"}},
            "tool_choice forces tool use is not compatible with this model.",
        ),
        (
            "claude-haiku-4-5",
            {"output_config": {"effort": "low"}},
            "This model does not support the effort parameter.",
        ),
        ("claude-opus-4-5", {"output_config": {"effort": "high"}}, ""),
        (
            "claude-sonnet-4-6",
            {"output_config": {"effort": "xhigh"}},
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max, "
            "medium.",
        ),
        ("claude-opus-5-5", {"output_config": {"effort": "xhigh"}}, ""),
        (
            "claude-opus-5-5",
            {"output_config": {"effort": "huge"}},
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        ),
    ],
)
async def test_a_model_takes_what_its_generation_takes(
    raw: Raw, model: str, change: dict[str, Any], words: str
) -> None:
    found = await refusal(raw, model, change)
    assert words in found
    assert bool(words) == bool(found)


def test_a_name_that_is_not_claudes_may_do_everything() -> None:
    assert abilities_of("my/own-model") == Abilities()


def test_a_date_in_a_name_is_no_version() -> None:
    assert abilities_of("claude-sonnet-4-20250514").prefill
    assert not abilities_of("claude-sonnet-4-6-20260101").prefill


async def test_adaptive_thinking_need_not_be_kept(raw: Raw) -> None:
    history = [
        *HELLO,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
    ]
    change: dict[str, Any] = {"messages": history, "tools": [TOOL]}
    adaptive = {"thinking": {"type": "adaptive"}}
    assert not await refusal(raw, "claude-sonnet-4-6", change | adaptive)
    assert "Expected `thinking`" in await refusal(raw, "claude-sonnet-4-6", change | ENABLED)
