"""Checks of the thinking that a request asks for (Anthropic's pages on thinking and effort)."""

from collections.abc import Sequence
from typing import Any

from tokenhub.simulator.anthropic.abilities import EFFORTS, Abilities
from tokenhub.simulator.anthropic.turns import Turn
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json

_DOCS = (
    "Please consult our documentation at "
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
)
_ADAPT = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
_BETWEEN_TOOLS = (
    'Use "thinking.type.between_tools" for the lowest thinking setting, or '
    '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
)


UPDATES = "thinking-display-updates-"
"""How the name of the beta begins that brings `display: updates`."""


def check_thinking(
    body: Json,
    turns: Sequence[Turn],
    max_tokens: int,
    abilities: Abilities,
    betas: Sequence[str] = (),
) -> str:
    """The thinking asked for: `disabled`, `enabled` or `adaptive`; ApiError where it clashes."""
    config = body.get("thinking")
    if config is None:
        return "disabled"
    kind = config.get("type") if isinstance(config, dict) else None
    if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
        raise ApiError(
            400,
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected "
            "tags: 'disabled', 'enabled', 'adaptive', 'between_tools'",
        )
    if kind not in abilities.thinking:
        raise _unsupported(kind, abilities)
    if kind in ("disabled", "between_tools"):
        return "disabled"
    displays = [None, "summarized", "omitted"]
    if abilities.updates and any(beta.startswith(UPDATES) for beta in betas):
        displays.append("updates")
    if config.get("display") not in displays:
        names = ", ".join(f"'{name}'" for name in displays if name)
        raise ApiError(400, f"thinking.{kind}.display: Input should be {names}")
    _check_company(body)
    if kind == "enabled":
        _check_budget(config.get("budget_tokens"), max_tokens)
        _check_kept(turns)
    return str(kind)


def effort_of(body: Json, abilities: Abilities) -> str:
    """The effort asked for, `high` when none is; ApiError when the model does not know it."""
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    if effort is None:
        return "high"
    if effort not in EFFORTS:
        names = "'low', 'medium', 'high', 'xhigh' or 'max'"
        raise ApiError(400, f"output_config.effort: Input should be {names}")
    if not abilities.efforts:
        raise ApiError(400, "This model does not support the effort parameter.")
    if effort not in abilities.efforts:
        known = ", ".join(sorted(abilities.efforts))
        raise ApiError(
            400,
            f"This model does not support effort level '{effort}'. Supported levels: {known}.",
        )
    return str(effort)


def _unsupported(kind: str, abilities: Abilities) -> ApiError:
    if kind == "adaptive":
        return ApiError(400, "adaptive thinking is not supported on this model")
    advice = _ADAPT
    if kind == "disabled" and "between_tools" in abilities.thinking:
        advice = _BETWEEN_TOOLS
    return ApiError(400, f'"thinking.type.{kind}" is not supported for this model. {advice}')


def _check_budget(budget: Any, max_tokens: int) -> None:
    if budget is None:
        raise ApiError(400, "thinking.enabled.budget_tokens: Field required")
    if isinstance(budget, bool) or not isinstance(budget, int):
        raise ApiError(400, "thinking.enabled.budget_tokens: Input should be a valid integer")
    if budget < 1024:
        raise ApiError(
            400,
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        )
    if max_tokens <= budget:
        raise ApiError(
            400,
            f"`max_tokens` must be greater than `thinking.budget_tokens`. {_DOCS}"
            "#max-tokens-and-context-window-size",
        )


def _check_company(body: Json) -> None:
    if body.get("temperature") not in (None, 1):
        raise ApiError(
            400,
            f"`temperature` may only be set to 1 when thinking is enabled. {_DOCS}"
            "#important-considerations-when-using-extended-thinking",
        )
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        raise ApiError(400, "Thinking may not be enabled when tool_choice forces tool use.")


def _check_kept(turns: Sequence[Turn]) -> None:
    """While tool results come in, the turn that asked for them must begin with its thinking."""
    if len(turns) < 2 or not any(block["type"] == "tool_result" for _, block in turns[-1].blocks):
        return
    path, block = turns[-2].blocks[0]
    first = block["type"]
    if first not in ("thinking", "redacted_thinking"):
        raise ApiError(
            400,
            f"{path}.type: Expected `thinking` or `redacted_thinking`, but "
            f"found `{first}`. When `thinking` is enabled, a final `assistant` message must start "
            "with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` "
            "blocks). We recommend you include thinking blocks from previous turns. To avoid this "
            f"requirement, disable `thinking`. {_DOCS}",
        )
