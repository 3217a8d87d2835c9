"""Checks of the messages as a conversation: whose turn it is, tools and their results, prefill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tokenhub.simulator.anthropic.abilities import Abilities
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json

_ANYWHERE = "the directive-only form (content: [] with output_config) is accepted at any position"


@dataclass(slots=True)
class Turn:
    """Messages of one role that follow each other; the service makes them one.

    `index` is that of the last of its messages, `blocks` are its content with their paths.
    """

    role: str
    index: int
    blocks: list[tuple[str, Json]] = field(default_factory=list)


def turns_of(messages: Sequence[Json], abilities: Abilities) -> list[Turn]:
    """The turns of the user and the assistant, checked; `system` messages stand between them."""
    _check_system(messages, abilities)
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        role = message["role"]
        if role == "system":
            continue
        if not turns or turns[-1].role != role:
            turns.append(Turn(role, index))
        turns[-1].index = index
        turns[-1].blocks += [
            (f"messages.{index}.content.{number}", block)
            for number, block in enumerate(message["content"])
        ]
    _check_roles(turns)
    _check_tool_results(turns)
    _check_prefill(turns, abilities)
    return turns


def _check_system(messages: Sequence[Json], abilities: Abilities) -> None:
    """A `system` message is followed by the assistant or nobody, and never comes first."""
    roles = [message["role"] for message in messages]
    if roles[0] == "system":
        raise ApiError(
            400,
            "messages.0: use the top-level 'system' parameter for the initial system prompt; "
            + _ANYWHERE,
        )
    if "system" in roles and not abilities.system_turns:
        raise ApiError(400, "role 'system' is not supported on this model")
    for index, role in enumerate(roles):
        later = next((other for other in roles[index:] if other != "system"), None)
        if role == "system" and later == "user":
            raise ApiError(
                400,
                f"messages.{index}: role 'system' must precede an 'assistant' message or end the "
                f"array; {_ANYWHERE}",
            )


_ONLY_IN = {"tool_use": "assistant", "tool_result": "user", "thinking": "assistant"}


def _check_roles(turns: Iterable[Turn]) -> None:
    for turn in turns:
        for path, block in turn.blocks:
            role = _ONLY_IN.get(block["type"], turn.role)
            if role != turn.role:
                kind = block["type"]
                raise ApiError(400, f"{path}: `{kind}` blocks can only be in `{role}` messages")


def _check_tool_results(turns: Sequence[Turn]) -> None:
    asked: list[str] = []
    asker = 0
    for turn in turns:
        results = [(p, b["tool_use_id"]) for p, b in turn.blocks if b["type"] == "tool_result"]
        for path, use_id in results:
            if use_id not in asked:
                raise ApiError(
                    400,
                    f"{path}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {use_id}. Each `tool_result` block must "
                    "have a corresponding `tool_use` block in the previous message.",
                )
        _check_once(results)
        _refuse_unanswered(asker, [id_ for id_ in asked if id_ not in _leading(turn)])
        asked = _uses(turn)
        asker = turn.index
    _refuse_unanswered(asker, asked)


def _uses(turn: Turn) -> list[str]:
    """The ids of the tools that `turn` uses; ApiError when one comes twice."""
    ids: list[str] = []
    for path, block in turn.blocks:
        if block["type"] != "tool_use":
            continue
        if block["id"] in ids:
            raise ApiError(400, f"{path}: `tool_use` ids must be unique")
        ids.append(block["id"])
    return ids


def _check_once(results: Sequence[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for path, use_id in results:
        if use_id in seen:
            raise ApiError(
                400,
                f"{path}: each tool_use must have a single result. Found multiple `tool_result` "
                f"blocks with id: {use_id}",
            )
        seen.add(use_id)


def _leading(turn: Turn) -> set[str]:
    """The results that come first in `turn`; those after something else do not count."""
    found = set()
    for _, block in turn.blocks:
        if block["type"] != "tool_result":
            break
        found.add(block["tool_use_id"])
    return found


def _refuse_unanswered(index: int, ids: Sequence[str]) -> None:
    if ids:
        raise ApiError(
            400,
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately "
            f"after: {', '.join(ids)}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message.",
        )


def _check_prefill(turns: Sequence[Turn], abilities: Abilities) -> None:
    last = turns[-1]
    texts = [block["text"] for _, block in last.blocks if block["type"] == "text"]
    if last.role != "assistant" or not texts:
        return
    if not abilities.prefill:
        raise ApiError(
            400,
            "This model does not support assistant message prefill. The conversation must end with "
            "a user message.",
        )
    if texts[-1] != texts[-1].rstrip():
        raise ApiError(400, "messages: final assistant content cannot end with trailing whitespace")
