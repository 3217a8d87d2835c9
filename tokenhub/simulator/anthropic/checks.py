"""Checks of Anthropic's messages API, with its wording (clients recover by it)."""

from collections.abc import Sequence
from typing import Any

from tokenhub.simulator.anthropic.models import unknown_model
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.signatures import seal_is_valid, signature_is_valid

MAX_CACHE_POINTS = 4

_THINKING_DOCS = (
    "Please consult our documentation at "
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
)


def required(body: Json, name: str) -> Any:
    """The field `name`; ApiError when absent."""
    if body.get(name) is None:
        raise ApiError(400, f"{name}: Field required")
    return body[name]


def positive_integer(body: Json, name: str) -> int:
    """The required integer field `name`, at least 1."""
    value = required(body, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ApiError(400, f"{name}: Input should be a valid integer")
    if value < 1:
        raise ApiError(400, f"{name}: Input should be greater than or equal to 1")
    return value


def model_of(exchange: Exchange) -> Model:
    """The model that the request names; ApiError 400 without one, 404 for an unknown one."""
    name = required(exchange.body, "model")
    if not isinstance(name, str):
        raise ApiError(400, "model: Input should be a valid string")
    model = exchange.models.get(name)
    if model is None:
        raise unknown_model(name)
    return model


def messages_of(body: Json, model: Model) -> list[Json]:
    """The messages with their content as lists of blocks, checked."""
    messages = required(body, "messages")
    if not isinstance(messages, list):
        raise ApiError(400, "messages: Input should be a valid list")
    if not messages:
        raise ApiError(400, "messages: at least one message is required")
    read = [_message(index, message) for index, message in enumerate(messages)]
    for index, message in enumerate(read):
        for number, block in enumerate(message["content"]):
            _check_block(f"messages.{index}.content.{number}", block, model)
    _check_tool_results(read)
    return read


def blocks_of(where: str, content: Any) -> list[Json]:
    """Content as a list of blocks: a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise ApiError(400, f"{where}: Input should be a valid list")
    for number, block in enumerate(content):
        if not isinstance(block, dict):
            raise ApiError(400, f"{where}.{number}: Input should be an object")
        if "type" not in block:
            raise ApiError(400, f"{where}.{number}.type: Field required")
    return content


def check_cache_points(blocks: Sequence[Json]) -> None:
    """Refuse more than four `cache_control`, and unknown forms of it."""
    points = [block["cache_control"] for block in blocks if block.get("cache_control")]
    for point in points:
        if not isinstance(point, dict) or point.get("type") != "ephemeral":
            raise ApiError(400, "cache_control.type: Input should be 'ephemeral'")
        if point.get("ttl", "5m") not in ("5m", "1h"):
            raise ApiError(400, "cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    if len(points) > MAX_CACHE_POINTS:
        raise ApiError(
            400,
            f"A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be provided. "
            f"Found {len(points)}.",
        )


def check_thinking(body: Json, messages: Sequence[Json], max_tokens: int) -> str:
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
    if kind in ("disabled", "between_tools"):
        return "disabled"
    if kind == "enabled":
        _check_budget(config.get("budget_tokens"), max_tokens)
    _check_thinking_company(body)
    _check_thinking_kept(messages)
    return str(kind)


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
            f"`max_tokens` must be greater than `thinking.budget_tokens`. {_THINKING_DOCS}"
            "#max-tokens-and-context-window-size",
        )


def _check_thinking_company(body: Json) -> None:
    if body.get("temperature") not in (None, 1):
        raise ApiError(
            400,
            f"`temperature` may only be set to 1 when thinking is enabled. {_THINKING_DOCS}"
            "#important-considerations-when-using-extended-thinking",
        )
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        raise ApiError(400, "Thinking may not be enabled when tool_choice forces tool use.")


def _check_thinking_kept(messages: Sequence[Json]) -> None:
    """While tool results come in, the turn that asked for them must begin with its thinking."""
    newest = messages[-1]["content"]
    if len(messages) < 2 or not any(block["type"] == "tool_result" for block in newest):
        return
    index = len(messages) - 2
    first = messages[index]["content"][0]["type"]
    if first not in ("thinking", "redacted_thinking"):
        raise ApiError(
            400,
            f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but "
            f"found `{first}`. When `thinking` is enabled, a final `assistant` message must start "
            "with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` "
            "blocks). We recommend you include thinking blocks from previous turns. To avoid this "
            f"requirement, disable `thinking`. {_THINKING_DOCS}",
        )


def _message(index: int, message: Any) -> Json:
    where = f"messages.{index}"
    if not isinstance(message, dict):
        raise ApiError(400, f"{where}: Input should be an object")
    for name in ("role", "content"):
        if message.get(name) is None:
            raise ApiError(400, f"{where}.{name}: Field required")
    if message["role"] not in ("user", "assistant", "system"):
        raise ApiError(400, f"{where}.role: Input should be 'user', 'assistant' or 'system'")
    content = blocks_of(f"{where}.content", message["content"])
    if not content:
        raise ApiError(
            400,
            f"{where}: all messages must have non-empty content except for the optional final "
            "assistant message",
        )
    return {**message, "content": content}


_FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "image": ("source",),
}


def _check_block(where: str, block: Json, model: Model) -> None:
    kind = block["type"]
    for name in _FIELDS.get(kind, ()):
        value = block.get(name)
        if value is None:
            raise ApiError(400, f"{where}.{kind}.{name}: Field required")
        if name not in ("input", "source") and not isinstance(value, str):
            raise ApiError(400, f"{where}.{kind}.{name}: Input should be a valid string")
    if kind == "text" and not block["text"]:
        raise ApiError(400, "messages: text content blocks must be non-empty")
    if kind == "thinking" and not signature_is_valid(
        model.id, block["thinking"], block["signature"]
    ):
        raise ApiError(400, f"{where}: Invalid `signature` in `thinking` block")
    if kind == "redacted_thinking" and not seal_is_valid(model.id, block["data"]):
        raise ApiError(400, f"{where}: Invalid `data` in `redacted_thinking` block")


def _check_tool_results(messages: Sequence[Json]) -> None:
    asked: list[str] = []
    for index, message in enumerate(messages):
        given = [b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"]
        for number, block in enumerate(message["content"]):
            if block["type"] == "tool_result" and block["tool_use_id"] not in asked:
                raise ApiError(
                    400,
                    f"messages.{index}.content.{number}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {block['tool_use_id']}. Each `tool_result` block must "
                    "have a corresponding `tool_use` block in the previous message.",
                )
        _refuse_unanswered(index - 1, [id_ for id_ in asked if id_ not in given])
        asked = [str(b["id"]) for b in message["content"] if b["type"] == "tool_use"]
    _refuse_unanswered(len(messages) - 1, asked)


def _refuse_unanswered(index: int, ids: Sequence[str]) -> None:
    if ids:
        raise ApiError(
            400,
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately "
            f"after: {', '.join(ids)}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message.",
        )
