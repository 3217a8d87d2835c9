"""Checks of Anthropic's messages API, with its wording (clients recover by it)."""

import re
from collections.abc import Sequence
from typing import Any

from tokenhub.simulator.anthropic import fields
from tokenhub.simulator.anthropic.abilities import Abilities
from tokenhub.simulator.anthropic.media import check_media
from tokenhub.simulator.anthropic.models import unknown_model
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.signatures import seal_is_valid, signature_is_valid

MAX_CACHE_POINTS = 4

LEAST_TOP_P = 0.99
"""Below it a model without sampling parameters refuses `top_p` (migration guide, 4.7)."""


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
    """The messages with their content as lists of blocks, each checked by itself."""
    messages = required(body, "messages")
    if not isinstance(messages, list):
        raise ApiError(400, "messages: Input should be a valid list")
    if not messages:
        raise ApiError(400, "messages: at least one message is required")
    read = [_message(index, message) for index, message in enumerate(messages)]
    for index, message in enumerate(read):
        for number, block in enumerate(message["content"]):
            _check_block(f"messages.{index}.content.{number}", block, model)
    return read


def system_of(body: Json) -> list[Json]:
    """The system prompt as text blocks, checked."""
    blocks = blocks_of("system", body.get("system") or [])
    for number, block in enumerate(blocks):
        if block["type"] != "text":
            raise ApiError(400, f"system.{number}.type: Input should be 'text'")
        if not isinstance(block.get("text"), str):
            raise ApiError(400, f"system.{number}.text: Field required")
        if not block["text"]:
            raise ApiError(400, "system: text content blocks must be non-empty")
        fields.check_block(f"system.{number}", block)
    return blocks


def sampling_of(body: Json, abilities: Abilities) -> None:
    """Refuse temperature, top_p and top_k out of range, or where the model takes none."""
    temperature, top_p = (_share(body, name) for name in ("temperature", "top_p"))
    top_k = body.get("top_k")
    if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int)):
        raise ApiError(400, "top_k: Input should be a valid integer")
    if abilities.sampling:
        if temperature is not None and top_p is not None:
            raise ApiError(
                400,
                "`temperature` and `top_p` cannot both be specified for this model. Please use "
                "only one.",
            )
        return
    unusual = {
        "temperature": temperature not in (None, 1),
        "top_p": top_p is not None and top_p < LEAST_TOP_P,
        "top_k": top_k is not None,
    }
    for name in (name for name, refused in unusual.items() if refused):
        raise ApiError(400, f"`{name}` is deprecated for this model.")


def _share(body: Json, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(400, f"{name}: Input should be a valid number")
    if not 0 <= value <= 1:
        bound = "greater than or equal to 0" if value < 0 else "less than or equal to 1"
        raise ApiError(400, f"{name}: Input should be {bound}")
    return float(value)


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
        if not isinstance(block["type"], str):
            raise ApiError(400, f"{where}.{number}.type: Input should be a valid string")
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


def _message(index: int, message: Any) -> Json:
    where = f"messages.{index}"
    if not isinstance(message, dict):
        raise ApiError(400, f"{where}: Input should be an object")
    for name in ("role", "content"):
        if message.get(name) is None:
            raise ApiError(400, f"{where}.{name}: Field required")
    if message["role"] not in ("user", "assistant", "system"):
        raise ApiError(400, f"{where}.role: Input should be 'user', 'assistant' or 'system'")
    fields.check_message(where, message)
    content = blocks_of(f"{where}.content", message["content"])
    if not content:
        raise ApiError(
            400,
            f"{where}: all messages must have non-empty content except for the optional final "
            "assistant message",
        )
    return {**message, "content": content}


_REQUIRED: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "image": ("source",),
    "document": ("source",),
}
_OBJECTS = ("input", "source")
_PATTERNS = {
    ("tool_use", "id"): r"^[a-zA-Z0-9_-]+$",
    ("tool_use", "name"): r"^[a-zA-Z0-9_-]{1,200}$",
    ("tool_result", "tool_use_id"): r"^[a-zA-Z0-9_-]+$",
}
_IN_RESULTS = ("text", "image", "search_result", "document", "tool_reference", "browser_state")


def _check_block(where: str, block: Json, model: Model) -> None:
    kind = block["type"]
    for name in _REQUIRED.get(kind, ()):
        _check_field(f"{where}.{kind}.{name}", kind, name, block.get(name))
    fields.check_block(where, block)
    match kind:
        case "text" if not block["text"]:
            raise ApiError(400, "messages: text content blocks must be non-empty")
        case "thinking" if not signature_is_valid(model.id, block["thinking"], block["signature"]):
            raise ApiError(400, f"{where}: Invalid `signature` in `thinking` block")
        case "redacted_thinking" if not seal_is_valid(model.id, block["data"]):
            raise ApiError(400, f"{where}: Invalid `data` in `redacted_thinking` block")
        case "image" | "document":
            check_media(where, block)
        case "tool_result":
            _check_result(f"{where}.tool_result", block, model)
        case _:
            pass


def _check_field(where: str, kind: str, name: str, value: Any) -> None:
    if value is None:
        raise ApiError(400, f"{where}: Field required")
    if name in _OBJECTS:
        if not isinstance(value, dict):
            raise ApiError(400, f"{where}: Input should be a valid dictionary")
        return
    if not isinstance(value, str):
        raise ApiError(400, f"{where}: Input should be a valid string")
    pattern = _PATTERNS.get((kind, name))
    if pattern is not None and not re.fullmatch(pattern, value):
        raise ApiError(400, f"{where}: String should match pattern '{pattern}'")


def _check_result(where: str, block: Json, model: Model) -> None:
    failed = block.get("is_error")
    if failed is not None and not isinstance(failed, bool):
        raise ApiError(400, f"{where}.is_error: Input should be a valid boolean")
    content = block.get("content")
    if content is None or isinstance(content, str):
        return
    for number, part in enumerate(blocks_of(f"{where}.content", content)):
        if part["type"] not in _IN_RESULTS:
            raise fields.wrong_tag(f"{where}.content.{number}", part["type"], _IN_RESULTS)
        _check_block(f"{where}.content.{number}", part, model)
    if failed and any(part["type"] != "text" for part in content):
        raise ApiError(400, f"{where}: all content must be type `text` if `is_error` is true")
